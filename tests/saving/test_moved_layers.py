"""Layers that changed places."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.saving.moved_layers import follow_names
from fkeras.saving.record import record_weights
from fkeras.saving.restoring import restore_weights
from fkeras.saving.stores import owners_by_path
from tests.saving.models import dense


def test_names_count_where_layers_of_one_shape_changed_places():
    first, second = dense((3, 3), ("a", "b")), dense((3, 3), ("b", "a"))
    restore_weights(second, record_weights(first, layout="stores"))
    for name in "ab":
        np.testing.assert_array_equal(
            first.get_layer(name).kernel.numpy(), second.get_layer(name).kernel.numpy()
        )


def test_all_that_is_below_a_layer_moves_with_it():
    def model(names):
        blocks = [fkeras.Sequential([layers.Dense(3)], name=name) for name in names]
        return fkeras.Sequential([fkeras.Input((3,)), *blocks])

    first, second = model("ab"), model("ba")
    restore_weights(second, record_weights(first, layout="stores"))
    np.testing.assert_array_equal(
        first.get_layer("a").layers[0].kernel.numpy(),
        second.get_layer("a").layers[0].kernel.numpy(),
    )


BY_POSITION = [
    ((None, None), ("dense_7", "dense_6")),  # names that Keras chose say nothing
    (("a", "b"), ("c", "d")),  # renamed
    (("a", "b"), ("b", "c")),
    (("a", "b"), ("a", "b")),
]


@pytest.mark.parametrize("names, other_names", BY_POSITION)
def test_else_positions_count_as_in_keras(names, other_names):
    stores = record_weights(dense((3, 3), names), layout="stores").stores
    assert follow_names(owners_by_path(dense((3, 3), other_names)), stores) is stores
