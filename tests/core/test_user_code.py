"""What is said where the user's own code fails inside a call of ours."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import config, layers, ops
from fkeras.core import user_code

X = np.zeros((8, 4), "float32")
Y = np.zeros((8, 1), "float32")

# What a newcomer writes in `call`, and a word of the remedy.
MISTAKES = {
    "numpy": (lambda self, x: np.tanh(x), "fkeras.ops"),
    "if": (lambda self, x: x if ops.sum(x) > 0 else -x, "cond"),
    "while": (lambda self, x: [x for _ in iter(lambda: bool(ops.max(x) > 0), False)][0], "where"),
    "range": (lambda self, x: sum(range(ops.cast(ops.sum(x), "int32"))) + x, "fori_loop"),
    "float": (lambda self, x: x * float(ops.sum(x)), "value of a tensor"),
    "item": (lambda self, x: x * ops.sum(x).item(), "value of a tensor"),
    "mask": (lambda self, x: x[x > 0], "by a mask"),
    ".numpy()": (lambda self, x: x.numpy(), "np.asarray"),
}


def layer_of(call, base=layers.Layer, **methods):
    return type("Mistaken", (base,), {"call": call, **methods})()


def text_of(function):
    """The message of the error and its notes, as a terminal shows them."""
    with pytest.raises(Exception) as caught:
        function()
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def fit(layer, **options):
    model = fkeras.Sequential([layer, layers.Dense(1)])
    model.compile("sgd", "mse", **options)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("face", ["fit", "functional", "apply"])
def test_what_cannot_be_traced_names_the_layer_its_inputs_and_the_remedy(name, face):
    call, remedy = MISTAKES[name]
    layer = layer_of(call)
    ways = {
        "fit": lambda: fit(layer),
        "functional": lambda: layer(fkeras.Input((4,))),
        "apply": lambda: jax.jit(layer.apply)({"params": {}, "state": {}}, X),
    }
    text = text_of(ways[face])
    shape = "(8, 4)" if face == "apply" else "(None, 4)"  # `fit` builds a Sequential by symbols
    assert remedy in text and "'mistaken" in text and "Mistaken" in text
    assert f"float32 {shape}" in text


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "train_on_batch"])
@pytest.mark.parametrize("name", ["numpy", "if"])
def test_models_are_layers_in_this_too(method, name):
    call, remedy = MISTAKES[name]
    model = layer_of(call, fkeras.Model)
    model.compile("sgd", "mse")
    arguments = (X,) if method == "predict" else (X, Y)
    text = text_of(lambda: getattr(model, method)(*arguments))
    assert remedy in text and "Mistaken" in text


def test_the_innermost_layer_is_named_with_its_place():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = layer_of(lambda self, x: jnp.dot(x, jnp.ones((7,))))

        def call(self, x):
            return self.inner(x)

    text = text_of(lambda: Outer()(X))
    assert "dot_general" in text and "Raised in `call` of layer 'mistaken" in text
    assert "at 'outer/mistaken" in text and text.count("Raised in") == 1


def test_errors_in_build_tell_the_shapes():
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], input_shape[7]))

    text = text_of(lambda: layer_of(lambda self, x: x, build=build)(X))
    assert "`build` of layer 'mistaken" in text and "input_shape: (8, 4)" in text


def test_a_lambda_layer_is_a_layer():
    text = text_of(lambda: fit(layers.Lambda(lambda x: np.exp(x), name="exponential")))
    assert "'exponential'" in text and "fkeras.ops" in text


def test_a_loss_is_told_the_same():
    model = fkeras.Sequential([layers.Dense(1)])
    model.compile("sgd", lambda y, p: ops.mean(p) if ops.sum(p) > 0 else ops.sum(p))
    text = text_of(lambda: model.fit(X, Y, verbose=0))
    assert text.startswith("Loss") and "cond" in text and "y_pred: float32 (" in text


class Counting(fkeras.metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        np.tanh(y_pred)

    def result(self):
        return 0.0


class Faulty(fkeras.metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return self.totl


@pytest.mark.parametrize(
    "metric, words",
    [
        (Counting(name="counting"), ["'counting'", "`update_state`", "fkeras.ops"]),
        (Faulty(name="faulty"), ["'faulty'", "`result`", "totl"]),
        (lambda y, p: np.tanh(p), ["fkeras.ops", "`update_state`"]),
    ],
)
def test_a_metric_is_told_the_same(metric, words):
    model = fkeras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[metric])
    text = text_of(lambda: model.fit(X, Y, verbose=0))
    assert all(word in text for word in words), text


def test_a_callback_is_named_with_its_logs():
    class Watch(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(logs["accuracy"])

    model = fkeras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    text = text_of(lambda: model.fit(X, Y, verbose=0, callbacks=[Watch()]))
    assert "'accuracy'" in text and "`on_epoch_end` of callback Watch" in text and "'loss'" in text


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"kernel_regularizer": lambda w: np.exp(w)},
            ["Regularizer of weight", "kernel'", "NumPy"],
        ),
        (
            {"activity_regularizer": lambda y: y.sum() if y.sum() > 0 else 0.0},
            ["Activity regularizer of layer 'head'", "cond"],
        ),
        (
            {"kernel_constraint": lambda w: w if w.sum() > 0 else -w},
            ["Constraint of weight", "kernel'", "cond"],
        ),
        ({"activation": lambda x: np.exp(x)}, ["`call` of layer 'head' (Dense)", "NumPy"]),
    ],
)
def test_functions_given_to_layers_are_named(options, words):
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1, name="head", **options)])
    model.compile("sgd", "mse")
    text = text_of(lambda: model.fit(X, Y, verbose=0))
    assert [word for word in words if word not in text] == [], text


def test_a_schedule_is_named():
    model = fkeras.Sequential([layers.Dense(1)])
    model.compile(fkeras.optimizers.SGD(lambda step: 0.1 if step < 3 else 0.01), "mse")
    text = text_of(lambda: model.fit(X, Y, verbose=0))
    assert text.startswith("Learning rate '<lambda>' decides") and "where" in text


def test_jax_adds_no_closing_note_to_our_errors_in_a_jit_of_the_users():
    layer = layer_of(MISTAKES["numpy"][0])
    with pytest.raises(TypeError) as caught:
        jax.jit(layer)(X)
    assert not getattr(caught.value, "__notes__", [])


# -- a forgotten `return` ----------------------------------------------------------------


def forgetful(base=layers.Layer):
    return layer_of(lambda self, x: None, base)


@pytest.mark.parametrize(
    "use",
    [
        lambda: forgetful()(fkeras.Input((4,))),
        lambda: layers.Dense(1)(forgetful()(fkeras.Input((4,)))),
        lambda: fkeras.Sequential([forgetful(), layers.Dense(1)])(X),
        lambda: fkeras.Sequential([fkeras.Input((4,)), forgetful(), layers.Dense(1)]),
        lambda: fit(forgetful()),
    ],
)
def test_a_layer_without_return_is_named_where_its_output_is_needed(use):
    text = text_of(use)
    assert "(Mistaken)" in text and "returned None. Does its last line lack a `return`?" in text


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "train_on_batch"])
def test_so_is_a_model(method):
    model = forgetful(fkeras.Model)
    model.compile("sgd", "mse")
    arguments = (X,) if method == "predict" else (X, Y)
    text = text_of(lambda: getattr(model, method)(*arguments))
    assert "(Mistaken) returned None" in text


def test_a_layer_called_for_its_loss_alone_may_return_nothing():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(ops.mean(x))

    class Net(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.penalty = Penalty()

        def call(self, x):
            y = self.dense(x)
            self.penalty(y)
            return y

    model = Net()
    model.compile("sgd", "mse")
    assert model.fit(X, Y, verbose=0).history["loss"] == [0.0]


# -- how it is said ----------------------------------------------------------------------


def test_the_users_own_errors_stay_what_they_are():
    class OwnError(Exception):
        pass

    def call(self, x):
        raise OwnError("mine") from ValueError("cause")

    with pytest.raises(OwnError, match="mine") as caught:
        layer_of(call)(X)
    assert isinstance(caught.value.__cause__, ValueError)


def test_what_jax_said_is_shown_where_nothing_is_filtered():
    layer = layer_of(MISTAKES["numpy"][0])
    config.disable_traceback_filtering()
    try:
        with pytest.raises(TypeError) as caught:
            layer(fkeras.Input((4,)))
    finally:
        config.enable_traceback_filtering()
    assert isinstance(caught.value.__context__, jax.errors.TracerArrayConversionError)
    assert not caught.value.__suppress_context__


@pytest.mark.parametrize(
    "value, shown",
    [
        (X, "float32 (8, 4)"),
        ([X, Y], "[float32 (8, 4), float32 (8, 1)]"),
        ((X, None), "(float32 (8, 4), None)"),
        ({"a": (Y,)}, "{'a': (float32 (8, 1))}"),
        ((None, 4), "(None, 4)"),
        ([Y] * 9, "[" + "float32 (8, 1), " * 8 + "... (9 in all)]"),
        ("x" * 100, "'" + "x" * 76 + "..."),
    ],
)
def test_values_are_described_by_their_shapes(value, shown):
    assert user_code.describe(value) == shown
