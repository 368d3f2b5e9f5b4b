"""`tf.lookup`: tables from words or numbers to others."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow import creation
from fkeras.compat.tensorflow.calls import is_on_device, known, shape_of
from fkeras.compat.tensorflow.dtypes import DType, as_dtype, cast_host, numpy_dtype
from fkeras.compat.tensorflow.strings import to_hash_bucket_fast, to_text
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, TensorLike


class KeyValueTensorInitializer:
    """What a table is filled with: two lists of one length.

    Args:
        keys: texts or integers, each once.
        values: what they stand for.
        key_dtype: of the keys; None for their own. value_dtype: the same of the values.
        name: not used.
    """

    def __init__(
        self,
        keys: ArrayLike,
        values: ArrayLike,
        key_dtype: DTypeLike | None = None,
        value_dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        self.keys = np.ravel(known(creation.convert_to_tensor(keys, key_dtype), "tf.lookup"))
        self.values = np.ravel(known(creation.convert_to_tensor(values, value_dtype), "tf.lookup"))
        if len(self.keys) != len(self.values):
            raise UserInputError(
                f"tf.lookup: {len(self.keys)} keys and {len(self.values)} values. Each key needs "
                "one value."
            )


class TextFileIndex:
    """What of a line of a text file is a key or a value."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TextFileInitializer(KeyValueTensorInitializer):
    """What a table is filled with: the lines of a text file.

    Args:
        filename: of the file.
        key_dtype: of the keys. value_dtype: of the values.
        key_index: which part of a line is the key: `TextFileIndex`, or the number of a column.
        value_index: the same of the value.
        vocab_size: how many lines are read; None for all.
        delimiter: what stands between columns.
        name: not used. value_index_offset: added to line numbers.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: DTypeLike,
        key_index: int,
        value_dtype: DTypeLike,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:
        path = filename if isinstance(filename, os.PathLike) else to_text(filename)
        with open(path, encoding="utf8", newline="") as file:
            lines = file.read().split("\n")
        lines = [line.removesuffix("\r") for line in lines[: None if lines[-1] else -1]]
        rows = list(enumerate(lines[:vocab_size], value_index_offset))

        def column(index: int, dtype: DTypeLike) -> np.ndarray:
            if index == TextFileIndex.LINE_NUMBER:
                return np.array([number for number, _ in rows], numpy_dtype(dtype))
            whole = index == TextFileIndex.WHOLE_LINE
            texts = [line if whole else line.split(delimiter)[index] for _, line in rows]
            if as_dtype(dtype) == "string":
                return np.asarray(host_array(np.array(texts, object)))
            return np.array([float(text) for text in texts]).astype(numpy_dtype(dtype))

        super().__init__(column(key_index, key_dtype), column(value_index, value_dtype))


class _Table:
    """Keys with a value each, and a value for what is no key."""

    def __init__(self, key_dtype: DTypeLike, value_dtype: DTypeLike, default: ArrayLike) -> None:
        self.key_dtype: DType = as_dtype(key_dtype)
        self.value_dtype: DType = as_dtype(value_dtype)
        kind = numpy_dtype(self.value_dtype)
        self.default_value = np.asarray(creation.convert_to_tensor(default, kind))
        self._values: dict[Any, np.ndarray] = {}

    def _insert(self, keys: TensorLike, values: TensorLike) -> None:
        keys = self._keys(keys)
        values = known(creation.convert_to_tensor(values), "tf.lookup")
        values = cast_host(values, numpy_dtype(self.value_dtype))
        shape = (*keys.shape, *self.default_value.shape)
        for key, value in zip(
            keys.ravel().tolist(), values.reshape(-1, *self.default_value.shape), strict=True
        ):
            self._values[key] = np.asarray(value)
        if values.shape != shape:
            raise UserInputError(
                f"tf.lookup: expected values of shape {shape}, one for each key. Received: "
                f"{values.shape}."
            )

    def _keys(self, keys: TensorLike) -> np.ndarray:
        found = known(creation.convert_to_tensor(keys), "tf.lookup of keys")
        is_text = found.dtype.kind == "O"
        if is_text != (self.key_dtype == "string"):
            given = "strings" if is_text else found.dtype.name
            raise UserInputError(
                f"tf.lookup: the keys of this table are of {self.key_dtype.name}. Received: "
                f"{given}."
            )
        return found if is_text else cast_host(found, numpy_dtype(self.key_dtype))

    def size(self, name: str | None = None) -> HostArray:
        """How many keys there are."""
        return host_array(np.int64(len(self._values)))

    def lookup(self, keys: TensorLike, name: str | None = None) -> Any:
        """The value of each key, in the shape of the keys."""
        if is_on_device((keys,)):
            return self._lookup_on_device(creation.convert_to_tensor(keys))
        keys = self._keys(keys)
        found = [self._values.get(key, self.default_value) for key in keys.ravel().tolist()]
        kind = numpy_dtype(self.value_dtype)
        values = np.empty((len(found), *self.default_value.shape), kind)
        for place, value in enumerate(found):
            values[place] = value[()]
        return host_array(values.reshape((*keys.shape, *self.default_value.shape)))

    def _lookup_on_device(self, keys: Any) -> Any:
        """By a search among the sorted keys, in compiled steps too."""
        if self.value_dtype == "string":
            raise UserInputError(
                "tf.lookup: a table of strings cannot be asked inside of a compiled step. Ask it "
                "before, in a `map` of the data set, or afterwards."
            )
        if not self._values:
            return jnp.broadcast_to(jnp.asarray(self.default_value), shape_of(keys))
        own = np.array(list(self._values))
        order = np.argsort(own)
        values = np.stack(list(self._values.values()))[order]
        kind = jax.dtypes.canonicalize_dtype(own.dtype)
        places = jnp.searchsorted(jnp.asarray(own[order], kind), keys.astype(kind))
        places = jnp.minimum(places, len(own) - 1)
        is_known = jnp.asarray(own[order], kind)[places] == keys.astype(kind)
        is_known = is_known.reshape(*is_known.shape, *[1] * self.default_value.ndim)
        return jnp.where(is_known, jnp.asarray(values)[places], jnp.asarray(self.default_value))

    def __getitem__(self, keys: TensorLike) -> Any:
        return self.lookup(keys)

    def export(self, name: str | None = None) -> tuple[HostArray, HostArray]:
        """All keys, and their values."""
        keys = np.empty(len(self._values), numpy_dtype(self.key_dtype))
        keys[:] = list(self._values)
        return host_array(keys), self.lookup(keys)


class StaticHashTable(_Table):
    """A table that is filled once.

    Args:
        initializer: keys and values.
        default_value: of what is no key.
        name: not used. experimental_is_anonymous: not used.
    """

    def __init__(
        self,
        initializer: KeyValueTensorInitializer,
        default_value: ArrayLike,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(initializer.keys.dtype, initializer.values.dtype, default_value)
        self._insert(initializer.keys, initializer.values)
        if len(self._values) != len(initializer.keys):
            raise UserInputError("tf.lookup.StaticHashTable: a key is there twice.")


class StaticVocabularyTable(_Table):
    """A table of ids, where what is no key goes to one of some further ids, by its hash.

    Args:
        initializer: keys and ids from 0 on; None for a table of hashes alone.
        num_oov_buckets: how many further ids.
        lookup_key_dtype: of what is looked up; None for that of the keys.
        name: not used. experimental_is_anonymous: not used.
    """

    def __init__(
        self,
        initializer: KeyValueTensorInitializer | None,
        num_oov_buckets: int,
        lookup_key_dtype: DTypeLike | None = None,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if num_oov_buckets < 1:
            raise UserInputError(
                "tf.lookup.StaticVocabularyTable: `num_oov_buckets` must be 1 or more. Received: "
                f"{num_oov_buckets}. `StaticHashTable` has a default value instead."
            )
        dtype = lookup_key_dtype
        if dtype is None:
            dtype = "string" if initializer is None else initializer.keys.dtype
        super().__init__(dtype, "int64", -1)
        self._buckets = num_oov_buckets
        if initializer is not None:
            self._insert(initializer.keys, initializer.values)

    def size(self, name: str | None = None) -> HostArray:
        """How many ids there are, those of unknown keys too."""
        return host_array(np.int64(len(self._values) + self._buckets))

    def lookup(self, keys: TensorLike, name: str | None = None) -> Any:
        """The id of each key, in the shape of the keys."""
        keys = self._keys(known(keys, "tf.lookup.StaticVocabularyTable"))
        ids = np.asarray(super().lookup(keys))
        if (ids < 0).any():
            texts = keys if keys.dtype.kind == "O" else keys.astype(str)
            hashed = np.asarray(to_hash_bucket_fast(texts, self._buckets))
            ids = np.where(ids < 0, hashed + len(self._values), ids)
        return host_array(ids)


class MutableHashTable(_Table):
    """A table that can be added to.

    Args:
        key_dtype: of the keys. value_dtype: of the values.
        default_value: of what is no key.
        name: not used. checkpoint: not used. experimental_is_anonymous: not used.
    """

    def __init__(
        self,
        key_dtype: DTypeLike,
        value_dtype: DTypeLike,
        default_value: ArrayLike,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(key_dtype, value_dtype, default_value)

    def insert(self, keys: TensorLike, values: TensorLike, name: str | None = None) -> None:
        """Sets the values of keys, new or old."""
        self._insert(keys, values)

    insert_or_assign = insert

    def remove(self, keys: TensorLike, name: str | None = None) -> None:
        """Takes keys out."""
        for key in self._keys(keys).ravel().tolist():
            self._values.pop(key, None)

    erase = remove


def _dense_table(
    key_dtype: DTypeLike,
    value_dtype: DTypeLike,
    default_value: ArrayLike,
    empty_key: Any = None,
    deleted_key: Any = None,
    initial_num_buckets: int | None = None,
    name: str = "MutableDenseHashTable",
    checkpoint: bool = True,
    experimental_is_anonymous: bool = False,
) -> MutableHashTable:
    """A table that can be added to."""
    return MutableHashTable(key_dtype, value_dtype, default_value)


NAMES: dict[str, Any] = {
    "KeyValueTensorInitializer": KeyValueTensorInitializer,
    "StaticHashTable": StaticHashTable,
    "StaticVocabularyTable": StaticVocabularyTable,
    "TextFileIndex": TextFileIndex,
    "TextFileInitializer": TextFileInitializer,
}
EXPERIMENTAL: dict[str, Callable[..., Any]] = {
    "DenseHashTable": _dense_table,
    "MutableHashTable": MutableHashTable,
}
