import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from fkeras.data import (
    check_finite,
    make_source,
    unscaled_images,
)
from fkeras.errors import UserInputError

ONES = np.ones((4, 2), "float32")


def with_value(value, row=2):
    x = ONES.copy()
    x[row, 1] = value
    return x


@pytest.mark.parametrize(
    "data, words",
    [
        ((with_value(np.nan),), r"x holds 1 NaN \(first in row 2\)"),
        ((with_value(-np.inf),), r"x holds 1 infinite values \(first in row 2\)"),
        ((ONES, with_value(np.nan, 0)), r"y holds 1 NaN \(first in row 0\)"),
        (
            (ONES, ONES, np.array([1, np.nan, np.inf, 1])),
            "sample_weight holds 1 NaN and 1 infinite values",
        ),
        (
            ({"a": with_value(np.nan)}, [with_value(np.inf)]),
            r"x\['a'\] holds 1 NaN .*; y\[0\] holds 1 infinite",
        ),
        ((jnp.asarray(with_value(np.nan)),), "x holds 1 NaN"),
        ((np.full((4, 2), 1e300),), "x holds 8 infinite values"),
        (([1.0, float("nan")],), "x holds 1 NaN"),
        ((scipy.sparse.csr_matrix(with_value(np.nan)),), r"x holds 1 NaN \(first in row 2\)"),
    ],
)
def test_numbers_that_would_make_the_loss_nan_are_found(data, words):
    with pytest.raises(UserInputError, match=words) as caught:
        check_finite(make_source(*data))
    assert "fill the values in" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        (ONES, np.arange(4)),
        (np.full((1000, 2), 3e38, "float32"),),
        (np.array(["a", "b"]),),
        ({"a": None, "b": np.array([True])},),
    ],
)
def test_finite_numbers_pass(data):
    check_finite(make_source(*data))


def test_parts_can_be_left_out():
    check_finite((ONES, with_value(np.nan)), parts=("x",))
    check_finite(make_source(iter([(with_value(np.nan),)])))


def test_images_that_nobody_divided_by_255():
    images = np.full((2, 4, 4, 1), 200, np.uint8)
    assert unscaled_images(
        make_source({"a": images, "b": images.astype("float32"), "c": np.ones((2, 3), np.uint8)})
    ) == ["x['a']"]
    assert unscaled_images(make_source(np.ones((2, 4, 4), np.uint8))) == []
    assert unscaled_images(make_source(iter([(images,)]))) == []
