"""Arrays of Python objects."""

import datetime
import decimal
import fractions

import numpy as np
import pytest

from fkeras.data.object_arrays import to_numeric
from fkeras.errors import UserInputError


def objects(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


NUMBERS = [
    ((1, 2), "int64", [1, 2]),
    ((1, True), "int64", [1, 1]),
    ((np.int8(1), 2), "int64", [1, 2]),
    ((True, np.bool_(False)), "bool", [True, False]),
    ((1, 2.5), "float64", [1, 2.5]),
    ((1, np.float16(2)), "float64", [1, 2]),
    ((decimal.Decimal("1.5"), 2), "float64", [1.5, 2]),
    ((decimal.Decimal("1.5"),), "float64", [1.5]),
    ((fractions.Fraction(1, 2), True), "float64", [0.5, 1]),
    ((1j, 2), "complex128", [1j, 2]),
]


@pytest.mark.parametrize("values, dtype, expected", NUMBERS, ids=str)
def test_numbers_become_a_dtype_that_holds_them(values, dtype, expected):
    array = to_numeric(objects(*values), "x")
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, expected)


def test_the_shape_stays():
    assert to_numeric(np.array([[1, 2], [3, 4]], object), "x").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("values", [("a", "b"), (b"a",), ("a", b"b"), ()])
def test_strings_stay_as_they_are(values):
    array = objects(*values)
    assert to_numeric(array, "x") is array


def test_rows_of_one_shape_become_an_axis():
    rows = objects([1.0, 2.0], (3.0, 4.0), np.array([5.0, 6.0]))
    assert to_numeric(rows, "x").tolist() == [[1, 2], [3, 4], [5, 6]]


REFUSED = [
    ((1, None), r"x has 1 missing value \(None\)"),
    ((None, None), r"x has 2 missing values"),
    (([1.0], [1.0, 2.0]), r"different shapes: \(1,\), \(2,\). Pad them"),
    ((1, "a"), "entry 1 is the str 'a'"),
    (("a", 1), "entry 0 is the str 'a'"),
    ((1, datetime.date(2020, 1, 1)), "entry 1 is the date"),
    (({}, {}), "entry 0 is the dict"),
    ((2**70,), "do not fit into int64"),
]


@pytest.mark.parametrize("values, message", REFUSED, ids=[message for _, message in REFUSED])
def test_everything_else_is_explained(values, message):
    with pytest.raises(UserInputError, match=message):
        to_numeric(objects(*values), "x")


def test_missing_values_of_pandas_are_known_by_name():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(UserInputError, match="2 missing values"):
        to_numeric(objects(pandas.NA, pandas.NaT, 1), "x")
