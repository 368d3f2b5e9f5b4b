"""Loss functions that use tensors of the model's graph, as VAE scripts of Keras 2 have them."""

import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras import layers
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
OPTIONS = {"kernel_initializer": "ones", "use_bias": False}


def parts():
    inputs = fkeras.Input((3,))
    code = layers.Dense(2, name="code", **OPTIONS)(inputs)
    return fkeras.Model(inputs, layers.Dense(3, name="out", **OPTIONS)(code)), code


def expected(y=X):
    code = X.sum(1, keepdims=True)
    return np.mean((y - 2 * code) ** 2) + 0.5 * 2 * np.mean(code**2)


def closing_over(code):
    def loss(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred), axis=-1) + 0.5 * K.sum(K.square(code), axis=-1)

    return loss


def with_a_helper(code):
    def penalty():
        return 0.5 * K.mean(K.sum(K.square(code), axis=-1))

    return lambda y_true, y_pred: K.mean(K.square(y_true - y_pred)) + penalty()


def with_a_finished_term(code):
    term = 0.5 * K.sum(K.square(code), axis=-1)

    def loss(y_true, y_pred, term=term):
        return fkeras.losses.mean_squared_error(y_true, y_pred) + K.mean(term)

    return loss


def with_a_list(code):
    held = {"tensors": [code, code]}

    def loss(y_true, y_pred):
        both = K.square(held["tensors"][0]) + K.square(held["tensors"][1])
        return K.mean(K.square(y_pred - y_true)) + K.mean(0.25 * K.sum(both, axis=-1))

    return loss


@pytest.mark.parametrize("form", [closing_over, with_a_helper, with_a_finished_term, with_a_list])
def test_the_value_is_that_of_the_step(form):
    model, code = parts()
    model.compile("sgd", loss=form(code))
    assert model.evaluate(X, X + 1, verbose=0) == pytest.approx(expected(X + 1), rel=1e-5)
    assert model.predict(X, verbose=0).shape == (8, 3)


def test_names_of_the_script_are_found():
    script = {"K": K, "model_and_code": parts()}
    exec("model, z = model_and_code\ndef loss(y, p): return K.mean(y - p) + K.mean(z)", script)
    script["model"].compile("sgd", loss=script["loss"])
    code = X.sum(1)
    found = script["model"].evaluate(X, X, verbose=0)
    assert found == pytest.approx(np.mean(X) - 2 * code.mean() + code.mean(), rel=1e-4, abs=1e-5)


def test_it_trains_as_with_add_loss():
    weights = []
    for added in (False, True):
        model, code = parts()
        if added:
            model.add_loss(0.5 * K.mean(K.sum(K.square(code), axis=-1)))
        model.compile("sgd", loss="mse" if added else closing_over(code))
        model.fit(X, X, batch_size=4, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_of_several_outputs_each_has_its_own():
    model, code = parts()
    two = fkeras.Model(model.input, {"a": model.output, "b": code})
    two.compile("sgd", loss={"a": closing_over(code), "b": "mse"})
    found = two.evaluate(X, {"a": X, "b": np.zeros((8, 2))}, verbose=0, return_dict=True)
    code = X.sum(1)
    assert found["a_loss"] == pytest.approx(expected(), rel=1e-5)
    assert found["loss"] == pytest.approx(expected() + np.mean(code**2), rel=1e-5)


def test_the_tensors_are_no_part_of_configs_and_clones():
    model, code = parts()
    before = model.get_config()
    for _ in range(2):
        model.compile("sgd", loss=closing_over(code))
    assert len(model.additions) == 1
    assert model.get_config() == before
    assert fkeras.models.clone_model(model).additions == []


def test_outside_of_a_step_it_is_told():
    model, code = parts()
    model.compile("sgd", loss=closing_over(code))
    with pytest.raises(UserInputError, match="'loss' uses tensors of the model's graph"):
        model.compute_loss(X, X, model(X))


def test_tensors_of_another_graph_are_an_error():
    model, _ = parts()
    _, code = parts()
    model.compile("sgd", loss=closing_over(code))
    with pytest.raises(UserInputError, match="is symbolic"):
        model.evaluate(X, X, verbose=0)
