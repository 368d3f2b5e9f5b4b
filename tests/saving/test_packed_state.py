"""State as JSON and arrays, and back."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.errors import CorruptFileError, UserTypeError
from fkeras.saving.packed_state import pack, unpack

ROWS = {
    "plain": {"best": 0.1, "wait": 3, "on": True, "name": "x", "none": None},
    "infinite": [float("inf"), -float("inf")],
    "tuples": {"pair": (1, [2, (3,)]), "empty": ()},
    "bytes": [b"\x00\xff"],
    "other keys": {1: "a", (2, 3): {"b": 4}},
    "looks like a mark": {"__array__": 1, "nested": {"__tuple__": 5}},
    "only a mark": {"__bytes__": "no bytes"},
}


@pytest.mark.parametrize("value", ROWS.values(), ids=ROWS)
def test_values_come_back_as_they_were(value):
    arrays = {}
    packed = json.loads(json.dumps(pack(value, "state", arrays)))
    assert unpack(packed, arrays) == value
    assert not arrays


@pytest.mark.parametrize(
    "array", [np.arange(3), np.float32(0.1), jnp.ones((2, 1), "bfloat16"), np.zeros((0, 2))]
)
def test_arrays_go_beside_the_json(array):
    arrays = {}
    packed = json.loads(json.dumps(pack({"w": [array]}, "state", arrays)))
    assert list(arrays) == ["state/w/0"]
    again = unpack(packed, arrays)["w"][0]
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, np.asarray(array))


def test_what_no_file_can_hold_is_named():
    with pytest.raises(UserTypeError, match="Counter_0/when: .*Received: object"):
        pack({"when": object()}, "Counter_0", {})


@pytest.mark.parametrize("packed", [{"__array__": "x"}, {"__bytes__": 3}, {"__items__": [[1]]}])
def test_damage_is_an_error(packed):
    with pytest.raises(CorruptFileError, match="damaged"):
        unpack(packed, {})
