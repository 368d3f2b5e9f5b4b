import numpy as np
import pytest

from fkeras.core.symbolic.call_errors import explain
from fkeras.errors import UserInputError, UserTypeError


def op(x, y=None, axis=-1):
    """Stands for an op."""


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((2, 3), (4,)), "at axis -1: 3 against 4"),
        (((5, 3), (4, 3)), "at axis -2: 5 against 4"),
        (((None, 3), (2, 4)), "at axis -1: 3 against 4"),
        (((1, 3), (2, 1, 4)), "at axis -1: 3 against 4"),
    ],
)
def test_the_axis_that_does_not_fit_is_named(shapes, expected):
    class Shaped:
        dtype = "float32"

        def __init__(self, shape):
            self.shape = shape

    arrays = [Shaped(shape) for shape in shapes]
    error = explain(op, arrays, {}, ValueError("incompatible shapes for broadcasting"))
    assert expected in str(error) and f"{tuple(shapes[0])} (x)" in str(error)


def test_another_reason_is_passed_on_with_the_arguments():
    error = explain(op, (np.ones((2, 3)),), {"axis": 5}, ValueError("axis 5 is out of range"))
    assert type(error) is UserInputError
    assert str(error) == "op: axis 5 is out of range\nReceived: x=float64 (2, 3), axis=5"


def test_a_type_error_stays_one():
    assert type(explain(op, (1,), {}, TypeError("no"))) is UserTypeError


def test_lists_of_arrays_are_spread_out_and_long_texts_cut():
    error = explain(op, ([np.ones(1), np.ones(2)],), {"y": "t" * 200}, ValueError("no"))
    assert "x[0]=float64 (1,), x[1]=float64 (2,)" in str(error)
    assert "..." in str(error) and len(str(error)) < 200


def test_a_call_that_does_not_fit_the_signature_is_described_by_position():
    error = explain(op, (1, 2, 3, 4), {"z": len}, TypeError("too many"))
    assert "argument 3=4, z=len" in str(error)
