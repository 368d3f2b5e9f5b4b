"""Compiling ahead of `fit`, on a model: nothing but executables is left behind."""

import jax
import numpy as np
import pytest

import fkeras


def model():
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("batch_size", [4, None])
def test_weights_slots_counts_and_metrics_stay_as_they_were(batch_size):
    warm = model()
    before = warm.get_weights()
    x, y = (jax.ShapeDtypeStruct((10, n), "float32") for n in (3, 1))
    warm.warmup(x, y, batch_size=batch_size, validation_data=(x, y))
    for a, b in zip(before, warm.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert int(warm.optimizer.iterations) == 0
    assert warm.training_progress == {"steps": 0, "epochs": 0}
    assert float(warm.get_metrics_result()["loss"]) == 0


def test_a_model_that_is_not_compiled_cannot_be_warmed_up():
    with pytest.raises(ValueError, match=r"must call `compile\(\)`.*`warmup`"):
        fkeras.Sequential([fkeras.layers.Dense(1)]).warmup(np.ones((2, 3)), np.ones((2, 1)))
