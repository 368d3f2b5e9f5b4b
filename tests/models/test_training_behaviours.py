"""What scripts rely on when they train: numbers, logs, callbacks and seeds."""

import copy
import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")


Y = (X[:, :1] + 0.5 * X[:, 1:2]).astype("float32")


IDS = np.arange(20) % 3


ONE_HOT = np.eye(3, dtype="float32")[IDS]


def regressor(loss="mse", optimizer="sgd", **compile_arguments):
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)])
    model.compile(optimizer, loss, **compile_arguments)
    return model


def two_headed(**compile_arguments):
    x = fkeras.Input((4,))
    outputs = [layers.Dense(3, activation="softmax", name="cls")(x), layers.Dense(1, name="reg")(x)]
    model = fkeras.Model(x, outputs)
    model.compile(
        **{
            "optimizer": "sgd",
            "loss": ["sparse_categorical_crossentropy", "mse"],
            "metrics": [["accuracy"], ["mae"]],
            **compile_arguments,
        }
    )
    return model


def batch_end(function):
    """A callback that calls `function(batch, logs)` at the end of each training batch."""
    return fkeras.callbacks.LambdaCallback(on_train_batch_end=function)


def test_25_early_stopping_restores_the_best_even_without_stopping():
    model, kept = regressor(), []

    class Spoiling(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["loss"] = float(epoch == 1) * -1.0
            kept.append(self.model.get_weights())

    stopping = fkeras.callbacks.EarlyStopping("loss", patience=10, restore_best_weights=True)
    history = model.fit(X, Y, epochs=4, batch_size=20, verbose=0, callbacks=[Spoiling(), stopping])
    assert len(history.epoch) == 4
    np.testing.assert_array_equal(model.get_weights()[0], kept[1][0])


def test_a_model_may_keep_a_loss_of_its_own_under_the_name():
    class Own(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.loss = fkeras.losses.MeanAbsoluteError()

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return self.loss(y, y_pred) * 2

    model = Own()
    own = model.loss
    model.compile("sgd")
    predicted = model(X)
    history = model.fit(X, Y, batch_size=20, verbose=0).history
    assert history["loss"] == pytest.approx([2 * float(np.mean(np.abs(Y - predicted)))], rel=1e-5)
    assert model.loss is own
    model.compile("sgd", "mse")
    assert model.loss == "mse"


def test_26_a_frozen_batch_normalization_runs_in_inference_mode():
    layer = layers.BatchNormalization()
    model = fkeras.Sequential([fkeras.Input((4,)), layer, layers.Dense(1)])
    assert [w.name for w in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.path.split("/")[-2:] for w in model.weights][3:5] == [
        ["batch_normalization", "moving_variance"],
        ["dense", "kernel"],
    ]
    layer.trainable = False
    np.testing.assert_allclose(
        layer(X * 9, training=True), X * 9 / np.sqrt(1 + layer.epsilon), rtol=1e-5
    )
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(4))


def test_27_a_shared_layer_has_one_set_of_weights():
    x, dense = fkeras.Input((4,)), layers.Dense(4)
    model = fkeras.Model(x, dense(dense(x)))
    assert len(model.weights) == 2 and len(model.get_weights()) == 2
    with pytest.raises(ValueError, match=r"(?s)2.*3|3.*2"):
        model.set_weights([np.zeros((4, 4)), np.zeros(4), np.zeros(4)])


def test_28_predict_keeps_the_structure_and_dropout_is_off():
    x = fkeras.Input((4,))
    y = layers.Dense(2)(x)
    for outputs in ([y, y], (y, y), {"a": y, "b": y}, y):
        result = fkeras.Model(x, outputs).predict(X.astype("float64"), verbose=0)
        assert type(result) is (np.ndarray if outputs is y else type(outputs))
        assert all(r.dtype == np.float32 for r in jax.tree.leaves(result))

    class Inner(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.dropout = layers.Dropout(0.5)

        def call(self, inputs):
            return self.dropout(inputs)

    model = fkeras.Sequential([fkeras.Input((4,)), Inner()])
    np.testing.assert_array_equal(model(X), X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    assert np.mean(np.asarray(model(X, training=True)) == 0) > 0.2


def test_29_inputs_come_in_many_forms():
    pandas = pytest.importorskip("pandas")
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    model = fkeras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile(fkeras.optimizers.SGD(0.0), "mse")
    losses = [model.evaluate(x, Y, verbose=0) for x in ({"a": X, "b": -X}, [X, -X], (X, -X))]
    assert losses[0] == losses[1] == losses[2]
    single = regressor(optimizer=fkeras.optimizers.SGD(0.0))
    series = pandas.Series(Y[:, 0], index=np.arange(20)[::-1])
    assert single.evaluate(X, series, verbose=0) == single.evaluate(X, Y, verbose=0)
    assert "val_loss" in single.fit(X, series, validation_data=[X, Y], verbose=0).history


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_30_an_exception_in_a_callback_leaves_live_weights(error):
    model = regressor()

    def fail(batch, logs):
        if batch == 2:
            raise error("from a callback")

    before = model.get_weights()
    with pytest.raises(error):
        model.fit(X, Y, batch_size=5, verbose=0, callbacks=[batch_end(fail)])
    assert (
        np.any(model.get_weights()[0] != before[0]) and int(model.optimizer.iterations.numpy()) == 3
    )
    assert np.isfinite(model.fit(X, Y, batch_size=5, verbose=0).history["loss"][0])


def test_31_batch_logs_are_running_means_and_hooks_are_positional():
    model, seen = regressor(optimizer=fkeras.optimizers.SGD(0.0)), []
    singles = [model.evaluate(X[i : i + 5], Y[i : i + 5], verbose=0) for i in range(0, 20, 5)]
    model.fit(
        X,
        Y,
        batch_size=5,
        shuffle=False,
        verbose=0,
        callbacks=[batch_end(lambda b, l: seen.append((b, l["loss"])))],
    )
    assert [b for b, _ in seen] == [0, 1, 2, 3]
    np.testing.assert_allclose(
        [v for _, v in seen], np.cumsum(singles) / np.arange(1, 5), rtol=1e-5
    )


def test_32_steps_per_execution_groups_the_batch_hooks():
    model, begins, ends = regressor(steps_per_execution=3), [], []
    hooks = fkeras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda b, logs: begins.append(b),
        on_train_batch_end=lambda b, logs: ends.append(b),
    )
    model.fit(X, Y, batch_size=2, verbose=0, callbacks=[hooks])
    assert (
        begins == [0, 3, 6, 9]
        and ends == [2, 5, 8, 11]
        and int(model.optimizer.iterations.numpy()) == 10
    )


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize(
    ("rows", "begins", "ends"),
    [
        (20, [0, 3, 6, 9], [2, 5, 8, 11]),
        (19, [0, 3, 6, 9], [2, 5, 8, 11]),
        (12, [0, 3], [2, 5]),
        (3, [0], [2]),
    ],
)
def test_32_steps_per_execution_groups_the_batch_hooks_of_evaluate(fuse, rows, begins, ends):
    model, begun, ended, losses = regressor(steps_per_execution=3, fuse=fuse), [], [], []
    hooks = fkeras.callbacks.LambdaCallback(
        on_test_batch_begin=lambda batch, logs: begun.append(batch),
        on_test_batch_end=lambda batch, logs: (ended.append(batch), losses.append(logs["loss"])),
    )
    result = model.evaluate(X[:rows], Y[:rows], batch_size=2, verbose=0, callbacks=[hooks])
    assert begun == begins and ended == ends
    errors = np.square(model.predict(X[:rows], verbose=0) - Y[:rows])
    np.testing.assert_allclose(
        losses, [np.mean(errors[: 2 * (end + 1)]) for end in ends], rtol=1e-5
    )
    assert result == losses[-1]


def test_33_overridden_steps_get_and_return_lists():
    seen = {}

    class Custom(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, state, data):
            seen["train"] = [type(part) for part in state], len(state)
            logs, state = super().train_step(state, data)
            return {**logs, "more": jnp.float32(1.0)}, state

        def test_step(self, state, data):
            seen["test"] = [type(part) for part in state], len(state)
            return super().test_step(state, data)

        def predict_step(self, state, data):
            seen["predict"] = [type(part) for part in state], len(state)
            outputs, rest = super().predict_step(state, data)
            return outputs + 100, rest

    model = Custom()
    model.compile("sgd", "mse")
    assert model.fit(X, Y, validation_data=(X, Y), verbose=0).history["more"] == [1.0]
    assert np.min(model.predict(X, verbose=0)) > 50
    assert seen == {"train": ([list] * 4, 4), "test": ([list] * 3, 3), "predict": ([list] * 2, 2)}


def test_34_compile_without_loss_where_the_model_has_its_own():
    class Own(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return jnp.mean(jnp.abs(y - y_pred))

    model = Own()
    model.compile(optimizer="adam")
    assert model.fit(X, Y, batch_size=5, verbose=0, epochs=3).history["loss"][2] > 0

    class Adding(layers.Layer):
        def call(self, x):
            self.add_loss(jnp.mean(jnp.square(x)))
            return x

    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(2), Adding()])
    model.compile(optimizer="adam")
    history = model.fit(X, epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0]


def test_35_flags_count_as_they_were_at_each_compile():
    critic = fkeras.Sequential(
        [fkeras.Input((2,)), layers.Dense(1, activation="sigmoid")], name="critic"
    )
    critic.compile("sgd", "binary_crossentropy")
    maker = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2)], name="maker")
    critic.trainable = False
    gan = fkeras.Sequential([maker, critic])
    gan.compile("sgd", "binary_crossentropy")
    assert critic.trainable_weights == []
    real, noise, ones = (
        np.ones((8, 2), "float32"),
        np.ones((8, 3), "float32"),
        np.ones((8, 1), "float32"),
    )
    before = critic.get_weights(), maker.get_weights()
    with pytest.warns(UserWarning, match="compile"):
        critic.train_on_batch(real, ones)
    trained = critic.get_weights()
    assert np.any(trained[0] != before[0][0])
    np.testing.assert_array_equal(maker.get_weights()[0], before[1][0])
    gan.train_on_batch(noise, ones)
    np.testing.assert_array_equal(critic.get_weights()[0], trained[0])
    assert np.any(maker.get_weights()[0] != before[1][0])


