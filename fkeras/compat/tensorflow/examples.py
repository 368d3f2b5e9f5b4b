"""Records of examples: `tf.train.Example`, `tf.io.parse_single_example`, `tf.io.TFRecordWriter`,
`tf.io.serialize_tensor` and their kin.
"""

from __future__ import annotations

import functools
import gzip
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fkeras.compat.tensorflow.calls import known, to_numpy
from fkeras.compat.tensorflow.dtypes import as_dtype, cast_host, numpy_dtype
from fkeras.compat.tensorflow.protocol_messages import message
from fkeras.compat.tensorflow.ragged import RaggedTensor, of_rows
from fkeras.compat.tensorflow.sparse import SparseTensor
from fkeras.compat.tensorflow.strings import to_text
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.io.record_files import framed
from fkeras.types import ArrayLike, DTypeLike, ShapeLike, TensorLike

# -- what a record should hold ---------------------------------------------------------------------


class FixedLenFeature(NamedTuple):
    """A feature of one shape. `default_value` stands for a missing one."""

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any length, which becomes a sparse tensor."""

    dtype: Any


class RaggedFeature(NamedTuple):
    """A feature of any length, which becomes a row."""

    dtype: Any
    value_key: str | None = None
    partitions: Any = ()
    row_splits_dtype: Any = "int32"
    validate: bool = False


class FixedLenSequenceFeature(NamedTuple):
    """A feature of any number of entries of one shape."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


Spec = FixedLenFeature | VarLenFeature | RaggedFeature | FixedLenSequenceFeature


def _values(feature: Any, dtype: Any, name: str) -> np.ndarray | None:
    """The values of a feature; None where it is missing."""
    kind = None if feature is None else feature.WhichOneof("kind")
    if kind is None:
        return None
    wanted = numpy_dtype(dtype)
    has = {"bytes_list": "O", "float_list": "f", "int64_list": "iub"}[kind]
    if wanted.kind not in has:
        raise UserInputError(
            f"parse_example: feature {name!r} holds a {kind}, and {as_dtype(dtype).name} was asked "
            "for. Lists of bytes are `tf.string`, of floats `tf.float32`, of integers `tf.int64`."
        )
    values = list(getattr(feature, kind).value)
    array = np.empty(len(values), wanted)
    array[:] = values
    return array


def _shape(spec: Any) -> tuple[int, ...]:
    shape = spec.shape
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(map(int, shape))


def _fixed(feature: Any, spec: FixedLenFeature, name: str) -> np.ndarray:
    shape, values = _shape(spec), _values(feature, spec.dtype, name)
    if values is None:
        if spec.default_value is None:
            raise UserInputError(
                f"parse_example: a record has no feature {name!r}, and there is no "
                "`default_value` for it."
            )
        default = to_numpy(spec.default_value, numpy_dtype(spec.dtype))
        return np.broadcast_to(cast_host(default, numpy_dtype(spec.dtype)), shape)
    if values.size != int(np.prod(shape)):
        raise UserInputError(
            f"parse_example: feature {name!r} has {values.size} values in a record, and shape "
            f"{shape} was asked for. `tf.io.VarLenFeature` takes any number."
        )
    return values.reshape(shape)


def _list(feature: Any, spec: Any, name: str) -> np.ndarray:
    values = _values(feature, spec.dtype, name)
    values = np.zeros(0, numpy_dtype(spec.dtype)) if values is None else values
    return (
        values.reshape(-1, *_shape(spec)) if isinstance(spec, FixedLenSequenceFeature) else values
    )


def _one(feature: Any, spec: Spec, name: str) -> Any:
    """A feature of one record."""
    if isinstance(spec, FixedLenFeature):
        return host_array(_fixed(feature, spec, name))
    values = _list(feature, spec, name)
    if isinstance(spec, VarLenFeature):
        return SparseTensor(np.arange(len(values))[:, None], values, [len(values)])
    return host_array(values)


