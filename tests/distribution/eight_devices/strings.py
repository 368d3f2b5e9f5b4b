"""Strings become numbers on the host, whatever devices the batches are dealt out to."""

import numpy as np
import pytest

import fkeras
from fkeras import distribution, layers
from tests.layers.preprocessing.test_host_layer import Lengths

TEXTS = np.array([["a"], ["bb"], ["ccc"], ["dddd"]] * 16)
Y = np.array([0, 1, 0, 1] * 16)


@pytest.fixture(autouse=True)
def _none_is_left_behind():
    yield
    distribution.set_distribution(None)


def train(chosen):
    distribution.set_distribution(chosen)
    fkeras.utils.set_random_seed(0)
    stack = [fkeras.Input((1,), dtype="string"), Lengths(), layers.Embedding(5, 4)]
    model = fkeras.Sequential([*stack, layers.Flatten(), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    losses = model.fit(TEXTS, Y, epochs=2, batch_size=16, verbose=0).history["loss"]
    stream = fkeras.data.Dataset.from_tensor_slices((TEXTS, Y)).batch(16)
    losses += model.fit(stream, verbose=0).history["loss"]
    return losses, model.predict(TEXTS, verbose=0)


@pytest.mark.parametrize("kind", ["DataParallel", "FSDP"])
def test_many_devices_give_the_numbers_of_one(kind):
    losses, outputs = train(getattr(distribution, kind)())
    expected_losses, expected = train(None)
    assert np.isfinite(losses).all()
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
