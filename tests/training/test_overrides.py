"""What users override in a model, and what is said where it is not what it must be."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError
from fkeras.training import overrides

X = np.zeros((8, 4), "float32")
Y = np.zeros((8, 1), "float32")
CALLS = {
    "train_step": [
        lambda m: m.fit(X, Y, verbose=0),
        lambda m: m.train_on_batch(X, Y),
        lambda m: m.step(m.init_state(m.build_key, (X, Y)), (X, Y)),
        lambda m: m.fit(iter([(X, Y)]), verbose=0),
    ],
    "test_step": [
        lambda m: m.evaluate(X, Y, verbose=0),
        lambda m: m.test_on_batch(X, Y),
        lambda m: m.fit(X, Y, validation_data=(X, Y), verbose=0),
    ],
    "predict_step": [lambda m: m.predict(X, verbose=0), lambda m: m.predict_on_batch(X)],
}


def model_with(base=fkeras.Model, **methods):
    """A small compiled model of a class with these methods."""

    class Mine(base):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    for name, method in methods.items():
        setattr(Mine, name, method)
    model = Mine()
    model.build((None, 4))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize(
    "name, index", [(name, i) for name, calls in CALLS.items() for i in range(len(calls))]
)
def test_a_step_of_another_form_is_told_the_contract(name, index):
    model = model_with(**{name: lambda self, x, y, z: {"loss": 0.0}})
    with pytest.raises(UserTypeError) as caught:
        CALLS[name][index](model)
    text = str(caught.value)
    assert f"`{name}` of model '{model.name}' (Mine)" in text
    assert f"`{name}(self, x, y, z)`" in text and f"def {name}(self, data)" in text
    assert f"Define `def {name}(self, state, data)`" in text and "return `(" in text


def test_the_contract_of_training_says_what_takes_the_place_of_the_tape():
    text = overrides.contract_text("train_step")
    assert "GradientTape" in text and "stateless_apply" in text and "compute_loss" in text


@pytest.mark.parametrize(
    "result, said",
    [
        (lambda logs, state: None, "returned None"),
        (lambda logs, state: logs, "not a pair"),
        (lambda logs, state: (state, logs), "in the place of the logs"),
        (lambda logs, state: ({"loss": "low"}, state), "no numbers: 'loss' is 'low'"),
        (lambda logs, state: (logs, None), "in the place of the state"),
        (lambda logs, state: (logs, state[:3]), "in the place of the state"),
        (lambda logs, state: (logs, (*state[:3], [])), "other `metrics_variables`"),
        (lambda logs, state: (logs, (None, *state[1:])), "other `trainable_variables`"),
    ],
)
def test_what_a_step_returns_is_checked(result, said):
    def train_step(self, state, data):
        return result(*fkeras.Model.train_step(self, state, data))

    with pytest.raises(UserInputError, match=said) as caught:
        model_with(train_step=train_step).fit(X, Y, verbose=0)
    assert "`(logs, state)`" in str(caught.value)


@pytest.mark.parametrize("result", [lambda y, rest: y, lambda y, rest: (y, None)])
def test_so_is_what_predict_step_returns(result):
    def predict_step(self, state, data):
        return result(*fkeras.Model.predict_step(self, state, data))

    with pytest.raises(UserInputError, match=r"\(outputs, non_trainable_variables\)"):
        model_with(predict_step=predict_step).predict(X, verbose=0)


def test_other_names_defaults_and_stars_are_fine():
    def train_step(self, weights, batch, extra=None, **options):
        return super(fkeras.Model, self).train_step(weights, batch)

    def test_step(self, *arguments):
        return super(fkeras.Model, self).test_step(*arguments)

    model = model_with(train_step=train_step, test_step=test_step)
    assert sorted(model.fit(X, Y, verbose=0).history) == ["loss", "mae"]
    assert model.evaluate(X, Y, verbose=0) == [0.0, 0.0]


@pytest.mark.parametrize(
    "name, method",
    [
        ("compute_loss", lambda self, y, y_pred: 0.0),
        ("compute_metrics", lambda self, y, y_pred: {}),
    ],
)
def test_what_the_loss_and_the_metrics_are_called_with_is_told(name, method):
    with pytest.raises(UserTypeError, match="y, y_pred") as caught:
        model_with(**{name: method}).fit(X, Y, verbose=0)
    assert f"def {name}(self, x, y, y_pred, sample_weight" in str(caught.value)


@pytest.mark.parametrize("name", ["train_step", "test_step"])
def test_mistakes_in_a_step_name_it(name):
    def step(self, state, data):
        np.tanh(data[0])

    with pytest.raises(TypeError, match=rf"`{name}` of model 'mine\S* \(Mine\) hands.*NumPy"):
        CALLS[name][0](model_with(**{name: step}))


def test_mistakes_in_compute_loss_name_it():
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return y_pred.mean() if y_pred.sum() > 0 else y_pred.sum()

    with pytest.raises(TypeError, match="`compute_loss` of model .*cond"):
        model_with(compute_loss=compute_loss).fit(X, Y, verbose=0)
