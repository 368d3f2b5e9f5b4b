"""`model.add_loss(tensor)` and `add_metric` of functional models, as in tf.keras 2."""

import copy

import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3)).astype("float32")


def autoencoder(**options):
    inputs = fkeras.Input((3,))
    code = layers.Dense(2, kernel_initializer="ones", name="code")(inputs)
    model = fkeras.Model(inputs, layers.Dense(3, kernel_initializer="ones")(code))
    model.add_loss(K.mean(K.square(inputs - model.output)) + K.mean(K.abs(code)))
    with pytest.warns(UserWarning, match="`add_metric"):
        model.add_metric(K.mean(code), name="size", aggregation="mean")
    model.compile("sgd", **options)
    return model


def expected(x=X):
    code = x.sum(1, keepdims=True)
    return np.mean((x - 2 * code) ** 2) + np.abs(code).mean(), code.mean()


def same(model):
    return model


def from_file(model):
    model.save("model.keras")
    return fkeras.saving.load_model("model.keras")


def from_json(model):
    loaded = fkeras.models.model_from_json(model.to_json())
    loaded.compile("sgd")
    return loaded


def clone(model):
    cloned = fkeras.models.clone_model(model)
    cloned.compile("sgd")
    return cloned


@pytest.mark.parametrize("travel", [same, from_file, from_json, clone, copy.deepcopy])
def test_they_count_in_evaluate_also_in_copies(travel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = travel(autoencoder())
    results = model.evaluate(X, verbose=0, return_dict=True)
    assert (results["loss"], results["size"]) == pytest.approx(expected(), rel=1e-4)
    assert model.predict(X, verbose=0).shape == (8, 3)


def test_they_count_in_training_beside_the_compiled_loss():
    model = autoencoder(loss="mse")
    history = model.fit(X, X, batch_size=4, epochs=2, validation_data=(X, X), verbose=0).history
    assert sorted(history) == ["loss", "size", "val_loss", "val_size"]
    assert history["loss"][1] < history["loss"][0]
    plain = autoencoder(loss="mse").evaluate(X, X, verbose=0)[0]
    mse = np.mean((X - 2 * X.sum(1, keepdims=True)) ** 2)
    assert plain == pytest.approx(expected()[0] + mse, rel=1e-4)


def test_what_is_added_after_compile_counts():
    model = autoencoder()
    before = model.evaluate(X, verbose=0, return_dict=True)["loss"]
    model.add_loss(K.sum(model.get_layer("code").output) * 0.0 + 100.0)
    after = model.evaluate(X, verbose=0, return_dict=True)["loss"]
    assert after == pytest.approx(before + 100.0, rel=1e-4)


def test_a_tensor_with_axes_counts_with_all_its_elements():
    inputs = fkeras.Input((3,))
    model = fkeras.Model(inputs, inputs * 1.0)
    with pytest.warns(UserWarning, match="sum of all elements"):
        model.add_loss(K.sum(K.square(inputs), axis=-1), inputs=True)
    model.compile("sgd")
    assert model.test_on_batch(X) == pytest.approx(np.square(X).sum(), rel=1e-5)


@pytest.mark.parametrize(
    "add, words",
    [
        (lambda m: m.add_loss(fkeras.Input((1,))), "not connected"),
        (lambda m: m.add_loss([fkeras.KerasTensor((1,))]), "computed from its inputs"),
        (lambda m: m.add_loss(1.0), "only be called inside `call"),
        (lambda m: m.add_metric(1.0), "computed from its inputs"),
        (lambda m: m.add_metric(m.output, aggregation="max"), "'mean' or None"),
    ],
)
def test_what_cannot_count_is_told(add, words):
    model = autoencoder()
    with pytest.raises((UserInputError, UserTypeError), match=words):
        add(model)
