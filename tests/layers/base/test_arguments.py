"""Checks of constructor arguments that many layers share."""

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.errors import UserInputError
from fkeras.layers.base import arguments


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3), jnp.asarray(3)])
def test_whole_numbers_of_any_library_are_ints(value):
    assert arguments.is_int(value)
    assert arguments.ints_per_axis("size", value, 2) == (3, 3)


@pytest.mark.parametrize("value", [True, 3.0, "3", None, np.float32(3), [3]])
def test_what_is_no_int(value):
    assert not arguments.is_int(value)


def test_one_axis_is_a_python_int_or_an_error_with_the_layers_name():
    assert type(arguments.one_axis("Concatenate", np.int64(-1))) is int
    with pytest.raises(TypeError, match="Concatenate: `axis` must be an integer. Received: axis="):
        arguments.one_axis("Concatenate", [1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [((1, 2), (1, 2)), ([1, 2], (1, 2)), (np.array([1, 2]), (1, 2)), (5, (5, 5))],
)
def test_ints_per_axis_come_back_as_a_tuple_of_python_ints(value, expected):
    sizes = arguments.ints_per_axis("size", value, 2)
    assert sizes == expected
    assert all(type(size) is int for size in sizes)


@pytest.mark.parametrize(
    ("value", "allow_zero", "message"),
    [
        ((1, 2, 3), False, r"`size` argument must be a tuple of 2 integers. Received size=\(1, 2"),
        (2.5, False, "`size` argument must be a tuple of 2 integers"),
        ((1, 2.5), False, "including element 2.5 of type"),
        ((1, "2"), False, "including element 2 of type"),
        ((1, 0), False, r"including values \{0\} that do not satisfy `value > 0`"),
        ((1, -1), True, r"including values \{-1\} that do not satisfy `value >= 0`"),
    ],
)
def test_wrong_ints_are_refused_by_name(value, allow_zero, message):
    with pytest.raises(UserInputError, match=message):
        arguments.ints_per_axis("size", value, 2, allow_zero)


def test_zero_is_taken_where_it_makes_sense():
    assert arguments.ints_per_axis("size", (0, 1), 2, allow_zero=True) == (0, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, ((1, 1), (1, 1))),
        (np.int64(2), ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        (((1, 2), (3, 4)), ((1, 2), (3, 4))),
    ],
)
def test_pairs_before_and_after_each_axis(value, expected):
    assert arguments.pairs("padding", value, 2) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "`padding` cannot be negative"),
        (1.5, "`padding` should be either an int, a tuple of 2 ints"),
        ((1, 2, 3), "`padding` should have two elements"),
        (((1, 2), (3, 4, 5)), "2nd entry of padding"),
    ],
)
def test_wrong_pairs_are_refused(value, message):
    with pytest.raises(UserInputError, match=message):
        arguments.pairs("padding", value, 2)


def test_padding_names_in_any_case():
    assert arguments.padding("SAME") == "same"
    assert arguments.padding("causal", causal=True) == "causal"
    for wrong, causal in (("causal", False), ("full", True), (1, False)):
        with pytest.raises(UserInputError, match="`padding` argument must be"):
            arguments.padding(wrong, causal)