def _several(features: Sequence[Any], spec: Spec, name: str) -> Any:
    """A feature of several records."""
    if isinstance(spec, FixedLenFeature):
        rows = [_fixed(feature, spec, name) for feature in features]
        return host_array(np.stack(rows) if rows else np.zeros((0, *_shape(spec))))
    rows = [_list(feature, spec, name) for feature in features]
    empty = RaggedTensor(np.zeros(0, numpy_dtype(spec.dtype)), [0])
    ragged = of_rows(rows, empty)
    if isinstance(spec, RaggedFeature):
        return ragged
    if isinstance(spec, VarLenFeature):
        return ragged.to_sparse()
    return ragged.to_tensor(spec.default_value)


def _specs(features: Mapping[str, Spec]) -> list[tuple[str, str, Spec]]:
    """(name of the result, name in the record, what is wanted)"""
    kinds = (FixedLenFeature, VarLenFeature, RaggedFeature, FixedLenSequenceFeature)
    found = []
    for name, spec in dict(features or {}).items():
        if not isinstance(spec, kinds):
            raise UserInputError(
                f"parse_example: expected a `tf.io.FixedLenFeature`, `VarLenFeature`, "
                f"`RaggedFeature` or `FixedLenSequenceFeature` for {name!r}. Received: {spec!r}."
            )
        found.append((name, getattr(spec, "value_key", None) or name, spec))
    return found


def _read(kind: str, record: Any) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return message(kind).FromString(record)
    except DecodeError:
        raise UserInputError(f"Could not parse a record as tf.train.{kind}.") from None


def parse_single_example(
    serialized: TensorLike,
    features: Mapping[str, Spec],
    example_names: Any = None,
    name: str | None = None,
) -> dict[str, Any]:
    """The features of a record of a `tf.train.Example`."""
    found = _read("Example", known(serialized, "parse_single_example").item()).features.feature
    return {
        name: _one(found[key] if key in found else None, spec, name)
        for name, key, spec in _specs(features)
    }


def parse_example(
    serialized: TensorLike,
    features: Mapping[str, Spec],
    example_names: Any = None,
    name: str | None = None,
) -> dict[str, Any]:
    """The features of several records of `tf.train.Example`s, each in one tensor."""
    records = known(serialized, "parse_example")
    if not records.ndim:
        return parse_single_example(serialized, features)
    found = [_read("Example", record).features.feature for record in records.ravel()]
    return {
        name: _several([each[key] if key in each else None for each in found], spec, name)
        for name, key, spec in _specs(features)
    }


