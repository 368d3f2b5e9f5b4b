"""Losses by name, by config, by registration."""

import pickle

import jax.numpy as jnp
import pytest

import fkeras
from fkeras import losses
from fkeras.core.config.scopes import custom_object_scope


def test_every_name_that_keras_knows_is_known(keras):
    from keras.src.losses import ALL_OBJECTS_DICT

    for name, theirs in ALL_OBJECTS_DICT.items():
        if name in ("Loss", "LossFunctionWrapper"):
            continue
        ours = losses.get(name)
        assert getattr(ours, "__name__", type(ours).__name__) == theirs.__name__


@pytest.mark.parametrize(("identifier", "expected"), [
    ("MSE", losses.mean_squared_error),
    ("kld", losses.kl_divergence),
    (losses.huber, losses.huber),
    (None, None),
])  # fmt: skip
def test_functions_are_found_by_name(identifier, expected):
    assert losses.get(identifier) is expected


def test_classes_come_from_names_classes_and_configs():
    assert isinstance(losses.get("Huber"), losses.Huber)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get({"class_name": "Huber", "config": {"delta": 3.0}}).delta == 3.0


def test_functions_written_by_keras_are_read(keras):
    assert (
        losses.deserialize(keras.losses.serialize(keras.losses.mean_squared_error))
        is losses.mean_squared_error
    )
    assert (
        losses.deserialize(losses.serialize(losses.mean_squared_error)) is losses.mean_squared_error
    )


def test_own_losses_are_found_in_scopes_and_by_custom_objects():
    def mine(y_true, y_pred):
        return jnp.zeros(())

    with custom_object_scope({"mine": mine}):
        assert losses.get("mine") is mine
    assert losses.deserialize("mine", custom_objects={"mine": mine}) is mine


def test_a_wrapped_function_comes_back_from_its_config():
    loss = losses.LossFunctionWrapper(losses.huber, name="h", delta=2.0)
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    assert float(again([[0.0]], [[5.0]])) == float(loss([[0.0]], [[5.0]])) == 8.0


def test_the_config_of_an_own_loss_follows_its_constructor():
    class Scaled(fkeras.Loss):
        def __init__(self, factor, name="scaled"):
            super().__init__(name=name)
            self.factor = factor

        def call(self, y_true, y_pred):
            return self.factor * jnp.mean(jnp.abs(y_true - y_pred), axis=-1)

    again = Scaled.from_config(Scaled(3.0).get_config())
    assert float(again([[0.0]], [[1.0]])) == 3.0


def test_losses_can_be_pickled():
    loss = pickle.loads(pickle.dumps(losses.Huber(delta=2.0, reduction="sum")))
    assert (loss.delta, loss.reduction, loss.fn) == (2.0, "sum", losses.huber)


def test_structures_of_targets_reach_own_losses():
    def both(y_true, y_pred):
        return jnp.square(y_true["a"] - y_pred["a"]) + jnp.square(y_true["b"] - y_pred["b"])

    loss = losses.LossFunctionWrapper(both)
    assert (
        float(
            loss(
                {"a": jnp.zeros(2), "b": jnp.ones((2, 1))},
                {"a": jnp.ones((2, 1)), "b": jnp.ones((2, 1))},
            )
        )
        == 1.0
    )
