"""An optimizer belongs to the Variables that it was built for."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")


def model_with(optimizer, cls=fkeras.Sequential):
    model = cls([fkeras.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize("method", ["fit", "train_on_batch", "step"])
def test_another_models_optimizer_is_refused(method):
    optimizer = fkeras.optimizers.Adam()
    first, second = model_with(optimizer), model_with(optimizer)
    first.train_on_batch(X, Y)
    calls = {
        "fit": lambda: second.fit(X, Y, verbose=0),
        "train_on_batch": lambda: second.train_on_batch(X, Y),
        "step": lambda: second.step(first.train_state(), (X, Y)),
    }
    with pytest.raises(UserInputError, match="Adam 'adam' .* already belongs to another model's"):
        calls[method]()
    assert np.isfinite(second.evaluate(X, Y, verbose=0))  # evaluation needs no optimizer


def test_other_weights_than_those_it_was_built_for_are_refused():
    model = model_with("adam")
    model.train_on_batch(X, Y)
    model.layers[0].trainable = False
    model.compile(model.optimizer, "mse")
    with pytest.raises(UserInputError, match="built for 4 variables; the model now trains 2"):
        model.fit(X, Y, verbose=0)


def test_a_step_of_the_users_own_may_train_some_of_them():
    class Own(fkeras.Sequential):
        def train_step(self, state, data):
            return {"loss": 0.0}, state

    model = model_with("adam", Own)
    model.optimizer.build(model.trainable_variables[:2])
    model.fit(X, Y, verbose=0)
