"""Uses that are legal and nearly always a mistake: told in a warning, once."""

import warnings

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from tests.models.wrong_uses import (
    BITS,
    IDS,
    ONE_HOT,
    N,
    X,
    Y,
    compiled,
    fit,
    linear,
    one,
    sigmoid,
    softmax,
    trained_on_a_frame,
)


def frame(**columns):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({**{name: X[:, i] for i, name in enumerate("abcd")}, **columns})


def by_name():
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    model = fkeras.Model({"a": a, "b": b}, layers.Dense(1)(layers.Add()([a, b])))
    model.compile("sgd", "mse")
    return model


COMPILE = [
    ("B028 a misspelt metric", {"metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
    ("B029 a misspelt optimizer", {"optimizer": "adamm"}, "(?i)Did you mean 'adam'"),
    ("a misspelt loss", {"loss": "mean_squared_eror"}, "Did you mean 'mean_squared_error'"),
    ("steps_per_execution is 0", {"steps_per_execution": 0}, "steps_per_execution"),
    ("a metric that is no metric", {"metrics": [3]}, "(?i)metric"),
    ("a loss of one argument", {"loss": lambda y: y}, r"two arguments.*\(y_true, y_pred\)"),
    ("a metric of one argument", {"metrics": [lambda y: y]}, r"metric .* with two arguments"),
    ("a loss weight that is a string", {"loss_weights": ["1"]}, "`loss_weights` must hold numbers"),
    ("a loss weight that is NaN", {"loss_weights": float("nan")}, "`loss_weights` must hold"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), COMPILE, ids=[row[0] for row in COMPILE])
def test_a_wrong_name_fails_in_compile(name, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        linear(**arguments)


def pictures():
    model = fkeras.Sequential([fkeras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def convolved():
    return fkeras.Sequential([layers.Embedding(5, 4, mask_zero=True), layers.Conv1D(1, 1)])


def toggled():
    model = linear()
    model.layers[0].trainable = False
    return model


BCE = "binary_crossentropy"


ON_LOGITS = fkeras.losses.BinaryCrossentropy(from_logits=True)


SPARSE_ON_LOGITS = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)


KEY = jax.random.key(0)


FIT4 = fit(X, np.tile(BITS, 4))


def ending(layer, loss, *before):
    model = fkeras.Sequential([fkeras.Input((4,)), *before, layer])
    model.compile("sgd", loss)
    return model


def subclassed(layer, loss, **kwargs):
    class Model(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def call(self, x):
            return self.layer(x)

    model = Model()
    model.compile("sgd", loss, **kwargs)
    return model


def measuring(*names):
    model = linear()
    model.own = [fkeras.metrics.Mean(name=name) for name in names]
    return model


class Deciding(fkeras.Model):
    def __init__(self, decide):
        super().__init__()
        self.scores = layers.Dense(3)
        self.decide = decide

    def call(self, x):
        return self.decide(self.scores(x))


def deciding(decide):
    model = Deciding(decide)
    model.compile("sgd", lambda t, p: fkeras.ops.mean(fkeras.ops.square(t - p)))
    return model


def on_logits(metric):
    return linear(fkeras.losses.BinaryCrossentropy(from_logits=True), metrics=[metric])


WARNINGS = [
    (
        "B011 a linear layer under a loss on probabilities",
        lambda: linear("binary_crossentropy"),
        fit(X, BITS),
        "sigmoid",
    ),
    (
        "B013 softmax and from_logits",
        lambda: softmax(fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        fit(X, IDS),
        "from_logits",
    ),
    (
        "B014 a softmax of one unit",
        lambda: compiled(layers.Dense(1, activation="softmax"), "binary_crossentropy"),
        fit(X, BITS),
        "size 1.*sigmoid",
    ),
    (
        "B020 a constant loss",
        lambda: linear(lambda t, p: 1.0),
        fit(X, Y),
        "loss '<lambda>' does not depend on the model's outputs",
    ),
    (
        "B020 a loss of the targets alone",
        lambda: linear(lambda t, p: fkeras.ops.mean(t)),
        fit(X, Y),
        "does not depend on the model's outputs",
    ),
    (
        "B020 a loss of rounded outputs",
        lambda: linear(lambda t, p: fkeras.ops.mean(fkeras.ops.round(p))),
        fit(X, Y),
        "have no gradient",
    ),
    (
        "argmax in the forward pass",
        lambda: deciding(lambda scores: fkeras.ops.argmax(scores, -1)),
        fit(X, IDS),
        "its outputs do not depend on its weights.*argmax` after `predict`",
    ),
    (
        "rounding in the forward pass, step by step",
        lambda: deciding(fkeras.ops.round),
        lambda m: m.train_on_batch(X, ONE_HOT),
        "its outputs do not depend on its weights",
    ),
    (
        "a comparison in the forward pass, in a pure step",
        lambda: deciding(lambda scores: (scores > 0).astype("float32")),
        lambda m: m.step(m.init_state(m.build_key, (X, ONE_HOT)), (X, ONE_HOT)),
        "its outputs do not depend on its weights",
    ),
    (
        "a class without a weight",
        softmax,
        fit(X, IDS, class_weight={0: 1.0, 1: 2.0}),
        "`class_weight` has no weight for class 2",
    ),
    (
        "a class without a weight, on a batch",
        softmax,
        lambda m: m.train_on_batch(X, IDS, class_weight={0: 1.0, 1: 2.0}),
        "`class_weight` has no weight for class 2",
    ),
    (
        "two metrics of a model under one name",
        lambda: measuring("t", "t"),
        fit(X, Y),
        "Several metrics .* are called 't'.*only the last is shown",
    ),
    (
        "a metric that is called like a result on validation data",
        lambda: measuring("val_loss"),
        lambda m: m.evaluate(X, Y, verbose=0),
        "called 'val_loss', which is also the name of the result of 'loss'",
    ),
    *[
        (f"B011 a linear layer under a loss on probabilities, {name}", make, use, "sigmoid")
        for name, make, use in (
            ("in evaluate", lambda: linear(BCE), lambda m: m.evaluate(X, BITS, verbose=0)),
            ("on a batch", lambda: linear(BCE), lambda m: m.train_on_batch(X, BITS)),
            ("from a generator", lambda: linear(BCE), lambda m: m.fit(one(X, BITS), verbose=0)),
            ("subclassed", lambda: subclassed(layers.Dense(1), BCE), fit(X, BITS)),
            ("in a pure state", lambda: linear(BCE), lambda m: m.init_state(KEY, (X, BITS))),
            ("behind a relu", lambda: ending(layers.Dense(1, "relu"), BCE), fit(X, BITS)),
            ("behind a tanh", lambda: ending(layers.Dense(1, "tanh"), BCE), fit(X, BITS)),
            ("reshaped", lambda: ending(layers.Reshape((4, 1)), BCE, layers.Dense(4)), FIT4),
        )
    ],
    (
        "B013 softmax and from_logits, subclassed",
        lambda: subclassed(layers.Dense(3, activation="softmax"), SPARSE_ON_LOGITS),
        fit(X, IDS),
        "from_logits.*applied twice",
    ),
    *[
        (f"B034 {kind} of logits, {where}", make, fit(X, BITS), f"Metric '{name}'.*linear layer")
        for kind, name, metric in (
            ("AUC", "auc", lambda: fkeras.metrics.AUC(name="auc")),
            ("recall", "r", lambda: fkeras.metrics.Recall(name="r")),
            ("crossentropy", "b", lambda: fkeras.metrics.BinaryCrossentropy(name="b")),
            ("crossentropy by name", "binary_crossentropy", lambda: "binary_crossentropy"),
            ("an F score", "f", lambda: fkeras.metrics.F1Score(threshold=0.5, name="f")),
            ("IoU", "i", lambda: fkeras.metrics.BinaryIoU(name="i")),
            ("a rate", "p", lambda: fkeras.metrics.PrecisionAtRecall(0.5, name="p")),
        )
        for where, make in (
            ("in a graph", lambda metric=metric: on_logits(metric())),
            (
                "subclassed",
                lambda metric=metric: subclassed(layers.Dense(1), ON_LOGITS, metrics=[metric()]),
            ),
        )
    ],
    (
        "B034 AUC of logits",
        lambda: on_logits("AUC"),
        fit(X, BITS),
        r"Metric 'AUC'.*linear layer.*AUC\(from_logits=True\)",
    ),
    (
        "B034 precision of logits",
        lambda: on_logits(fkeras.metrics.Precision()),
        fit(X, BITS),
        "Metric 'precision'.*activation='sigmoid'",
    ),
    (
        "B034 a threshold between probabilities",
        lambda: on_logits(fkeras.metrics.BinaryAccuracy()),
        fit(X, BITS),
        r"BinaryAccuracy\(threshold=0\)",
    ),
    ("B043 all weights zero", linear, fit(X, Y, sample_weight=np.zeros(N)), "weight"),
    (
        "B061 an epoch to begin with behind the last",
        linear,
        fit(X, Y, initial_epoch=3, epochs=2),
        "trains nothing",
    ),
    (
        "B080 unscaled images",
        pictures,
        fit(np.full((4, 2, 2, 1), 200, "uint8"), Y[:4]),
        "uint8.*Divide them by 255",
    ),
    (
        "B089 a validation split of one sample",
        linear,
        fit(X[:10], Y[:10], validation_split=0.1),
        "leaves 1 sample for validation",
    ),
    (
        "B121 a mask that a layer destroys",
        convolved,
        lambda m: m(np.array([[1, 2, 0]])),
        "does not support masking.*destroy",
    ),
    ("B124 a key of the inputs too many", by_name, fit({"a": X, "b": X, "c": X}, Y), "'c'"),
    (
        "B130 a layer frozen after compile",
        toggled,
        fit(X, Y),
        r"dense was changed after `compile\(\)`.*call `compile\(\)` again",
    ),
    (
        "B034 ids of probabilities",
        lambda: sigmoid(metrics=[fkeras.metrics.MeanIoU(2)]),
        fit(X, BITS),
        r"'mean_io_u.*takes class ids.*activation='sigmoid'.*BinaryIoU",
    ),
    (
        "B034 probabilities that equal targets",
        lambda: softmax("categorical_crossentropy", metrics=[fkeras.metrics.Accuracy()]),
        fit(X, ONE_HOT),
        "'accuracy' takes class ids.*activation='softmax'",
    ),
    (
        "B031 accuracy of quantities",
        lambda: linear(metrics=["accuracy"]),
        fit(X, Y),
        r"'accuracy' counts.*class 0 or 1.*fractions.*R2Score",
    ),
    (
        "B011 rates that may be negative",
        lambda: linear("poisson"),
        fit(X, BITS),
        "poisson expects predictions above 0, but the model ends with a linear layer.*softplus",
    ),
    (
        "B011 overlap of what is no probability",
        lambda: linear("dice"),
        fit(X, BITS),
        "dice expects probabilities, but the model ends with a linear layer",
    ),
    (
        "a loss that is turned round",
        lambda: linear(loss_weights=-1.0),
        fit(X, Y),
        "`loss_weights` holds -1: .*without end",
    ),
    (
        "no loss that counts",
        lambda: linear(loss_weights=[0.0]),
        fit(X, Y),
        "`loss_weights` are all 0",
    ),
    (
        "B172 a monitor of validation without validation",
        linear,
        fit(X, Y, callbacks=[fkeras.callbacks.ReduceLROnPlateau("val_loss")]),
        "val_loss",
    ),
]


@pytest.mark.parametrize(
    ("name", "make", "use", "message"), WARNINGS, ids=[row[0] for row in WARNINGS]
)
def test_a_dubious_use_is_told(name, make, use, message):
    with pytest.warns(UserWarning, match=message):
        use(make())


def test_a_toggle_after_compile_is_told_once_and_acts_at_the_next_compile():  # B130
    model = toggled()
    with pytest.warns(UserWarning, match="compile") as caught:
        histories = [model.fit(X, Y, verbose=0).history["loss"][0] for _ in range(3)]
    assert len(caught) == 1 and histories[2] < histories[0]
    model.compile("sgd", "mse")
    frozen = model.get_weights()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], frozen[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: on_logits(fkeras.metrics.AUC(from_logits=True)),
        lambda: on_logits(fkeras.metrics.Recall(thresholds=0)),
        lambda: on_logits("accuracy"),
        lambda: linear("mse", metrics=["AUC"]),
        lambda: sigmoid(metrics=["AUC", "precision"]),
        lambda: sigmoid(metrics=["binary_crossentropy", fkeras.metrics.F1Score(threshold=0.5)]),
        lambda: on_logits(fkeras.metrics.BinaryCrossentropy(from_logits=True)),
        lambda: on_logits(fkeras.metrics.BinaryIoU(threshold=0)),
        lambda: subclassed(layers.Dense(1, activation="sigmoid"), BCE, metrics=["AUC"]),
        lambda: subclassed(layers.Dense(1), "mse", metrics=["AUC"]),
        lambda: subclassed(layers.Dense(1), ON_LOGITS, metrics=["accuracy"]),
    ],
)
def test_metrics_that_fit_the_last_layer_are_left_alone(make):  # B034; warnings are errors
    make().fit(X, BITS, verbose=0)


def test_a_fit_on_other_columns_begins_anew():  # B068
    model = trained_on_a_frame()
    renamed = frame().rename(columns={"a": "z"})
    model.fit(renamed, Y, verbose=0)
    with pytest.raises(UserInputError, match="another order"):
        model.predict(renamed[list("bzcd")], verbose=0)


def times_told(model, y, **kwargs):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X, y, verbose=0, **kwargs)
    return len(told)


def test_a_softmax_of_one_unit_is_told_once_a_fit():  # B014
    model = compiled(layers.Dense(1, activation="softmax"), "binary_crossentropy")
    assert times_told(model, BITS, epochs=3, batch_size=5, validation_data=(X, BITS)) == 1


SAME = [
    (
        "B019 targets without their axis for a function",
        lambda: linear(lambda t, p: fkeras.ops.mean(fkeras.ops.square(t - p), axis=-1)),
        fit(X, Y[:, 0], batch_size=4),
        linear,
        fit(X, Y, batch_size=4),
    ),
    (
        "B020 a loss in NumPy",
        lambda: linear(lambda t, p: np.mean((t - p) ** 2)),
        fit(X, Y, batch_size=4),
        linear,
        fit(X, Y, batch_size=4),
    ),
    (
        "B040 class weights with one-hot targets",
        lambda: softmax("categorical_crossentropy"),
        fit(X, ONE_HOT, class_weight={0: 1.0, 1: 2.0, 2: 3.0}),
        softmax,
        fit(X, IDS, class_weight={0: 1.0, 1: 2.0, 2: 3.0}),
    ),
    (
        "B044 sample weights as a column",
        linear,
        fit(X, Y, sample_weight=np.arange(N)[:, None]),
        linear,
        fit(X, Y, sample_weight=np.arange(N)),
    ),
    (
        "B056 a batch size larger than the data",
        linear,
        fit(X, Y, batch_size=999),
        linear,
        fit(X, Y, batch_size=N),
    ),
    ("B064 numbers in an object array", linear, fit(X.astype(object), Y), linear, fit(X, Y)),
    ("B070 nested lists", linear, fit(X.tolist(), Y), linear, fit(X, Y)),
    ("B071 targets in a list", softmax, fit(X, IDS.tolist()), softmax, fit(X, IDS)),
    ("B076 float64", linear, fit(X.astype("float64"), Y.astype("float64")), linear, fit(X, Y)),
    (
        "B083 a generator of lists",
        linear,
        lambda m: m.fit(([X, Y] for _ in range(1)), verbose=0),
        linear,
        fit(X, Y, shuffle=False),
    ),
]


@pytest.mark.parametrize(
    ("name", "make", "use", "make_plain", "plain"), SAME, ids=[row[0] for row in SAME]
)
def test_another_form_gives_the_same_numbers(name, make, use, make_plain, plain):
    found = []
    for build, act in ((make, use), (make_plain, plain)):
        fkeras.utils.clear_session()
        fkeras.utils.set_random_seed(0)
        found.append(act(build()).history["loss"][0])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


BITS3 = (X[:, :3] > 0).astype("float32")


MASKED = np.array([[1, 2, 0], [0, 0, 0]])


# (id, layer, loss, metric, targets, what the metric is of the predictions)
MEASURED = [
    (
        "B031 accuracy of logits",
        lambda: layers.Dense(1),
        fkeras.losses.BinaryCrossentropy(from_logits=True),
        "accuracy",
        BITS,
        lambda p: np.mean((p > 0) == BITS),
    ),
    (
        "B032 accuracy of several labels",
        lambda: layers.Dense(3, activation="sigmoid"),
        "binary_crossentropy",
        "accuracy",
        BITS3,
        lambda p: np.mean((p > 0.5) == BITS3),
    ),
    (
        "B031 accuracy of signs",
        lambda: layers.Dense(1, activation="tanh"),
        "hinge",
        "accuracy",
        BITS * 2 - 1,
        lambda p: np.mean((p > 0) == BITS),
    ),
    (
        "B031 accuracy of bits beside a hinge loss",
        lambda: layers.Dense(1),
        "squared_hinge",
        "accuracy",
        BITS,
        lambda p: np.mean((p > 0) == BITS),
    ),
    (
        "B035 targets without their axis",
        lambda: layers.Dense(1),
        "mse",
        "mae",
        Y[:, 0],
        lambda p: np.mean(np.abs(p - Y)),
    ),
    (
        "B037 a vector",
        lambda: layers.Dense(1),
        "mse",
        lambda t, p: fkeras.ops.abs(t - p),
        Y,
        lambda p: np.mean(np.abs(p - Y)),
    ),
]


@pytest.mark.parametrize(
    ("name", "layer", "loss", "metric", "y", "expected"), MEASURED, ids=[row[0] for row in MEASURED]
)
def test_a_metric_is_what_its_name_says(name, layer, loss, metric, y, expected):
    model = compiled(layer(), loss, metrics=[metric])
    assert model.evaluate(X, y, batch_size=5, verbose=0)[1] == pytest.approx(
        expected(model.predict(X, verbose=0)), rel=1e-5
    )


def test_a_row_that_is_all_padding_trains_nothing_but_the_bias():  # B119
    model = fkeras.Sequential(
        [layers.Embedding(5, 4, mask_zero=True), layers.GlobalAveragePooling1D(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.build((None, 3))
    table, kernel, bias = model.get_weights()
    assert np.isfinite(model.fit(MASKED[1:], Y[:1] + 1, verbose=0).history["loss"][0])
    np.testing.assert_array_equal(model.get_weights()[0], table)
    np.testing.assert_array_equal(model.get_weights()[1], kernel)
    assert np.isfinite(model.fit(MASKED, Y[:2], verbose=0).history["loss"][0]) and all(
        np.isfinite(w).all() for w in model.get_weights()
    )


def test_weights_of_an_epoch_whose_monitor_is_nan_are_never_the_best():  # B049
    seen, values = [], iter([np.nan, 1.0, 0.5, np.nan])

    class Monitored(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["watched"] = next(values)
            seen.append(self.model.get_weights()[0])

    stopping = fkeras.callbacks.EarlyStopping(
        "watched", mode="min", patience=3, restore_best_weights=True
    )
    model = linear()
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[Monitored(), stopping])
    assert stopping.best == 0.5 and len(seen) == 4
    np.testing.assert_array_equal(model.get_weights()[0], seen[2])


def test_a_model_that_decides_may_be_evaluated_and_used():  # warnings are errors
    model = deciding(lambda scores: fkeras.ops.argmax(scores, -1))
    assert np.isfinite(model.evaluate(X, IDS, verbose=0))
    assert model.predict(X, verbose=0).shape == (N,)
