"""Callbacks that read and write, and what is left when something goes wrong."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core import names
from fkeras.core.randomness import process_generator
from fkeras.errors import StateLostError
from fkeras.training import loan

X = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")


Y = (X[:, :1] * 2 - X[:, 1:2]).astype("float32")


def network(optimizer="adam", *, seed=1, middle=(), **compile_arguments):
    names.reset()
    fkeras.utils.set_random_seed(seed)
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            *middle,
            layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse", metrics=["mae"], **compile_arguments)
    return model


def values(model):
    return [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]


def same(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b):
        np.testing.assert_array_equal(x, y)


def test_what_a_callback_has_read_stays_as_it_was():
    model, read = network(), []
    model.fit(
        X,
        Y,
        batch_size=8,
        epochs=2,
        verbose=0,
        callbacks=[
            fkeras.callbacks.LambdaCallback(
                on_train_batch_end=lambda b, logs: read.append(
                    ([v.value for v in model.weights], model.get_weights())
                )
            )
        ],
    )
    for arrays, copies in read:
        same([np.asarray(a) for a in arrays], copies)
    assert np.any(read[0][1][0] != read[-1][1][0])


def test_reading_weights_in_callbacks_changes_no_bit():
    plain, read = network(), network()
    plain.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    read.fit(
        X,
        Y,
        batch_size=8,
        epochs=2,
        verbose=0,
        callbacks=[
            fkeras.callbacks.LambdaCallback(
                on_train_batch_begin=lambda b, logs: read.get_weights(),
                on_train_batch_end=lambda b, logs: read.optimizer.iterations.numpy(),
            )
        ],
    )
    same(values(plain), values(read))


def test_set_weights_in_a_callback_acts_at_the_next_step():
    model, seen = network(fkeras.optimizers.SGD(0.0)), []

    def end(batch, logs):
        seen.append(float(model.get_weights()[0][0, 0]))
        model.set_weights([np.full_like(w, batch + 10) for w in model.get_weights()])

    model.fit(
        X[:32],
        Y[:32],
        batch_size=8,
        verbose=0,
        callbacks=[fkeras.callbacks.LambdaCallback(on_train_batch_end=end)],
    )
    assert seen[1:] == [10, 11, 12] and float(model.get_weights()[0][0, 0]) == 13


def test_a_callback_may_predict_and_evaluate_during_fit():
    plain, busy = network(), network()
    plain.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    results = []
    busy.fit(
        X,
        Y,
        batch_size=8,
        epochs=2,
        verbose=0,
        callbacks=[
            fkeras.callbacks.LambdaCallback(
                on_epoch_end=lambda e, logs: results.append(
                    (busy.predict(X, verbose=0).mean(), busy.evaluate(X, Y, verbose=0)[0])
                )
            )
        ],
    )
    assert results[0] != results[1] and np.all(np.isfinite(np.ravel(results)))
    same(values(plain), values(busy))


@pytest.mark.parametrize(
    "hook",
    [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_test_batch_end",
        "on_epoch_end",
        "on_train_end",
    ],
)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_in_any_hook_leaves_live_weights(hook, error):
    model = _shared()

    def fail(*args):
        raise error("stop")

    with pytest.raises(error):
        model.fit(
            X,
            Y,
            batch_size=25,
            verbose=0,
            validation_data=(X, Y),
            callbacks=[type("Failing", (fkeras.callbacks.Callback,), {hook: fail})()],
        )
    assert all(np.all(np.isfinite(v)) for v in values(model) if v.dtype.kind == "f")
    assert np.isfinite(model.fit(X, Y, batch_size=25, verbose=0).history["loss"][0])


_kept: list = []


def _shared():
    if not _kept:
        _kept.append(network())
    return _kept[0]


@pytest.fixture
def calling():
    """A network whose steps call the host, and how many such calls succeed from now on."""
    calls = {"left": 10**9}

    def check(x):
        calls["left"] -= 1
        if calls["left"] < 0:
            raise RuntimeError("the host is gone")
        return np.asarray(x)

    class Calling(layers.Layer):
        def call(self, x, training=False):
            if not training:
                return x
            return x + jax.lax.stop_gradient(
                jax.pure_callback(check, jax.ShapeDtypeStruct((), jnp.float32), 0 * jnp.sum(x))
            )

    model = fkeras.Sequential([fkeras.Input((4,)), Calling(), layers.Dense(1)])
    model.compile("adam", "mse")
    yield model, calls
    process_generator.reset(0)


def test_a_step_that_fails_on_the_device_falls_back_to_the_snapshot(calling):
    model, calls = calling
    model.fit(X[:48], Y[:48], batch_size=8, verbose=0)
    before = model.get_weights()
    calls["left"] = 3
    with pytest.raises(Exception, match="host is gone") as caught:
        model.fit(X[:48], Y[:48], batch_size=8, verbose=0)
    after = model.get_weights()
    assert all(np.all(np.isfinite(w)) for w in after)
    steps = int(model.optimizer.iterations.numpy())
    assert 6 <= steps <= 9 and int(model.train_state().step) == steps
    if steps == 6:
        same(after, before)
        assert "failed on the device" in "".join(getattr(caught.value, "__notes__", []))
    calls["left"] = 10**9
    assert np.isfinite(model.fit(X[:48], Y[:48], batch_size=8, verbose=0).history["loss"][0])


def test_a_step_that_fails_on_the_device_loses_a_large_state_and_says_so(
    calling, monkeypatch, tmp_path
):
    monkeypatch.setattr(loan, "LARGE_STATE", 0)
    model, calls = calling
    model.fit(X[:48], Y[:48], batch_size=48, verbose=0)
    model.save_weights(tmp_path / "w.weights.h5")
    before = model.get_weights()
    calls["left"] = 0
    with pytest.raises(Exception, match="host is gone") as caught:
        model.fit(X[:48], Y[:48], batch_size=48, epochs=2, verbose=0)
    assert "BackupAndRestore" in "".join(caught.value.__notes__)
    for reads in (model.get_weights, lambda: model.predict(X, verbose=0), lambda: model.fit(X, Y)):
        with pytest.raises(StateLostError, match="BackupAndRestore"):
            reads()
    model.load_weights(tmp_path / "w.weights.h5")
    same(model.get_weights(), before)


def test_a_large_state_trains_to_the_same_numbers_and_loses_none_to_an_interrupt(monkeypatch):
    arguments = {"batch_size": 25, "epochs": 2, "verbose": 0}
    plain, large = network(), network()
    plain.fit(X, Y, **arguments)
    monkeypatch.setattr(loan, "LARGE_STATE", 0)
    large.fit(X, Y, **arguments)
    same(values(plain), values(large))

    def press(epoch, logs):
        raise KeyboardInterrupt

    hook = fkeras.callbacks.LambdaCallback(on_epoch_end=press)
    with pytest.raises(KeyboardInterrupt):
        large.fit(X, Y, callbacks=[hook], **arguments)
    assert int(large.optimizer.iterations.numpy()) == 6
    plain.fit(X, Y, **{**arguments, "epochs": 1})
    same(values(plain), values(large))


def test_a_generator_that_fails_passes_its_error_on_and_leaves_live_weights():
    model = network()
    before = model.get_weights()

    def batches():
        yield X[:8], Y[:8]
        yield X[:8], Y[:8]
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        model.fit(batches(), verbose=0)
    assert np.any(model.get_weights()[0] != before[0])
    assert not any(
        "prefetch" in t.name.lower() or "ahead" in t.name.lower() for t in threading.enumerate()
    )
