"""Models whose layers were frozen, or set free, behind `compile`."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from tests.saving.models import X, Y


def net():
    model = fkeras.Sequential(
        [
            fkeras.Input((3,)),
            layers.Dense(4, name="first"),
            layers.BatchNormalization(name="middle"),
            layers.Dense(1, name="last"),
        ]
    )
    model.compile(fkeras.optimizers.Adam(0.05), "mse")
    return model


def frozen_then_free(model):
    model.get_layer("first").trainable = False
    model.compile(fkeras.optimizers.Adam(0.05), "mse")
    model.fit(X, Y, verbose=0)
    model.get_layer("first").trainable = True


def freeze(name):
    def change(model):
        model.fit(X, Y, verbose=0)
        model.get_layer(name).trainable = False

    return change


def freeze_all(model):
    model.fit(X, Y, verbose=0)
    model.trainable = False


CHANGES = [freeze("first"), freeze("middle"), freeze("last"), freeze_all, frozen_then_free]


@pytest.mark.filterwarnings("ignore:.*trainable")
@pytest.mark.parametrize("name", ["model", "model.keras"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_loaded_model_trains_what_the_first_one_trains(tmp_path, name, change):
    """Flags count as they were at `compile`, until the next one."""
    model = net()
    change(model)
    model.save(tmp_path / name)
    again = fkeras.saving.load_model(tmp_path / name)
    for one, other in zip(model.layers, again.layers, strict=True):
        assert one.trainable == other.trainable
    for m in (model, again):
        m.fit(X, Y, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
