"""NumPy's integers wherever a constructor takes an int, and what is refused there."""

import json

import numpy as np
import pytest

from fkeras import layers

I = np.int64


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
