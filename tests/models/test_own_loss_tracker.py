"""A `metrics` of the user's own that lists a tracker called `loss`, updated or not."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1]


class Tracked(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")
        self.loss_tracker = fkeras.metrics.Mean(name="loss")

    def call(self, x):
        return self.dense(x)

    @property
    def metrics(self):
        return [self.loss_tracker]


class InStep(Tracked):
    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        x, y = data

        def compute(trainable):
            outputs, new = self.stateless_call(trainable, non_trainable, x, training=True)
            return ops.mean((outputs - y) ** 2), new

        (loss, new), gradients = jax.value_and_grad(compute, has_aux=True)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        metrics = self.loss_tracker.stateless_update_state(metrics, loss)
        logs = {"loss": self.loss_tracker.stateless_result(metrics)}
        return logs, (trainable, new, optimizer, metrics)


class InLoss(Tracked):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = ops.mean((y - y_pred) ** 2)
        self.loss_tracker.update_state(loss)
        return loss


def reference():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("kind", [InStep, InLoss, Tracked])
@pytest.mark.parametrize("metrics", [None, ["mae"]])
def test_the_loss_is_the_loss(kind, metrics):
    model, plain = kind(), reference()
    model.compile("sgd", "mse", metrics=metrics)
    history, expected = (
        m.fit(X, Y, batch_size=4, verbose=0, shuffle=False) for m in (model, plain)
    )
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=1e-5)
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    values = plain.evaluate(X, Y, verbose=0, return_dict=True)
    assert found.keys() == ({"loss", "mae"} if metrics else {"loss"})
    for name in found:
        assert found[name] == pytest.approx(values[name], rel=1e-5)


def test_without_a_loss_of_compile_the_own_tracker_counts():
    model = InLoss()
    model.compile("sgd")
    losses = model.fit(X, Y, batch_size=8, verbose=0).history["loss"]
    assert losses == pytest.approx(reference().evaluate(X, Y, verbose=0)[:1], rel=1e-5)
