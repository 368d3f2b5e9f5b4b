import os

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.data import Dataset, HostArray, TensorSpec
from fkeras.errors import UserInputError


def first(value):
    return next(iter(Dataset.from_tensors(value)))


def test_arithmetic_keeps_what_tensors_have():
    x = first([[1.0, 2.0], [3.0, 4.0]])
    for value in (x + 1, x[0], x[0, 0], x.sum(), np.exp(x), x > 2, next(iter(x))):
        assert type(value) is HostArray
    assert type(x.numpy()) is np.ndarray and type(x[0, 0].numpy()) is np.float32
    assert x.shape == (2, 2) and x.shape.as_list() == x.get_shape().as_list() == [2, 2]
    assert x.shape.rank == x.shape.ndims == 2 and x.shape.num_elements() == 4
    assert [10, 20, 30][first(1)] == 20 and int(first(3)) == 3 and f"{first(3)}" == "3"


def test_one_number_is_a_number_of_python_whatever_its_axes():
    assert float(first([[2.5]])) == 2.5 and int(first([7])) == 7
    for convert in (float, int):
        with pytest.raises(TypeError, match="can be converted to Python scalars"):
            convert(first([1.0, 2.0]))


def test_an_element_is_a_value():
    x = first(np.array([1, 2], np.uint8))
    y = x
    y /= 2
    y -= 1
    assert x.tolist() == [1, 2] and y.tolist() == [-0.5, 0.0]


def test_strings_are_bytes():
    word, words = first("añ"), first(["a", "b"])
    assert word.numpy() == "añ".encode() and word.numpy().decode() == "añ"
    assert bool(word == "añ") and bool(word == "añ".encode()) and bool(word != "b")
    assert (words == np.array(["a", "c"])).tolist() == [True, False]
    assert (words == ["b", "b"]).tolist() == [False, True] and words[1].numpy() == b"b"
    assert os.path.basename(first("/tmp/x.png")) == "x.png"
    with pytest.raises(TypeError, match="single string"):
        os.fspath(words)


def test_ops_and_jax_take_it():
    x = first([1.0, 2.0])
    assert ops.sum(x) == 3 and jnp.asarray(x).tolist() == [1, 2]
    assert ops.cast(x, "int32").tolist() == [1, 2]


def test_shapes_are_checked():
    x = first(np.ones((2, 3)))
    x.set_shape((None, 3))
    with pytest.raises(UserInputError, match=r"\(3, 3\).*\(2, 3\)"):
        x.set_shape((3, 3))


def test_specs():
    spec = TensorSpec([None, 2], np.float32, name="x")
    assert spec == TensorSpec((None, 2), "float32") and hash(spec) == hash(TensorSpec((None, 2)))
    assert spec != TensorSpec((None, 2), "int32") and spec.shape.as_list() == [None, 2]
    assert spec.is_compatible_with(np.ones((5, 2), np.float32))
    assert not spec.is_compatible_with(np.ones((5, 3), np.float32))
    assert not spec.is_compatible_with(np.ones((5, 2), np.float64))
    assert TensorSpec(None).shape is None and spec.shape.num_elements() is None
    assert repr(spec) == "TensorSpec(shape=(None, 2), dtype=float32)"
