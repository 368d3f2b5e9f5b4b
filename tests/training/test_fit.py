"""`fit`, `evaluate` and `predict` of whole models: the same numbers however the steps are grouped,
few compilations, and no weights lost.
"""

import functools
import gc
import os
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

import fkeras
from fkeras import layers
from fkeras.core import names

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


class Hooked(fkeras.callbacks.Callback):
    """Has a batch hook, so that steps are run one by one."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class Reading(Hooked):
    """Looks at the logs of each batch."""

    def on_train_batch_end(self, batch, logs=None):
        assert type(logs["loss"]) is float


class EachEpoch(fkeras.callbacks.Callback):
    """Wants to see each epoch's end in time."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(
            (
                epoch,
                float(np.abs(self.model.get_weights()[0]).sum()),
                int(self.model.optimizer.iterations),
            )
        )


@pytest.fixture(scope="module")
def fused():
    model = network()
    history = model.fit(
        X, Y, batch_size=8, epochs=4, validation_data=(X[:20], Y[:20]), verbose=0
    ).history
    return history, values(model)


GROUPINGS = [
    ("unfused", {"fuse": False}, []),
    ("with batch hooks", {}, [Hooked]),
    ("one epoch a call", {}, [EachEpoch]),
    ("three steps per execution", {"steps_per_execution": 3}, []),
    ("three steps per execution with batch hooks", {"steps_per_execution": 3}, [Hooked]),
]


@pytest.mark.parametrize(
    ("name", "arguments", "callbacks"), GROUPINGS, ids=[row[0] for row in GROUPINGS]
)
def test_grouping_steps_changes_no_bit(fused, name, arguments, callbacks):
    model = network(**arguments)
    history = model.fit(
        X,
        Y,
        batch_size=8,
        epochs=4,
        validation_data=(X[:20], Y[:20]),
        verbose=0,
        callbacks=[c() for c in callbacks],
    ).history
    assert history == fused[0]
    same(values(model), fused[1])


@pytest.mark.parametrize(
    "arguments", [{"batch_size": 3}, {"batch_size": 200}, {"batch_size": 10, "shuffle": False}]
)
def test_grouping_changes_no_bit_for_any_size_of_epoch(arguments):
    """An epoch of more steps than are run whole; of one step smaller than a batch; of full batches
    alone.
    """
    fused, single = network(), network(fuse=False)
    x, y = np.tile(X, (3, 1)), np.tile(Y, (3, 1))
    a, b = (
        m.fit(x, y, epochs=3, validation_split=0.2, verbose=0, **arguments).history
        for m in (fused, single)
    )
    assert a == b
    same(values(fused), values(single))


def test_who_looks_at_an_epochs_end_sees_that_epochs_weights():
    """Several epochs may be one device call, but not under somebody's eyes."""
    looks = []
    for arguments in ({}, {"fuse": False}):
        look, model = EachEpoch(), network(**arguments)
        model.fit(X, Y, batch_size=16, epochs=12, verbose=0, callbacks=[look])
        looks.append(look.seen)
    assert looks[0] == looks[1]
    assert [steps for *_, steps in looks[0]] == [4 * (i + 1) for i in range(12)]


def test_hooks_come_in_the_same_order_in_all_forms():
    orders = []
    for arguments in ({}, {"fuse": False}):
        recorder, model = Recorder(), network(**arguments)
        model.fit(
            X,
            Y,
            batch_size=16,
            epochs=3,
            verbose=0,
            callbacks=[recorder],
            validation_data=(X[:9], Y[:9]),
        )
        orders.append(recorder.calls)
    assert orders[0] == orders[1] and len(orders[0]) == 2 + 3 * 4


def test_a_class_that_inherits_can_wait_is_not_kept_waiting():
    class Looks(fkeras.callbacks.History):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            assert int(self.model.optimizer.iterations) == 4 * (epoch + 1)

    network().fit(X, Y, batch_size=16, epochs=12, verbose=0, callbacks=[Looks()])


class Recorder(fkeras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []
        for hook in (
            "on_train_begin",
            "on_epoch_begin",
            "on_test_begin",
            "on_test_end",
            "on_epoch_end",
            "on_train_end",
        ):
            setattr(self, hook, functools.partial(self.record, hook))

    def record(self, hook, *arguments):
        self.calls.append((hook, *arguments[:-1], sorted(arguments[-1])))


def test_ten_fits_of_one_epoch_are_one_fit_of_ten():
    once, often = network(), network()
    history = once.fit(X, Y, batch_size=16, epochs=10, verbose=0).history
    losses = [often.fit(X, Y, batch_size=16, verbose=0).history["loss"][0] for _ in range(10)]
    assert losses == history["loss"] and len(set(losses)) == 10
    same(values(once), values(often))


def test_shuffling_is_a_function_of_seed_and_epoch_and_can_be_off():
    shuffled, again, plain = network(), network(), network()
    a = shuffled.fit(X, Y, batch_size=8, verbose=0)
    jax.random.normal(jax.random.key(9))
    np.random.random()
    b = again.fit(X, Y, batch_size=8, verbose=0)
    c = plain.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert a.history == b.history and a.history != c.history


def test_evaluate_and_predict_are_the_same_in_any_grouping():
    model, single = network(), network(fuse=False)
    results = [
        (m.evaluate(X, Y, batch_size=8, verbose=0), m.predict(X, batch_size=8, verbose=0))
        for m in (model, single)
    ]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-6)
    np.testing.assert_allclose(
        model.predict(X, batch_size=50, verbose=0), results[0][1], rtol=1e-5, atol=1e-6
    )
    assert model.evaluate(X, Y, batch_size=50, verbose=0) == pytest.approx(results[0][0], rel=1e-5)


