"""Attributes set on an optimizer act, or are told."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, optimizers

X = np.ones((4, 1), "float32")


def trained_by(optimizer, **options):
    model = fkeras.Sequential(
        [fkeras.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(optimizer, "mse", **options)
    return model


def kernel(model):
    return float(model.get_weights()[0][0, 0])


@pytest.mark.parametrize("make", [optimizers.SGD, optimizers.Adam, optimizers.RMSprop])
def test_the_old_name_of_the_learning_rate_acts(make):
    model = trained_by(make(0.25))
    model.train_on_batch(X, X)
    before = kernel(model)
    model.optimizer.lr = 0.0
    model.train_on_batch(X, X)
    assert kernel(model) == before != 0 and float(model.optimizer.lr) == 0
    model.optimizer.lr.assign(0.5)
    assert float(model.optimizer.learning_rate) == 0.5


def test_it_acts_behind_loss_scaling():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.25))
    optimizer.lr = 0.5
    assert float(optimizer.inner_optimizer.learning_rate) == 0.5 == float(optimizer.lr)


@pytest.mark.parametrize(
    ("make", "name", "hint"),
    [
        (optimizers.SGD, "learning_rat", "Did you mean 'learning_rate'"),
        (optimizers.Adam, "beta1", "Did you mean 'beta_1'"),
        (optimizers.SGD, "decai", "Did you mean 'decay'"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD()), "momentum", "has no effect"),
    ],
)
def test_an_unknown_attribute_is_told(make, name, hint):
    optimizer = make()
    with pytest.warns(UserWarning, match=f"has no attribute '{name}'.*{hint}"):
        setattr(optimizer, name, 0.0)


def test_a_class_of_ones_own_may_hold_what_it_likes():
    class Own(optimizers.SGD):
        def __init__(self):
            super().__init__(0.5)
            self.lr = "mine"
            self.anything = 1

    assert Own().lr == "mine" and float(Own().learning_rate) == 0.5


# From the kernel 0 towards 1 with gradient -2, to 0.5; there the gradient is -1.
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("clipvalue", 0.5, 0.5 + 0.25 * 0.5),
        ("weight_decay", 1.0, 0.5 - 0.25 * 0.5 + 0.25 * 1),
        ("clipnorm", 0.25, 0.5 + 0.25 * 0.25),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("train", ["train_on_batch", "fit"])
def test_an_option_that_is_assigned_acts_at_the_next_step(name, value, expected, nested, train):
    inner = optimizers.SGD(0.25)
    model = trained_by(optimizers.LossScaleOptimizer(inner) if nested else inner)
    options = {} if train == "train_on_batch" else {"verbose": 0}
    getattr(model, train)(X, X, **options)
    assert kernel(model) == 0.5
    setattr(inner, name, value)
    getattr(model, train)(X, X, **options)
    assert kernel(model) == pytest.approx(expected)


def test_an_option_assigned_by_a_callback_acts_in_the_next_epoch():
    class Clip(fkeras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.optimizer.clipvalue = 0.5

    model = trained_by(optimizers.SGD(0.25))
    model.fit(X, X, epochs=2, verbose=0, callbacks=[Clip()])
    assert kernel(model) == pytest.approx(0.5 + 0.25 * 0.5)