def parse_single_sequence_example(
    serialized: TensorLike,
    context_features: Mapping[str, Spec] | None = None,
    sequence_features: Mapping[str, Spec] | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The context and the lists of features of a record of a `tf.train.SequenceExample`."""
    record = known(serialized, "parse_single_sequence_example").item()
    found = _read("SequenceExample", record)
    context = found.context.feature
    contexts = {
        name: _one(context[key] if key in context else None, spec, name)
        for name, key, spec in _specs(context_features or {})
    }
    lists, sequences = found.feature_lists.feature_list, {}
    for name, key, spec in _specs(sequence_features or {}):
        steps = list(lists[key].feature) if key in lists else []
        if isinstance(spec, FixedLenSequenceFeature):
            spec = FixedLenFeature(spec.shape, spec.dtype)
        sequences[name] = _several(steps, spec, name)
    return contexts, sequences


# -- tensors as bytes ------------------------------------------------------------------------------

# The numbers that TensorFlow has for dtypes.
_NUMBERS = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "string": 7,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "bfloat16": 14,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}


def tensor_message(tensor: TensorLike) -> Any:
    """A tensor as a protocol buffer of TensorFlow's."""
    array = known(tensor, "tf.io.serialize_tensor")
    dtype = as_dtype(array.dtype).name
    shape = message("TensorShapeProto")(
        dim=[message("Dimension")(size=size) for size in array.shape]
    )
    made = message("TensorProto")(dtype=_NUMBERS[dtype], tensor_shape=shape)
    if dtype == "string":
        made.string_val.extend(array.ravel().tolist())
    else:
        made.tensor_content = array.tobytes()
    return made


def serialize_tensor(tensor: TensorLike, name: str | None = None) -> HostArray:
    """A tensor as bytes, which `parse_tensor` reads."""
    return host_array(tensor_message(tensor).SerializeToString())


def parse_tensor(serialized: TensorLike, out_type: DTypeLike, name: str | None = None) -> HostArray:
    """The tensor of `serialize_tensor`'s bytes."""
    found = _read("TensorProto", known(serialized, "tf.io.parse_tensor").item())
    dtype = next((n for n, number in _NUMBERS.items() if number == found.dtype), "")
    if dtype != as_dtype(out_type).name:
        raise UserInputError(
            f"tf.io.parse_tensor: the bytes hold {dtype or 'another dtype'}, and "
            f"{as_dtype(out_type).name} was asked for."
        )
    shape = [dim.size for dim in found.tensor_shape.dim]
    if dtype == "string":
        values = np.empty(len(found.string_val), object)
        values[:] = list(found.string_val)
    else:
        values = np.frombuffer(found.tensor_content, numpy_dtype(dtype))
    return host_array(values.reshape(shape))


# -- files of records ------------------------------------------------------------------------------


class TFRecordOptions(NamedTuple):
    """How a file of records is compressed: `''`, `'GZIP'` or `'ZLIB'`; the rest is not used."""

    compression_type: str | None = ""
    flush_mode: Any = None
    input_buffer_size: Any = None
    output_buffer_size: Any = None
    window_bits: Any = None
    compression_level: Any = None
    compression_method: Any = None
    mem_level: Any = None
    compression_strategy: Any = None


class TFRecordWriter:
    """Writes records to a file.

    Args:
        path: of the file, which is made anew.
        options: `TFRecordOptions`, or how it is compressed.
    """

    def __init__(self, path: Any, options: TFRecordOptions | str | None = None) -> None:
        compression = getattr(options, "compression_type", options) or ""
        if compression not in ("", "GZIP", "ZLIB"):
            raise UserInputError(
                f"tf.io.TFRecordWriter: `compression_type` must be '', 'GZIP' or 'ZLIB'. Received: "
                f"{compression!r}."
            )
        path = os.fspath(path) if isinstance(path, os.PathLike) else to_text(path)
        self._file: Any = gzip.open(path, "wb") if compression == "GZIP" else open(path, "wb")
        self._packer = zlib.compressobj() if compression == "ZLIB" else None

    def write(self, record: ArrayLike) -> None:
        """Writes a record of bytes."""
        record = record.numpy() if hasattr(record, "numpy") else record
        content = framed(record.encode() if isinstance(record, str) else bytes(record))
        self._file.write(self._packer.compress(content) if self._packer else content)

    def flush(self) -> None:
        """Hands what was written to the system."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._packer and not self._file.closed:
            self._file.write(self._packer.flush())
        self._file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def make_tensor_proto(
    values: ArrayLike,
    dtype: DTypeLike | None = None,
    shape: ShapeLike | None = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:
    """Values as a protocol buffer of TensorFlow's."""
    array = to_numpy(values, numpy_dtype(dtype))
    return tensor_message(array if shape is None else array.reshape(tuple(shape)))


def make_ndarray(tensor: Any) -> np.ndarray:
    """The values of a protocol buffer that `make_tensor_proto` made."""
    dtype = next(n for n, number in _NUMBERS.items() if number == tensor.dtype)
    return parse_tensor(tensor.SerializeToString(), dtype).numpy()


class Late(NamedTuple):
    """A name whose value is made when it is read."""

    make: Callable[[], Any]


TRAIN: dict[str, Any] = {
    name: Late(functools.partial(message, name))
    for name in (
        "BytesList Example Feature FeatureList FeatureLists Features FloatList Int64List "
        "SequenceExample"
    ).split()
}
IO: dict[str, Any] = {
    "FixedLenFeature": FixedLenFeature,
    "FixedLenSequenceFeature": FixedLenSequenceFeature,
    "RaggedFeature": RaggedFeature,
    "TFRecordOptions": TFRecordOptions,
    "TFRecordWriter": TFRecordWriter,
    "VarLenFeature": VarLenFeature,
    "parse_example": parse_example,
    "parse_single_example": parse_single_example,
    "parse_single_sequence_example": parse_single_sequence_example,
    "parse_tensor": parse_tensor,
    "serialize_tensor": serialize_tensor,
}