def test_a_small_prediction_is_the_same_by_its_short_way(monkeypatch):
    short, long = network(), network()
    monkeypatch.setattr(type(long), "_is_one_plain_batch", lambda *a: False)
    expected = [long.predict(x, verbose=0) for x in (X[:1], X[:32], X, X[:3])]
    monkeypatch.undo()
    taken, real = [], type(short)._launch_prediction
    monkeypatch.setattr(type(short), "_launch_prediction", lambda *a: taken.append(1) or real(*a))
    same([short.predict(x, verbose=0) for x in (X[:1], X[:32], X, X[:3])], expected)
    assert (
        len(taken) == 2
    )  # not the first, before anything is compiled, and not the one of two batches
    short.predict(X[:1].astype("float64"), verbose=0)
    short.predict(X[:1].tolist(), verbose=0)
    short.predict(X[:1], verbose=0, callbacks=[fkeras.callbacks.Callback()])
    assert len(taken) == 2
    for wrong in (X[:0], X[:1, :3], X[0]):
        with pytest.raises(ValueError, match="shape|samples"):
            short.predict(wrong, verbose=0)
    out = short.predict(X[:1], verbose=0)
    out += 1  # the caller's own


def test_evaluate_and_predict_change_nothing():
    model = network()
    before = model.get_weights()
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    same(model.get_weights(), before)


def test_batches_of_a_generator_and_of_arrays_train_alike():
    arrays, stream = network(), network()
    a = arrays.fit(X[:48], Y[:48], batch_size=16, epochs=2, shuffle=False, verbose=0).history

    def batches():
        while True:
            for i in range(0, 48, 16):
                yield X[i : i + 16], Y[i : i + 16]

    b = stream.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0).history
    assert a == b
    same(values(arrays), values(stream))


def test_a_sparse_matrix_trains_as_its_dense_rows_do():
    rows = np.where(np.abs(X) > 1, X, 0)
    matrix = scipy.sparse.csr_matrix(rows)
    dense, sparse = network(), network()
    a = dense.fit(rows, Y, batch_size=8, epochs=2, verbose=0, validation_data=(rows, Y)).history
    b = sparse.fit(
        matrix, Y, batch_size=8, epochs=2, verbose=0, validation_data=(matrix, Y)
    ).history
    assert a == b
    same(values(dense), values(sparse))
    np.testing.assert_allclose(
        sparse.predict(matrix, verbose=0), dense.predict(rows, verbose=0), rtol=1e-5, atol=1e-6
    )
    assert sparse.evaluate(matrix, Y, verbose=0) == pytest.approx(
        dense.evaluate(rows, Y, verbose=0), rel=1e-5
    )


def test_many_fits_compile_two_steps():
    traces = []

    class Counting(layers.Layer):
        def call(self, x):
            traces.append(x.shape[0])
            return x

    model = network(middle=[Counting()], fuse=False)
    model.fit(X, Y, batch_size=16, verbose=0)
    assert traces.count(2) == 1
    for _ in range(5):
        model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    assert traces.count(2) == 1 and model._compiled.executables.compilations == 2


def test_a_second_fit_compiles_nothing(compilations):
    model = network()
    for _ in range(2):
        model.fit(X, Y, batch_size=16, validation_data=(X, Y), epochs=2, verbose=0)
    with compilations() as found:
        model.fit(X, Y, batch_size=16, validation_data=(X, Y), epochs=2, verbose=0)
        model.get_weights()
    assert found == []


def test_a_learning_rate_that_changes_compiles_nothing(compilations):
    model = network(fuse=False)
    halve = fkeras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    for _ in range(2):
        model.fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[halve])
    with compilations() as found:
        model.fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[halve])
    assert found == []


