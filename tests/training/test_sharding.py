"""On one device; `tests/distribution` has eight."""

import numpy as np
import pytest
from jax.sharding import NamedSharding

import fkeras
from fkeras import distribution, layers
from fkeras.training.sharding import ModelSharding, shardings_of


@pytest.fixture
def model():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2), layers.Dropout(0.5)])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    return model


def groups_of(model):
    return model._compiled.executables.groups


def test_every_value_has_a_place_beside_its_variable(model):
    groups, one = groups_of(model), distribution.DataParallel(devices=["cpu:0"])
    shardings = shardings_of(groups, one, model.optimizer)
    assert [len(group) for group in shardings] == [len(group) for group in groups.groups()]
    assert all(isinstance(place, NamedSharding) for group in shardings for place in group)
    assert not isinstance(model.weights[0].value.sharding, NamedSharding), "nothing has moved"


def test_variables_move_when_the_model_is_laid_out_and_keep_their_values(model):
    before = model.get_weights()
    one = distribution.DataParallel(devices=["cpu:0"])
    ModelSharding(groups_of(model), one, model.optimizer)
    assert all(v.value.sharding == one.replicated for v in model.weights)
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_small_batches_are_told_once(model):
    class Many(distribution.DataParallel):
        num_model_replicas = 4

    sharding = ModelSharding(groups_of(model), Many(devices=["cpu:0"]), model.optimizer)
    sharding.warn_of_small_batches(4)
    with pytest.warns(UserWarning, match="Batches of 3 rows.*4 devices.*batch_size=4"):
        sharding.warn_of_small_batches(3)
    sharding.warn_of_small_batches(3)