def test_36_layers_tell_their_shapes():
    model = fkeras.Sequential([layers.Dense(3)])
    model.compile("sgd", "mse")
    model.fit(X, ONE_HOT, verbose=0)
    assert model.layers[0].input_shape == (None, 4) and model.layers[0].output_shape == (None, 3)
    assert model.output_shape == (None, 3)


_SEEDED = """
import numpy as np, fkeras
fkeras.utils.set_random_seed(1)
x = np.linspace(-1, 1, 40, dtype="float32").reshape(10, 4)
dense, dropout = fkeras.layers.Dense, fkeras.layers.Dropout
model = fkeras.Sequential([fkeras.Input((4,)), dense(3), dropout(0.3), dense(1)])
model.compile("adam", "mse")
model.fit(x, x[:, :1], epochs=2, batch_size=4, verbose=0)
result = b"".join(w.tobytes() for w in model.get_weights()).hex()
"""


def test_37_one_seed_gives_one_result_in_this_process_and_in_a_fresh_one():
    results = []
    for _ in range(2):
        layers.Dense(2)(X)  # something built before must not matter
        scope: dict = {}
        exec(_SEEDED, scope)
        results.append(scope["result"])
    fresh = subprocess.run(
        [sys.executable, "-c", _SEEDED + "print(result)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert results[0] == results[1] == fresh.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("compiled", [False, True])
def test_38_models_can_be_pickled_and_deep_copied(compiled):
    model = fkeras.Sequential(
        [fkeras.Input((4,)), layers.Dense(3), layers.Dropout(0.5), layers.Dense(1)]
    )
    if compiled:
        model.compile("adam", "mse")
        model.fit(X, Y, verbose=0)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(copied.predict(X, verbose=0), model.predict(X, verbose=0))
        if compiled:
            before = model.get_weights()
            copied.fit(X, Y, verbose=0)
            np.testing.assert_array_equal(model.get_weights()[0], before[0])
            assert int(copied.optimizer.iterations.numpy()) == 2


def test_difference_a_metric_name_with_two_outputs_is_applied_to_each():
    history = two_headed(loss=["categorical_crossentropy", "mse"], metrics=["mae"]).fit(
        X, [ONE_HOT, Y], verbose=0
    )
    assert {"cls_mae", "reg_mae"} <= set(history.history)


def test_difference_jnp_functions_take_variables():
    dense = layers.Dense(3, use_bias=False)
    expected = dense(X)
    np.testing.assert_allclose(jnp.matmul(X, dense.kernel), expected, rtol=1e-5)


def test_difference_a_finite_generator_stops_training_with_a_warning():
    model = regressor()

    def batches():
        for _ in range(3):
            yield X[:4], Y[:4]

    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit(batches(), epochs=3, verbose=0)
    assert history.epoch == [0] and len(history.history["loss"]) == 1


def test_difference_a_misspelt_monitor_is_an_error_when_fit_starts():
    model = regressor()
    before = model.get_weights()
    with pytest.raises(ValueError, match="val_los"):
        model.fit(
            X,
            Y,
            validation_data=(X, Y),
            verbose=0,
            callbacks=[fkeras.callbacks.EarlyStopping("val_los", mode="min")],
        )
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize(("interactive", "verbose"), [(True, 1), (False, 2)])
def test_verbose_auto_is_one_line_an_epoch_where_logging_is_not_interactive(
    interactive, verbose, caplog, capsys
):
    seen = []

    class Asking(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.params["verbose"])

    if not interactive:
        fkeras.config.disable_interactive_logging()
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    with caplog.at_level("INFO", logger="fkeras"):
        model.fit(x, x[:, :1], epochs=2, callbacks=[Asking()])
    assert seen == [verbose] * 2
    lines = [record.message for record in caplog.records if "loss:" in record.message]
    assert len(lines) == (0 if interactive else 2)
    assert ("loss:" in capsys.readouterr().out) is interactive


def test_a_single_callback_needs_no_list():
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    callback = fkeras.callbacks.TerminateOnNaN()
    assert len(model.fit(x, x[:, :1], verbose=0, callbacks=callback).history["loss"]) == 1


def test_a_deferred_model_that_could_not_be_built_builds_in_its_own_scope_later():
    model = fkeras.Sequential([fkeras.layers.Dense(1, name="head")], name="stack")
    with pytest.raises(ValueError, match="rank|dim|axes|shape"):
        model(np.ones((), "float32"))
    assert not model._info.name_scope_is_open
    model.stack = [layer for layer in model.stack if layer.name == "head"]
    model(np.ones((2, 3), "float32"))
    assert model.weights[0].path == "stack/head/kernel"


def test_a_layer_that_cannot_be_compiled_runs_as_plain_python():
    seen = []

    class Looking(fkeras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_jit = False

        def call(self, x, scale=1.0):
            seen.append(isinstance(x, jax.core.Tracer))
            return x * scale

    layer = Looking()
    assert layer.call_signature_parameters == ["x", "scale"]
    model = fkeras.Sequential([fkeras.Input((3,)), layer])
    seen.clear()
    model.predict(np.ones((4, 3)), batch_size=2, verbose=0)
    assert seen.count(False) >= 2  # once for each batch, with its values
