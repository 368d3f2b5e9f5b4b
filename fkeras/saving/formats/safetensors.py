"""`.safetensors`: weights by structural path, for other libraries. The only module that knows it.

A header names dtype, shape and place of each array; the arrays follow. There is nothing in it that
could run. The header's metadata have a checksum, which other libraries take no notice of.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import ml_dtypes  # comes with JAX
import numpy as np

from fkeras import io
from fkeras.errors import CorruptFileError, IncompatibleFileError
from fkeras.saving.record import ModelRecord

if TYPE_CHECKING:
    from types import ModuleType

_LENGTH = 8  # bytes of the header's length, at the beginning
_CHECKSUM, _FORMAT = "fkeras_checksum", "fkeras_format"
_NEWEST = 1
_DTYPES = {
    "BOOL": np.bool_,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F32": np.float32,
    "F64": np.float64,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "C64": np.complex64,
}


class SafetensorsFile:
    """Weights alone, under names such as `encoder/dense/kernel`."""

    suffixes = (".safetensors",)
    layout: Literal["paths"] = "paths"
    holds_models = False
    holds_weights = True

    def is_saved_at(self, path: Path) -> bool:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            return file.read(_LENGTH + 1)[_LENGTH:] == b"{"

    def write(self, record: ModelRecord, path: Path) -> None:
        _import()
        from safetensors.numpy import save_file

        arrays = {name: np.ascontiguousarray(array) for name, array in record.weights.items()}
        # It makes vectors of scalars.
        arrays = {name: array.reshape(record.weights[name].shape) for name, array in arrays.items()}
        own = {"format": "np", _FORMAT: str(_NEWEST), _CHECKSUM: _checksum(arrays)}
        with io.replacing_file(path) as temporary:
            save_file(arrays, temporary, own)

    def read(self, path: Path) -> ModelRecord:
        library = _import()
        shown = f"'{path}'"
        try:
            # The library refuses headers that do not fit the file: lengths, places, overlaps.
            with library.safe_open(path, framework="np") as file:
                own = file.metadata() or {}
                _check_format(own, shown)
                arrays = _read_arrays(path, file, shown)
        except (library.SafetensorError, OSError) as error:
            raise CorruptFileError(
                f"{shown} is not a complete safetensors file of {path.stat().st_size} bytes "
                f"({str(error)[:300]}). Save it again, or take another copy."
            ) from None
        if own.get(_CHECKSUM, _checksum(arrays)) != _checksum(arrays):
            raise CorruptFileError(
                f"{shown} is damaged: its bytes are not those that were written. Save it again, "
                "or take another copy."
            )
        return ModelRecord(arrays)


def _import() -> ModuleType:
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            "`.safetensors` files need the package safetensors: `pip install "
            "'fkeras[safetensors]'`."
        ) from error
    return safetensors


def _read_arrays(path: Path, file: Any, shown: str) -> dict[str, np.ndarray]:
    """The arrays of an open file, in the order in which they lie there, each read just once.

    The library's own arrays are views of a mapped file, and know no bfloat16.
    """
    arrays: dict[str, np.ndarray] = {}
    with open(path, "rb") as content:
        content.seek(_LENGTH + int.from_bytes(content.read(_LENGTH), "little"))
        for name in file.offset_keys():
            declared = file.get_slice(name)
            dtype, shape = declared.get_dtype(), declared.get_shape()
            if dtype not in _DTYPES:
                raise IncompatibleFileError(
                    f"{shown}, {name[:200]!r}: numbers of kind {dtype!r}, which no weight has. "
                    f"Known: {', '.join(_DTYPES)}."
                )
            array = np.fromfile(content, _DTYPES[dtype], math.prod(shape))
            arrays[name] = array.reshape(shape)
    return arrays


def _check_format(own: Mapping[str, str], shown: str) -> None:
    number = own.get(_FORMAT, "0")
    if not number.isdecimal() or int(number) > _NEWEST:
        raise IncompatibleFileError(
            f"{shown}: format {number[:20]!r} of fkeras; this release reads up to {_NEWEST}. "
            "Install a newer fkeras."
        )


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """CRC-32 of names, dtypes, shapes and bytes, in the order of the names."""
    crc = 0
    for name, array in sorted(arrays.items()):
        crc = zlib.crc32(repr((name, array.dtype.name, array.shape)).encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(np.uint8), crc)
    return f"{crc:08x}"
