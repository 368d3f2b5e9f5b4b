"""What scripts written for Keras rely on, one test a behaviour; names begin with its number in the
list of behaviours.
"""

import io
import re
from contextlib import redirect_stdout

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")


Y = (X[:, :1] + 0.5 * X[:, 1:2]).astype("float32")


IDS = np.arange(20) % 3


ONE_HOT = np.eye(3, dtype="float32")[IDS]


def classifier(**compile_arguments):
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile(
        **{
            "optimizer": "sgd",
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            **compile_arguments,
        }
    )
    return model


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


def printed(function, *args, **kwargs):
    out = io.StringIO()
    with redirect_stdout(out):
        function(*args, **kwargs)
    return out.getvalue()


def test_01_names_count_up_until_clear_session():
    first, second = layers.Dense(1), layers.Dense(1)
    model = fkeras.Sequential([fkeras.Input((2,)), first])
    assert (first.name, second.name, model.name) == ("dense", "dense_1", "sequential")
    assert first.kernel.path == "sequential/dense/kernel" and first.kernel.name == "kernel"
    fkeras.utils.clear_session()
    assert layers.Dense(1).name == "dense"


def test_02_history_has_sorted_keys_and_python_floats():
    model = classifier()
    history = model.fit(X, IDS, epochs=2, batch_size=10, validation_data=(X, IDS), verbose=0)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 2}


def test_03_metric_keys_are_as_typed():
    def Mt(y_true, y_pred):  # noqa: N802
        return jnp.mean(y_pred)

    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1, activation="sigmoid")])
    model.compile(
        "sgd",
        "binary_crossentropy",
        metrics=[
            "acc",
            "AUC",
            fkeras.metrics.AUC(),
            fkeras.metrics.AUC(),
            Mt,
            lambda t, p: jnp.mean(p),
        ],
    )
    history = model.fit(X, (Y > 0).astype("float32"), batch_size=20, verbose=0)
    assert set(history.history) == {"acc", "AUC", "auc", "auc_1", "mt", "lambda", "loss"}


def test_04_two_outputs_name_their_losses_and_metrics():
    names = {"loss", "cls_loss", "cls_accuracy", "reg_loss", "reg_mae"}
    assert set(two_headed().fit(X, [IDS, Y], batch_size=20, verbose=0).history) == names
    x = fkeras.Input((4,))
    by_key = fkeras.Model(
        x, {"a": layers.Dense(1, name="left")(x), "b": layers.Dense(1, name="right")(x)}
    )
    by_key.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"]})
    assert set(by_key.fit(X, {"a": Y, "b": Y}, batch_size=20, verbose=0).history) == {
        "loss",
        "a_loss",
        "b_loss",
        "a_mae",
    }


def test_05_evaluate_returns_a_float_or_a_list_in_order():
    assert type(regressor().evaluate(X, Y, verbose=0)) is float
    model = two_headed()
    values = model.evaluate(X, [IDS, Y], verbose=0)
    by_name = model.evaluate(X, [IDS, Y], verbose=0, return_dict=True)
    order = ["loss", "cls_loss", "reg_loss", "cls_accuracy", "reg_mae"]
    assert isinstance(values, list) and values == [by_name[n] for n in order]
    assert list(by_name) == sorted(by_name) and model.metrics_names == order


def test_06_weighted_metrics_have_names_of_their_own():
    model = classifier(metrics=["accuracy"], weighted_metrics=["accuracy"])
    history = model.fit(
        X, IDS, sample_weight=np.ones(20), validation_data=(X, IDS), batch_size=20, verbose=0
    ).history
    assert {"weighted_accuracy", "val_weighted_accuracy", "accuracy"} <= set(history)


def test_07_verbose_2_prints_one_line_an_epoch_and_verbose_0_nothing():
    model = classifier()
    text = printed(model.fit, X, IDS, epochs=2, batch_size=8, validation_data=(X, IDS), verbose=2)
    number = r"[\d.e-]+"
    logs = " - ".join(f"{n}: {number}" for n in ("accuracy", "loss", "val_accuracy", "val_loss"))
    line = rf"3/3 - \d+m?s - \d+[mu]?s/step - {logs}"
    assert len(re.findall(rf"^{line}$", text, flags=re.MULTILINE)) == 2, text
    assert re.match(
        r"^1/1 - \d+m?s - \d+[mu]?s/step - accuracy: .* - loss: .*\n$",
        printed(model.evaluate, X, IDS, verbose=2),
    )
    assert re.match(r"^1/1 - \d+m?s - \d+[mu]?s/step\n$", printed(model.predict, X, verbose=2))
    assert (
        printed(
            lambda: (
                model.fit(X, IDS, verbose=0),
                model.evaluate(X, IDS, verbose=0),
                model.predict(X, verbose=0),
            )
        )
        == ""
    )


