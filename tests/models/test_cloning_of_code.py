"""`clone_model` loads no code: what a model holds of it goes on in the clone as it is."""

import jax
import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers, ops

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
Y = X[:, :1]


def twice(x):
    return x * 2


class Applying(layers.Layer):
    """A layer of a function, which no registry knows."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


def sequential(layer):
    return fkeras.Sequential([fkeras.Input((3,)), layer])


def functional(layer):
    x = fkeras.Input((3,))
    return fkeras.Model(x, layer(x))


HOLDERS = {
    "Lambda of a lambda": lambda: layers.Lambda(lambda x: x * 2),
    "Lambda of a function": lambda: layers.Lambda(twice),
    "activation": lambda: layers.Dense(3, activation=lambda x: x * 2),
    "Activation": lambda: layers.Activation(twice),
    "regularizer": lambda: layers.Dense(3, kernel_regularizer=lambda w: ops.sum(w)),
    "initializer": lambda: layers.Dense(
        3, kernel_initializer=lambda shape, dtype=None: ops.ones(shape, dtype)
    ),
    "constraint": lambda: layers.Dense(3, kernel_constraint=lambda w: w),
    "a layer of one's own": lambda: Applying(lambda x: x * 2),
    "jitted": lambda: Applying(jax.jit(twice)),
    "inner model": lambda: sequential(layers.Lambda(lambda x: x * 2)),
    "wrapper": lambda: fkeras.Sequential(
        [layers.Reshape((3, 1)), layers.TimeDistributed(layers.Dense(2, activation=twice))]
    ),
    "cell": lambda: fkeras.Sequential(
        [layers.Reshape((3, 1)), layers.RNN(layers.LSTMCell(2, activation=lambda x: ops.tanh(x)))]
    ),
}


@pytest.mark.parametrize("make", [sequential, functional])
@pytest.mark.parametrize("name", HOLDERS)
def test_functions_of_layers(name, make):
    model = make(HOLDERS[name]())
    clone = fkeras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone(X), model(X), rtol=1e-6)
    assert not {id(v) for v in model.variables} & {id(v) for v in clone.variables}
    assert not {id(layer) for layer in model.layers} & {id(layer) for layer in clone.layers}


def test_two_classes_of_one_name_stay_apart():
    def make(factor):
        class Same(layers.Layer):
            def call(self, x):
                return x * factor

        return Same(name=f"by_{factor}")

    model = fkeras.Sequential([fkeras.Input((3,)), sequential(make(2)), sequential(make(3))])
    np.testing.assert_allclose(fkeras.models.clone_model(model)(X), X * 6, rtol=1e-6)


class OwnLoss(fkeras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


class OwnMetric(fkeras.metrics.Metric):
    def __init__(self, function=None, name="own"):
        super().__init__(name=name)
        self.function = function
        self.count = self.add_variable((), name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count.assign_add(1.0)

    def result(self):
        return self.count


class Rate(fkeras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.125


class OwnOptimizer(fkeras.optimizers.SGD):
    pass


def square(y_true, y_pred):
    return ops.square(y_true - y_pred)


OPTIMIZERS = fkeras.optimizers
CHOICES = {
    "loss function": lambda: {"loss": lambda a, b: ops.mean(ops.square(a - b))},
    "loss object": lambda: {"loss": OwnLoss()},
    "loss by name": lambda: {"loss": {"out": square}},
    "metric function": lambda: {"loss": "mse", "metrics": [square]},
    "metric object": lambda: {"loss": "mse", "metrics": [OwnMetric(twice)]},
    "weighted": lambda: {"loss": "mse", "weighted_metrics": [OwnMetric()]},
    "Optax": lambda: {"loss": "mse", "optimizer": optax.adam(0.01)},
    "Optax with a name": lambda: {
        "loss": "mse",
        "optimizer": OPTIMIZERS.OptaxOptimizer(optax.sgd(0.1), name="mine"),
    },
    "schedule": lambda: {"loss": "mse", "optimizer": OPTIMIZERS.SGD(Rate())},
    "Optax schedule": lambda: {
        "loss": "mse",
        "optimizer": OPTIMIZERS.SGD(optax.linear_schedule(0.1, 0.0, 10)),
    },
    "rate function": lambda: {"loss": "mse", "optimizer": OPTIMIZERS.SGD(lambda: 0.1)},
    "optimizer class": lambda: {"loss": "mse", "optimizer": OwnOptimizer(0.1)},
    "loss scaling": lambda: {
        "loss": "mse",
        "optimizer": OPTIMIZERS.LossScaleOptimizer(optax.sgd(0.1)),
    },
}


@pytest.mark.parametrize("name", CHOICES)
def test_what_a_model_was_compiled_with(name):
    x = fkeras.Input((3,))
    model = fkeras.Model(x, layers.Dense(1, name="out")(x))
    model.compile(**CHOICES[name]())
    model.train_on_batch(X, Y)
    clone = fkeras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert type(clone.optimizer) is type(model.optimizer) and clone.optimizer is not model.optimizer
    logs = clone.test_on_batch(X, Y, return_dict=True)
    assert logs == pytest.approx(model.test_on_batch(X, Y, return_dict=True), rel=1e-5)
    clone.train_on_batch(X, Y)
    own = {id(v) for v in model.metrics_variables}
    assert not own & {id(v) for v in clone.metrics_variables}


class Both(layers.Layer):
    def call(self, x):
        return x * 2, x * 3


class Named(layers.Layer):
    def call(self, x):
        return {"a": x * 2, "b": x * 3}


CHOSEN = {
    "both": lambda a, b: [a, b],
    "the second": lambda a, b: b,
    "swapped": lambda a, b: [b, a],
    "by name": lambda a, b: {"p": a, "q": b},
    "used": lambda a, b: layers.Add()([a, b]),
}


@pytest.mark.parametrize("layer", [Both, Named])
@pytest.mark.parametrize("chosen", CHOSEN)
def test_several_outputs_of_one_layer(layer, chosen):
    x = fkeras.Input((3,))
    model = fkeras.Model(x, CHOSEN[chosen](*jax.tree.leaves(layer()(x))))
    for clone in (
        fkeras.models.clone_model(model),
        fkeras.models.clone_model(model, call_function=lambda l, *a, **k: l(*a, **k)),
    ):
        for got, expected in zip(jax.tree.leaves(clone(X)), jax.tree.leaves(model(X)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_outside_of_a_clone_code_is_refused_as_before():
    model = sequential(layers.Lambda(lambda x: x))
    fkeras.models.clone_model(model)
    with pytest.raises(ValueError, match="safe mode"):
        fkeras.Sequential.from_config(model.get_config())
    model.compile(optax.sgd(0.1), "mse")
    with pytest.raises(ValueError, match="has to be given again"):
        model.compile_from_config(model.get_compile_config())
