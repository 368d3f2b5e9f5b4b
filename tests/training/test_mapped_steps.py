"""On one device; `tests/distribution` has eight."""

import numpy as np
import pytest

import fkeras
from fkeras import distribution, layers
from fkeras.errors import UserInputError
from fkeras.training.mapped_steps import check_mappable

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")


def compiled(*more, loss="mse", metrics=("mae",)):
    fkeras.utils.set_random_seed(0)
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(4), *more, layers.Dense(1)])
    model.compile("adam", loss, metrics=list(metrics))
    return model


def test_one_mapped_device_gives_the_usual_numbers():
    def trained():
        model = compiled()
        history = model.fit(X, X[:, :1], batch_size=4, verbose=0).history
        return [*model.get_weights(), *history.values()]

    usual = trained()
    with distribution.DataParallel(devices=["cpu:0"], strategy="pmap").scope():
        mapped = trained()
    for found, expected in zip(mapped, usual, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: compiled(layers.BatchNormalization(name="norm")), "layer 'norm' takes statistics"),
        (lambda: compiled(layers.Masking(name="mask")), "layer 'mask' makes masks"),
    ],
)
def test_all_reasons_are_given(model, message):
    model = model()
    with pytest.raises(UserInputError, match=f"{message}.*Use `DataParallel"):
        check_mappable(model, model._compiled)


def test_a_plain_model_has_none():
    model = compiled()
    assert check_mappable(model, model._compiled) is None
