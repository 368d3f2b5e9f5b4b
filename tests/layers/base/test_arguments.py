"""Checks of constructor arguments, and NumPy's integers wherever an int is taken."""

import json

import numpy as np
import pytest

from fkeras import layers
from fkeras.layers.base import arguments

I = np.int64


@pytest.mark.parametrize("value", [3, I(3), np.uint8(3), np.prod((1, 3))], ids=repr)
def test_integers_of_python_and_numpy_are_ints(value):
    assert arguments.is_int(value)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float32(3), "3", None, (3,)], ids=repr)
def test_bools_floats_and_texts_are_no_ints(value):
    assert not arguments.is_int(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, (2, 2)),
        (I(2), (2, 2)),
        ((2, I(3)), (2, 3)),
        ([4, 5], (4, 5)),
        (np.array([1, 2]), (1, 2)),
    ],
    ids=repr,
)
def test_ints_per_axis_are_a_tuple_of_python_ints(value, expected):
    sizes = arguments.ints_per_axis("size", value, 2)
    assert sizes == expected and all(type(size) is int for size in sizes)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((1, 2, 3), r"`size` argument must be a tuple of 2 integers. Received size=\(1, 2, 3\)"),
        (None, "Received size=None"),
        ((1, 2.5), "including element 2.5 of type <class 'float'>"),
        (("1", 2), "including element 1 of type <class 'str'>"),
        ((0, 2), r"including values \{0\} that do not satisfy `value > 0`"),
        ((-1, 2), r"including values \{-1\}"),
    ],
)
def test_other_sizes_are_refused_by_name(value, message):
    with pytest.raises(ValueError, match=message):
        arguments.ints_per_axis("size", value, 2)


def test_zero_is_taken_only_where_it_makes_sense():
    assert arguments.ints_per_axis("padding", 0, 2, allow_zero=True) == (0, 0)
    with pytest.raises(ValueError, match="`value >= 0`"):
        arguments.ints_per_axis("padding", (0, -1), 2, allow_zero=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, ((1, 1), (1, 1))),
        (I(1), ((1, 1), (1, 1))),
        ((1, 2), ((1, 1), (2, 2))),
        (((1, 0), (I(2), 3)), ((1, 0), (2, 3))),
        (np.array([1, 2]), ((1, 1), (2, 2))),
    ],
    ids=repr,
)
def test_pairs_are_amounts_before_and_after(value, expected):
    assert arguments.pairs("padding", value, 2) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "`padding` cannot be negative"),
        (1.5, "should be either an int, a tuple of 2 ints"),
        ((1, 2, 3), "`padding` should have two elements"),
        (((1, 2, 3), 1), "`1st entry of padding` argument must be a tuple of 2 integers"),
        ((1, (1, -2)), "`2nd entry of padding`"),
    ],
)
def test_other_pairs_are_refused_by_name(value, message):
    with pytest.raises(ValueError, match=message):
        arguments.pairs("padding", value, 2)


# class, the arguments with Python's ints, the same with NumPy's
NUMPY_ROWS = [
    ("Dense", {"units": 6}, {"units": np.prod((2, 3))}),
    (
        "EinsumDense",
        {"equation": "ab,bcd->acd", "output_shape": (5, 2)},
        {"equation": "ab,bcd->acd", "output_shape": (I(5), I(2))},
    ),
    ("Embedding", {"input_dim": 4, "output_dim": 5}, {"input_dim": I(4), "output_dim": I(5)}),
    ("InputLayer", {"shape": 3}, {"shape": I(3)}),
    ("PReLU", {"shared_axes": [1]}, {"shared_axes": I(1)}),
    ("Softmax", {"axis": 1}, {"axis": I(1)}),
    ("Reshape", {"target_shape": (2, 3)}, {"target_shape": np.array([2, 3])}),
    ("Permute", {"dims": (2, 1)}, {"dims": np.array([2, 1])}),
    ("RepeatVector", {"n": 2}, {"n": I(2)}),
    ("Cropping1D", {"cropping": (1, 1)}, {"cropping": I(1)}),
    ("Cropping2D", {"cropping": ((1, 0), (2, 1))}, {"cropping": np.array([[1, 0], [2, 1]])}),
    ("ZeroPadding3D", {"padding": (1, 2, 3)}, {"padding": np.array([1, 2, 3])}),
    ("UpSampling1D", {"size": 2}, {"size": I(2)}),
    ("UpSampling2D", {"size": 2}, {"size": I(2)}),
    ("Concatenate", {"axis": 1}, {"axis": I(1)}),
    ("Dot", {"axes": 1}, {"axes": I(1)}),
    ("Dot", {"axes": (1, 2)}, {"axes": (I(1), I(2))}),
    (
        "Dropout",
        {"rate": 0.5, "noise_shape": (2, None)},
        {"rate": 0.5, "noise_shape": (I(2), None)},
    ),
    (
        "AlphaDropout",
        {"rate": 0.5, "noise_shape": (2, 1)},
        {"rate": 0.5, "noise_shape": np.array([2, 1])},
    ),
    ("BatchNormalization", {"axis": 1}, {"axis": I(1)}),
    ("LayerNormalization", {"axis": [1, 2]}, {"axis": (I(1), I(2))}),
    ("GroupNormalization", {"groups": 2, "axis": 1}, {"groups": I(2), "axis": I(1)}),
    ("RMSNormalization", {"axis": 1}, {"axis": I(1)}),
    ("UnitNormalization", {"axis": [1, 2]}, {"axis": [I(1), I(2)]}),
]


@pytest.mark.parametrize(("name", "plain", "numpy"), NUMPY_ROWS, ids=lambda v: str(v)[:40])
def test_numpy_integers_give_the_config_of_pythons(name, plain, numpy):
    cls = getattr(layers, name)
    expected = cls(**plain, name="layer").get_config()
    assert cls(**numpy, name="layer").get_config() == expected
    assert json.dumps(expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(True),
        lambda: layers.Dense(2.0),
        lambda: layers.RepeatVector(True),
        lambda: layers.UpSampling1D(2.5),
        lambda: layers.Dot((1, 2.0)),
        lambda: layers.Permute((1, 2.0)),
        lambda: layers.Permute(2),
        lambda: layers.Reshape(5),
        lambda: layers.LayerNormalization(axis=[1.5]),
        lambda: layers.UnitNormalization(axis="last"),
        lambda: layers.GroupNormalization(groups=2.0),
        lambda: layers.SpectralNormalization(layers.Dense(2), power_iterations=1.5),
        lambda: layers.Dropout(0.5, noise_shape=(1.5, 2)),
        lambda: layers.Cropping1D((1.0, 2)),
        lambda: layers.BatchNormalization(axis=1.5),
        lambda: layers.BatchNormalization(axis=[1]),
        lambda: layers.GroupNormalization(axis="last"),
        lambda: layers.Concatenate(axis=None),
        lambda: layers.PReLU(shared_axes="ab"),
        lambda: layers.PReLU(shared_axes=[1.5]),
        lambda: layers.EinsumDense("ab,bc->ac", "3"),
        lambda: layers.EinsumDense("ab,bc->ac", None),
        lambda: layers.EinsumDense("ab,bc->ac", (2.5,)),
        lambda: layers.EinsumDense(None, 3),
    ],
)
def test_what_is_no_integer_is_refused_at_construction(make):
    with pytest.raises(ValueError, match="[Rr]eceived|got <class"):
        make()
