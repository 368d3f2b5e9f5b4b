"""Steps in tf.keras's form give the numbers of those in Keras's form on JAX."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.training import in_place_steps

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3)).astype("float32")
Y = rng.normal(size=(8, 1)).astype("float32")


class Plain(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(2, kernel_regularizer="l2")
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(1)

    def call(self, x, training=None):
        return self.head(self.norm(self.hidden(x), training=training))


class Inherited(Plain):
    def train_step(self, data):
        return super().train_step(data)

    def test_step(self, data):
        return super().test_step(data)

    def predict_step(self, data):
        return super().predict_step(data)


class Written(Plain):
    """As guides of tf.keras write it, but for the tape."""

    def train_step(self, data):
        x, y = data
        groups = self.trainable_variables, self.non_trainable_variables, self.metrics_variables
        values = [[v.value for v in group] for group in groups]
        evaluate = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (_, y_pred, others, _)), gradients = evaluate(*values, x, y, None, training=True)
        for variable, value in zip(groups[1], others, strict=True):
            variable.assign(value)
        self.optimizer.apply_gradients(zip(gradients, groups[0], strict=True))
        self.compute_loss(y=y, y_pred=y_pred)
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

    def predict_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        return self(x, training=False)


def results(cls):
    fkeras.utils.set_random_seed(1)
    model = cls()
    model.compile(fkeras.optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"])
    options = {"verbose": 0, "shuffle": False, "batch_size": 4}
    history = model.fit(X, Y, epochs=2, validation_data=(X, Y), **options).history
    evaluated = model.evaluate(X, Y, verbose=0, return_dict=True)
    return history, evaluated, model.predict(X, verbose=0), model.get_weights()


@pytest.fixture(scope="module")
def expected():
    return results(Plain)


@pytest.mark.parametrize("cls", [Inherited, Written])
def test_the_numbers_are_those_of_plain_training(cls, expected):
    history, evaluated, outputs, weights = results(cls)
    assert history.keys() == expected[0].keys()
    np.testing.assert_allclose(history["val_loss"], expected[0]["val_loss"], rtol=1e-5)
    assert evaluated == pytest.approx(expected[1], rel=1e-5)
    np.testing.assert_allclose(outputs, expected[2], rtol=1e-4, atol=1e-6)
    for ours, theirs in zip(weights, expected[3], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_what_the_form_is():
    assert in_place_steps.takes_data_alone(lambda data: None)
    assert not in_place_steps.takes_data_alone(lambda state, data: None)
    assert not in_place_steps.takes_data_alone(lambda *args: None)


def test_a_step_that_returns_nothing_is_an_error():
    class Forgetful(Plain):
        def test_step(self, data):
            self(data[0])

    model = Forgetful()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`test_step` of model.*in the place of the logs"):
        model.evaluate(X, Y, verbose=0)
