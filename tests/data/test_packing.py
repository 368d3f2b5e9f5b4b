"""Batches as tuples and back."""

import pytest

from fkeras.data import pack_x_y_sample_weight, unpack_x_y_sample_weight
from fkeras.errors import UserInputError

BATCHES = [(1,), (1, 2), (1, 2, 3), ([1],), ({"a": 1}, 2), ((1, 2), 3)]


@pytest.mark.parametrize("parts", BATCHES)
def test_what_is_packed_is_unpacked(parts):
    assert unpack_x_y_sample_weight(pack_x_y_sample_weight(*parts)) == (*parts, None, None)[:3]


@pytest.mark.parametrize("parts", BATCHES)
def test_batches_are_packed_as_keras_packs_them(keras, parts):
    assert pack_x_y_sample_weight(*parts) == keras.utils.pack_x_y_sample_weight(*parts)


@pytest.mark.parametrize("batch", [(1,), (1, 2), (1, 2, 3), [1, 2], 1, {"a": 1}])
def test_batches_are_unpacked_as_keras_unpacks_them(keras, batch):
    assert unpack_x_y_sample_weight(batch) == keras.utils.unpack_x_y_sample_weight(batch)


def test_weights_without_targets_are_left_out():
    assert pack_x_y_sample_weight(1, None, 3) == 1


@pytest.mark.parametrize("batch, count", [((1, 2, 3, 4), 4), ([], 0), ((), 0)])
def test_a_batch_has_one_to_three_entries(batch, count):
    with pytest.raises(UserInputError, match=f"found: {count} entries"):
        unpack_x_y_sample_weight(batch)
