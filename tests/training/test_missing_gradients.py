"""Weights that a loss gives no gradient are named, once; others are not."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.training.missing_gradients import GradientWatch

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1]


class TwoBranches(fkeras.Model):
    """A branch that is used in one of several ways, beside one that is trained."""

    def __init__(self, use):
        super().__init__(name="two")
        self.used, self.other = layers.Dense(1, name="used"), layers.Dense(1, name="other")
        self.use = use

    def call(self, x):
        return self.use(self.used(x), self.other(x))


USES = {
    "unused": (lambda a, b: a, ["kernel", "bias"]),
    "stopped": (lambda a, b: a + ops.stop_gradient(b), ["kernel", "bias"]),
    "argmax": (lambda a, b: a + ops.cast(ops.argmax(b, -1, keepdims=True), "float32"), ["k", "b"]),
    "rounded": (lambda a, b: a + ops.round(b), ["kernel", "bias"]),
    "compared": (lambda a, b: ops.where(b > 0, a, 2 * a), ["kernel", "bias"]),
    "used": (lambda a, b: a + b, []),
    "used with a gradient of zero": (lambda a, b: a + 0 * b, []),
}


def compiled(use, **options):
    model = TwoBranches(use)
    model.compile("sgd", "mse", **options)
    return model


def told(what):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        what()
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("name", USES)
def test_weights_without_a_gradient_are_named_once(name):
    use, missing = USES[name]
    model = compiled(use)
    fit = lambda: model.fit(X, Y, batch_size=5, epochs=2, verbose=0)  # two shapes
    found = told(fit)
    assert len(found) == bool(missing)
    if missing:
        assert "no gradient" in found[0] and "two/other/kernel, two/other/bias." in found[0]
        assert "two/used" not in found[0] and "trainable = False" in found[0]
    assert told(fit) == []


def test_the_numbers_stay_and_nothing_is_left_in_the_program():
    def gradients(function):
        return jax.make_jaxpr(jax.grad(function))([jnp.ones(2), jnp.ones(3)])

    function = lambda weights: (weights[0] ** 2).sum()
    watch = GradientWatch(2)
    plain, seen = gradients(function), gradients(watch.watched(function))
    assert watch.reached == [True, False]
    assert len(seen.eqns) <= len(plain.eqns) + 1
    assert "custom" not in str(seen)


FORMS = {
    "on batch": lambda model: model.train_on_batch(X, Y),
    "by hand": lambda model: jax.jit(model.step)(model.train_state(), (X, Y)),
    "stream": lambda model: model.fit(iter([(X, Y)]), verbose=0),
}


@pytest.mark.parametrize("form", [*FORMS, "eager"])
def test_every_form_of_training_tells(form):
    model = compiled(USES["stopped"][0], run_eagerly=form == "eager")
    model.build((None, 3))
    assert len(told(lambda: FORMS.get(form, FORMS["stream"])(model))) == 1


def test_what_is_frozen_or_only_regularized_is_not_missing():
    model = compiled(USES["unused"][0])
    model.other.trainable = False
    model.compile("sgd", "mse")
    assert told(lambda: model.train_on_batch(X, Y)) == []
    model = compiled(USES["unused"][0])
    model.other = layers.Dense(1, kernel_regularizer="l2", use_bias=False)
    assert told(lambda: model.train_on_batch(X, Y)) == []


def test_a_head_whose_loss_is_none_is_meant():
    inputs = fkeras.Input((3,))
    hidden = layers.Dense(4, name="hidden")(inputs)
    outputs = [layers.Dense(1, name="a")(hidden), layers.Dense(1, name="b")(hidden)]
    model = fkeras.Model(inputs, outputs)
    model.compile("sgd", ["mse", None])
    assert told(lambda: model.train_on_batch(X, [Y, Y])) == []


def test_where_nothing_has_a_gradient_the_loss_says_so_alone():
    model = compiled(lambda a, b: ops.round(a + b))
    (message,) = told(lambda: model.train_on_batch(X, Y))
    assert "all gradients are zero" in message


@pytest.mark.parametrize("remat", [None, True])
def test_loops_and_recomputation_give_no_false_alarm(remat):
    block = layers.Dense(3, activation="tanh", name="block")
    model = fkeras.Sequential(
        [fkeras.Input((2, 3)), layers.LSTM(3, return_sequences=True), layers.Repeat(block, 2)]
    )
    model.compile("sgd", "mse", remat=remat)
    x = np.ones((4, 2, 3), "float32")
    assert told(lambda: model.train_on_batch(x, x)) == []


def test_a_model_without_weights_is_told_once():
    class Plain(layers.Layer):
        def build(self, input_shape):
            self.kernel = jnp.ones((input_shape[-1], 1))  # an array is a constant

        def call(self, x):
            return x @ self.kernel

    model = fkeras.Sequential([fkeras.Input((3,)), Plain()])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="has no weights: nothing is trained.*add_weight") as told:
        model.fit(X, Y, epochs=2, verbose=0)
        model.fit(X, Y, verbose=0)
    assert len(told) == 1