def test_08_sequential_hides_its_input_layer_and_functional_lists_it():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3)])
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"]
    assert model.layers[0].output.shape == (None, 3)
    x = fkeras.Input((4,))
    assert [type(layer).__name__ for layer in fkeras.Model(x, layers.Dense(3)(x)).layers] == [
        "InputLayer",
        "Dense",
    ]


def test_09_input_shape_on_the_first_layer_builds_at_once():
    model = fkeras.Sequential(
        [
            layers.Flatten(input_shape=(28, 28)),
            layers.Dense(128),
            layers.Dropout(0.2),
            layers.Dense(10),
        ]
    )
    assert model.built and model.count_params() == 101_770


def test_10_an_unbuilt_model_has_no_weights_and_says_so():
    model = fkeras.Sequential([layers.Dense(3)])
    assert model.weights == []
    text = printed(model.summary)
    assert "?" in text and "0 (unbuilt)" in text
    with pytest.raises(ValueError, match="build"):
        model.count_params()
    with pytest.raises(AttributeError):
        model.output  # noqa: B018


def test_11_summary_passes_its_text_to_print_fn():
    heard = []
    fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3)]).summary(
        print_fn=lambda text, line_break=False: heard.append(text)
    )
    text = "\n".join(heard)
    assert (
        "Total params: 15 (60.00 B)" in text
        and "Trainable params: 15 (60.00 B)" in text
        and "Non-trainable params: 0 (0.00 B)" in text
    )


def test_12_add_after_build_and_pop_rebuild_the_shapes():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3)])
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2) and len(model.weights) == 4
    model.pop()
    assert model.output_shape == (None, 3) and len(model.weights) == 2 and model(X).shape == (20, 3)


def test_13_targets_of_shape_n_and_n_1_are_the_same():
    model = regressor(metrics=["mae"])
    assert model.evaluate(X, Y, verbose=0) == model.evaluate(X, Y[:, 0], verbose=0)
    model = classifier()
    assert model.evaluate(X, IDS, verbose=0) == model.evaluate(X, IDS[:, None], verbose=0)
    seen = []

    def loss(y_true, y_pred):
        seen.append((y_true.shape, str(y_true.dtype)))
        return jnp.mean(jnp.square(y_true - y_pred), axis=-1)

    regressor(loss).evaluate(X, IDS, batch_size=20, verbose=0)
    assert set(seen) == {((20, 1), "float32")}


def test_14_accuracy_goes_by_loss_and_shape():
    sparse, dense = classifier(), classifier(loss="categorical_crossentropy")
    dense.set_weights(sparse.get_weights())
    expected = float(np.mean(np.argmax(sparse.predict(X, verbose=0), axis=1) == IDS))
    assert sparse.evaluate(X, IDS, verbose=0)[1] == pytest.approx(expected)
    assert dense.evaluate(X, ONE_HOT, verbose=0)[1] == pytest.approx(expected)
    binary = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1, activation="sigmoid")])
    binary.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    labels = (Y > 0).astype("float32")
    assert binary.evaluate(X, labels, verbose=0)[1] == pytest.approx(
        float(np.mean((binary.predict(X, verbose=0) > 0.5) == labels))
    )


def test_15_validation_split_takes_the_last_rows_before_shuffling():
    x, seen = np.arange(101, dtype="float32")[:, None], []

    class Seeing(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["val_mean"])

    model = fkeras.Sequential([fkeras.Input((1,)), layers.Dense(1)])
    model.compile(
        fkeras.optimizers.SGD(0.0),
        "mse",
        metrics=[fkeras.metrics.MeanMetricWrapper(lambda t, p: t, name="mean")],
    )
    history = model.fit(x, x, validation_split=0.2, batch_size=80, verbose=0, callbacks=[Seeing()])
    assert seen == [pytest.approx(np.mean(np.arange(80, 101)))]
    assert (
        history.history["mean"] == [pytest.approx(np.mean(np.arange(80)))]
        and history.params["steps"] == 1
    )


