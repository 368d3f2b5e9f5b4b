"""`Input` and InputLayer: the ways to say a shape, and the ways to say it wrongly."""

import numpy as np
import pytest

import fkeras
from fkeras import layers


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"shape": (3,)}, (None, 3)),
        ({"shape": [3]}, (None, 3)),
        ({"shape": 3}, (None, 3)),
        ({"shape": np.int64(3)}, (None, 3)),
        ({"shape": ()}, (None,)),
        ({"shape": (None, 3)}, (None, None, 3)),
        ({"shape": (3,), "batch_size": 4}, (4, 3)),
        ({"batch_shape": (4, None, 3)}, (4, None, 3)),
        ({"batch_shape": (None,)}, (None,)),
        ({"shape": (0, 3)}, (None, 0, 3)),
    ],
)
def test_a_shape_can_be_said_in_many_ways(arguments, shape):
    tensor = fkeras.Input(**arguments)
    assert tensor.shape == shape and tensor.dtype == "float32"
    assert layers.InputLayer(**arguments).batch_shape == shape
    assert all(type(d) is int or d is None for d in tensor.shape)


def test_older_names_of_the_shape_are_taken():
    with pytest.warns(UserWarning, match="`input_shape` is deprecated. Use `shape`"):
        assert layers.InputLayer(input_shape=(3,)).batch_shape == (None, 3)
    assert layers.InputLayer(batch_input_shape=(4, 3)).batch_shape == (4, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "You must pass a `shape` argument"),
        ({"batch_size": 3}, "You must pass a `shape` argument"),
        ({"shape": (3,), "batch_shape": (2, 3)}, "cannot pass both `shape` and `batch_shape`"),
        ({"batch_size": 2, "batch_shape": (2, 3)}, "both `batch_size` and `batch_shape`"),
        ({"shape": 2.5}, "Argument `shape` must be a tuple of ints and None"),
        ({"shape": (2.5,)}, "Found invalid dimension '2.5' of type '<class 'float'>'"),
        ({"shape": (True,)}, "Found invalid dimension 'True'"),
        ({"shape": (-1,)}, "Found invalid dimension '-1'"),
        ({"shape": "ab"}, "Found invalid dimension 'a'"),
        ({"shape": (3,), "units": 3}, r"Unrecognized keyword arguments .*\['units'\]"),
        ({"input_tensor": np.ones(3)}, "`input_tensor` must be a KerasTensor"),
    ],
)
def test_a_shape_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.InputLayer(**arguments)


def test_a_tensor_is_taken_as_it_is_unless_it_contradicts():
    tensor = fkeras.KerasTensor((4, 3), "int32")
    layer = layers.InputLayer(input_tensor=tensor)
    assert layer.output is tensor and layer.dtype == "int32" and layer.batch_shape == (4, 3)
    assert layers.InputLayer(input_tensor=tensor, shape=[3], batch_size=4).output is tensor
    with pytest.raises(ValueError, match="incompatible `batch_size`"):
        layers.InputLayer(input_tensor=tensor, batch_size=5)
    with pytest.raises(ValueError, match=r"incompatible `shape` argument. Received: shape=\(7,\)"):
        layers.InputLayer(input_tensor=tensor, shape=(7,))


@pytest.mark.parametrize("dtype", ["int32", "bool", "float16", "uint8"])
def test_the_dtype_is_the_tensors_and_survives_the_config(dtype):
    layer = layers.InputLayer((3,), dtype=dtype, name="words", optional=True)
    assert layer.output.dtype == dtype
    again = layers.InputLayer.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == "words" and again.optional


def test_a_config_is_kerass(keras):
    ours = layers.InputLayer((None, 3), batch_size=2, name="x").get_config()
    theirs = keras.layers.InputLayer((None, 3), batch_size=2, name="x").get_config()
    assert {"optional": False, **ours} == {**theirs, "batch_shape": tuple(theirs["batch_shape"])}
    sparse = fkeras.Input((3,), sparse=True, name="s")
    assert sparse.sparse and sparse.name == "s"