@pytest.mark.parametrize(
    ("batch_size", "callbacks", "arguments"),
    [(16, (), {}), (16, (Hooked,), {}), (3, (), {}), (16, (), {"fuse": False})],
)
def test_after_warmup_fit_compiles_nothing_and_gives_the_same(
    compilations, batch_size, callbacks, arguments
):
    x, y = np.tile(X, (3, 1)), np.tile(Y, (3, 1))
    cold, warm = network(**arguments), network(**arguments)
    fit = {"batch_size": batch_size, "epochs": 2, "validation_data": (X, Y)}
    network().fit(X, Y, verbose=0)  # small helpers, of which each process compiles its own
    before = warm.get_weights()
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (x, y)]
    warm.warmup(*shapes, **fit, callbacks=[c() for c in callbacks])
    same(warm.get_weights(), before)
    with compilations() as found:
        b = warm.fit(x, y, verbose=0, callbacks=[c() for c in callbacks], **fit).history
    assert found == []
    assert cold.fit(x, y, verbose=0, **fit).history == b
    same(values(cold), values(warm))


def test_warmup_with_one_batch_serves_batches(compilations):
    model = network()
    network().fit(X, Y, verbose=0)
    model.warmup((X[:16], Y[:16]))
    with compilations() as found:
        model.fit(((X[i : i + 16], Y[i : i + 16]) for i in (0, 16, 32)), verbose=0)
    assert found == [] and int(model.optimizer.iterations) == 3


def test_max_compiles_stops_at_one_shape_too_many():
    model = network()
    with pytest.raises(ValueError, match="max_compiles=1"):
        model.fit(X, Y, batch_size=16, verbose=0, max_compiles=1)


def test_many_shapes_of_batches_are_told_once():
    model = network()

    def batches():
        for n in (3, 4, 5, 6):
            yield X[:n], Y[:n]

    with pytest.warns(UserWarning, match="new shape of a batch") as told:
        model.fit(batches(), verbose=0)
    assert len(told) == 1


def test_data_of_many_sizes_do_not_compile_for_ever(compilations):
    model = network()

    def use(n):
        model.fit(X[:n], Y[:n], batch_size=8, verbose=0)
        model.evaluate(X[:n], Y[:n], batch_size=8, verbose=0)
        model.predict(X[:n], batch_size=8, verbose=0)

    for n in (34, 42, 50, 26, 18):
        use(n)
    with compilations() as found:
        for n in (10, 42, 26):  # one of another size, with batches as before
            use(n)
    assert found == []


@pytest.mark.parametrize(
    ("callbacks", "least", "most"),
    [((), 1, 3), ((Hooked,), 1, 3), ((Reading,), 30, 40)],
    ids=["nobody looks", "a hook that does not look", "a hook that looks"],
)
def test_the_host_waits_for_the_device_only_where_somebody_looks(
    monkeypatch, callbacks, least, most
):
    """Ten steps an epoch, three epochs; each read of an array that lies on the device counts."""
    model = network(fuse=False)
    model.fit(X, Y, batch_size=5, verbose=0)
    reads, real = [], np.asarray

    def counting(value, *args, **kwargs):
        if isinstance(value, jax.Array) and value.shape == ():
            reads.append(value)
        return real(value, *args, **kwargs)

    monkeypatch.setattr(np, "asarray", counting)
    monkeypatch.setattr(jax, "device_get", lambda tree: jax.tree.map(counting, tree))
    monkeypatch.setattr(type(jnp.zeros(1)), "__float__", lambda self: float(counting(self)))
    model.fit(X, Y, batch_size=5, epochs=3, verbose=0, callbacks=[c() for c in callbacks])
    results = 2  # loss and mean absolute error
    assert least * results <= len(reads) <= most * results


def test_training_holds_no_arrays_of_earlier_fits():
    model = network()
    model.fit(X, Y, batch_size=16, verbose=0)
    counts = []
    for _ in range(3):
        model.fit(X, Y, batch_size=16, verbose=0)
        gc.collect()
        counts.append(len(jax.live_arrays()))
    assert counts[0] == counts[-1]


_FITTED = """
    import gc
    import jax
    import numpy as np
    import fkeras

    class Hook(fkeras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    def held():
        gc.collect()
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * 4096 / 2**20

    x, y = np.ones((2000, 64), "float32"), np.ones((2000, 1), "float32")
    hidden = fkeras.layers.Dense(256, activation="relu")
    model = fkeras.Sequential([fkeras.Input((64,)), hidden, fkeras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    seen = []
    for _ in range(50):
        model.fit(x, y, batch_size=100, verbose=0, validation_data=(x, y))
        model.fit(x, y, batch_size=50, verbose=0, validation_split=0.1)
        model.fit(x, y, batch_size=100, verbose=0, callbacks=[Hook()])
        model.evaluate(x, y, verbose=0)
        model.predict(x, verbose=0)
        seen.append((held(), len(jax.live_arrays())))
    print(seen[-1][0] - seen[9][0] < 4, seen[-1][1] == seen[9][1], seen[9], seen[-1])
"""


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="needs Linux's account of memory"
)
def test_fifty_fits_hold_no_more_memory_than_ten():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_FITTED)],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.stdout.startswith("True True"), done.stdout + done.stderr[-2000:]
