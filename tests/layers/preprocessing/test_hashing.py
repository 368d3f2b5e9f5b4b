"""`Hashing` and `HashedCrossing`: what they take and refuse; their values stand in
`test_text_values.py`.
"""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError


class ArrayLike:
    def __array__(self, dtype=None, copy=None):
        return np.array([0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    "ids",
    [
        [0, 1, 2, 3, 4],
        (0, 1, 2, 3, 4),
        np.arange(5, dtype="int8"),
        np.arange(5, dtype="uint64"),
        np.arange(5, dtype=object),
        np.arange(5, dtype="float32") + 0.5,
        jnp.arange(5),
        pd.Series(range(5)),
        pd.Series(range(5), dtype="Int64"),
        ArrayLike(),
        ["0", "1", "2", "3", "4"],
        [b"0", b"1", b"2", b"3", b"4"],
    ],
    ids=lambda ids: (
        f"{type(ids).__name__} of {getattr(ids, 'dtype', type(ids[0]).__name__)}"
        if not isinstance(ids, ArrayLike)
        else "array-like"
    ),
)
def test_ids_count_as_their_digits(ids):
    assert layers.Hashing(3)(ids).tolist() == [1, 0, 1, 0, 2]


def test_bytes_that_are_no_text_are_hashed():
    assert layers.Hashing(1000)([b"\xff\x00"]).tolist() != layers.Hashing(1000)([b"\xff"]).tolist()


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_numbers_have_the_dtype(dtype):
    assert layers.Hashing(3, dtype=dtype)(["A"]).dtype == dtype
    assert layers.HashedCrossing(3, dtype=dtype)((["A"], [1])).dtype == dtype


def test_vectors_have_the_dtype():
    assert layers.Hashing(3, output_mode="count")(["A"]).dtype == "float32"
    assert layers.Hashing(3, output_mode="one_hot", dtype="int32")(["A"]).dtype == "int32"
    layer = layers.HashedCrossing(3, output_mode="one_hot", dtype="float16")
    assert layer((["A"], [1])).dtype == "float16"


def test_columns_of_pandas_are_crossed():
    frame = pd.DataFrame({"city": ["A", "B", "A", "B", "A"], "id": [101, 101, 101, 102, 102]})
    layer = layers.HashedCrossing(5)
    assert layer((frame["city"], frame["id"])).tolist() == [1, 4, 1, 1, 3]
    assert layer([frame["city"].tolist(), frame["id"].tolist()]).tolist() == [1, 4, 1, 1, 3]


@pytest.mark.parametrize("make", [
    lambda: layers.Hashing(7, mask_value="x", salt=[1, 2], output_mode="count"),
    lambda: layers.Hashing(7, dtype="int32"),
    lambda: layers.HashedCrossing(7),
    lambda: layers.HashedCrossing(7, output_mode="one_hot"),
], ids=["keyed", "of 32 bits", "cross", "cross as vectors"])  # fmt: skip
def test_configs_come_back(make):
    layer = make()
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    inputs = ["x", "y"]
    inputs = (inputs, [1, 2]) if isinstance(layer, layers.HashedCrossing) else inputs
    np.testing.assert_array_equal(again(inputs), layer(inputs))
    assert again(inputs).dtype == layer(inputs).dtype


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(), (4,), (4, 1), (3, 4)])
def test_shapes_are_known_ahead(mode, shape):
    layer = layers.Hashing(5, output_mode=mode)
    symbol = layer(fkeras.Input(shape, dtype="string"))
    outputs = layer(np.full((2, *shape), "x"))
    if mode in ("multi_hot", "count") and not shape:
        assert symbol.shape == outputs.shape == (5,)  # the batch is one sample
    else:
        assert symbol.shape == (None, *outputs.shape[1:])
        assert layer.compute_output_shape((None, *shape)) == symbol.shape


MISTAKES = {
    "no bins": (lambda: layers.Hashing(None), "cannot be `None`"),
    "negative bins": (lambda: layers.Hashing(-1), "cannot be `None`"),
    "text as salt": (lambda: layers.Hashing(2, salt="x"), "tuple of size 2"),
    "three salts": (lambda: layers.Hashing(2, salt=[1, 2, 3]), "tuple of size 2"),
    "unknown mode": (lambda: layers.Hashing(2, output_mode="hot"), "'one_hot'"),
    "float numbers": (lambda: layers.Hashing(2, dtype="float32"), "'int32' or 'int64'"),
    "sparse": (lambda: layers.Hashing(2, sparse=True, output_mode="count"), "TensorFlow"),
    "mask of another kind": (lambda: layers.Hashing(2, mask_value=0)(["a"]), "Give a string"),
    "mask of text": (lambda: layers.Hashing(2, mask_value="a")([0]), "Give a number"),
    "missing": (lambda: layers.Hashing(2)(["a", None]), "1 of 2 strings are missing"),
    "NaN": (lambda: layers.Hashing(2)([1.0, np.nan]), "NaN"),
    "crossing no bins": (lambda: layers.HashedCrossing(0), "1 or more"),
    "crossing an array": (
        lambda: layers.HashedCrossing(2)(np.array(1)), "should be called on a list",
    ),
    "crossing one": (lambda: layers.HashedCrossing(2)([np.array(1)]), "at least two inputs"),
    "crossing shapes": (
        lambda: layers.HashedCrossing(2)(([["a", "b"]], [[1, 2]])), "inputs should have shape",
    ),
    "crossing other shapes": (lambda: layers.HashedCrossing(2)((["a"], [1, 2])), "equal shape"),
    "crossing floats": (
        lambda: layers.HashedCrossing(2)((np.ones(2), np.ones(2))),
        "should have an integer or string",
    ),
    "crossing missing": (
        lambda: layers.HashedCrossing(2)((["a", None], [1, 2])), "1 of 2 strings are missing",
    ),
    "crossing vectors": (lambda: layers.HashedCrossing(2, output_mode="count"), "'one_hot'"),
    "crossing sparse": (
        lambda: layers.HashedCrossing(2, output_mode="one_hot", sparse=True), "TensorFlow",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_errors_that_say_what_to_do(mistake):
    function, message = MISTAKES[mistake]
    with pytest.raises(UserInputError, match=f"(?s){message}"):
        function()
