"""What passes between the host part of a model and its device part."""

import numpy as np
import pytest

import fkeras
from fkeras.core.nested import map_structure
from fkeras.errors import UserInputError
from fkeras.layers.base import host_values


def test_strings_leave_their_shape_and_no_bytes():
    texts = np.array([["a", "bc"]])
    arrays = host_values.without_strings({"text": texts, "number": np.ones(1)})
    assert (arrays["text"].shape, arrays["text"].nbytes) == ((1, 2, 0), 0)
    back = map_structure(host_values.put_back, arrays)
    assert back["text"].tolist() == [["", ""]] and back["number"].tolist() == [1.0]


def test_a_tracked_array_knows_which_part_of_which_input_it_is():
    first, second = host_values.tracked({"b": np.zeros((4, 2)), "a": np.ones(4)}, "input").values()
    assert (first.origin, second.origin) == (("input", 1, ()), ("input", 0, ()))
    assert first[:2][:, 0].origin == ("input", 1, (slice(None, 2), (slice(None), 0)))
    assert (first + 1).origin is None


def test_calls_of_a_layer_are_told_apart_by_number():
    layer = fkeras.layers.Identity(name="same")
    collected = host_values.Collected()
    for value in (1, 2):
        collected.result_of(layer, (), {}, lambda value=value: np.array(value))
    assert collected.values == {"same": 1, "same_call2": 2}
    handed = host_values.HandedOver(collected.values, "model")
    assert [int(handed.result_of(layer, (), {}, None)) for _ in range(2)] == [1, 2]
    with pytest.raises(UserInputError, match="'model' calls layer 'same'.*'same_call3'"):
        handed.result_of(layer, (), {}, None)