def test_16_the_epoch_loss_is_weighted_by_samples():
    model = regressor(optimizer=fkeras.optimizers.SGD(0.0))
    whole = model.evaluate(X, Y, batch_size=20, verbose=0)
    assert model.fit(X, Y, batch_size=16, shuffle=False, verbose=0).history["loss"][
        0
    ] == pytest.approx(whole, rel=1e-6)


def test_17_train_metrics_are_reset_each_epoch_and_untouched_by_validation():
    model = regressor(optimizer=fkeras.optimizers.SGD(0.0), metrics=["mae"])
    alone = model.fit(X, Y, epochs=1, batch_size=8, verbose=0).history["mae"]
    history = model.fit(
        X, Y, epochs=2, batch_size=8, validation_data=(X + 9, Y - 9), verbose=0
    ).history
    assert history["mae"] == pytest.approx(alone * 2) and history["val_mae"][0] > 2 * alone[0]


def test_18_losses_of_regularisers_and_layers_count():
    class Adding(layers.Layer):
        def call(self, x):
            self.add_loss(jnp.float32(0.5))
            return x

    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(1, kernel_regularizer=fkeras.regularizers.L2(0.1)),
            Adding(),
            layers.ActivityRegularization(l2=0.01),
        ]
    )
    model.compile(fkeras.optimizers.SGD(0.0), "mse")
    y = model.predict(X, verbose=0)
    extra = 0.1 * np.sum(np.square(model.get_weights()[0])) + 0.5 + 0.01 * np.sum(y**2) / len(y)
    assert model.evaluate(X, y, batch_size=20, verbose=0) == pytest.approx(extra, rel=1e-5)
    assert model.fit(X, y, batch_size=20, verbose=0).history["loss"][0] == pytest.approx(
        extra, rel=1e-5
    )
    model(X)
    assert len(model.losses) == 3 and all(np.shape(v) == () for v in model.losses)


def test_19_train_on_batch_accumulates_nothing():
    model = classifier(optimizer=fkeras.optimizers.SGD(0.0))
    first = model.train_on_batch(X, IDS)
    model.train_on_batch(X, (IDS + 1) % 3)
    assert isinstance(first, list) and len(first) == 2 and model.train_on_batch(X, IDS) == first
    assert list(model.train_on_batch(X, IDS, return_dict=True)) == ["accuracy", "loss"]
    assert type(regressor().train_on_batch(X, Y)) is float


def test_20_fit_goes_on_where_it_was():
    model = regressor()
    first = model.fit(X, Y, batch_size=5, epochs=2, verbose=0)
    second = model.fit(X, Y, batch_size=5, epochs=3, verbose=0)
    assert (
        int(model.optimizer.iterations.numpy()) == 20
        and first is not second
        and second.epoch == [0, 1, 2]
    )
    assert model.fit(X, Y, batch_size=20, initial_epoch=2, epochs=5, verbose=0).epoch == [2, 3, 4]


def test_21_compile_again_keeps_weights_and_starts_the_optimizer_anew():
    model = regressor()
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    model.compile("sgd", "mse")
    assert int(model.optimizer.iterations.numpy()) == 0
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_22_the_learning_rate_can_be_set_and_callbacks_log_it():
    model = regressor()
    model.optimizer.learning_rate = 0.25
    assert float(model.optimizer.learning_rate) == 0.25
    model.optimizer.learning_rate.assign(0.125)
    assert float(model.optimizer.learning_rate) == 0.125
    schedule = fkeras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(X, Y, epochs=2, batch_size=20, verbose=0, callbacks=[schedule]).history
    assert history["learning_rate"] == [0.0625, 0.03125]


def test_23_what_a_callback_puts_into_logs_reaches_history():
    class Adding(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["foo"] = 1

    assert regressor().fit(X, Y, epochs=2, batch_size=20, verbose=0, callbacks=[Adding()]).history[
        "foo"
    ] == [1, 1]


def test_24_stop_training_and_set_weights_act_at_that_very_step():
    model, seen = regressor(), []

    class Watching(fkeras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.get_weights()[0].copy())
            if batch == 1:
                self.model.set_weights([np.full((4, 1), 7.0), np.zeros(1)])
            if batch == 2:
                self.model.stop_training = True

    history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0, callbacks=[Watching()])
    assert int(model.optimizer.iterations.numpy()) == 3 and history.epoch == [0]
    assert (
        np.max(np.abs(seen[1] - seen[0])) > 0
        and np.max(np.abs(seen[2] - 7)) < 3
        and np.min(np.abs(seen[1])) < 3
    )
