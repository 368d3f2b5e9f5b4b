"""The file of a backup: arrays by name and one JSON object, in an archive with checksums.

backup.json     the object, and the table of arrays: (name, dtype, shape)
arrays/0 ...    the bytes of each array, in the order of the table

Nothing else of fkeras knows how a backup lies on the disk.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras import io
from fkeras.errors import CorruptFileError, IncompatibleFileError
from fkeras.saving.formats.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE, _FORMAT = "backup.json", 1


def write_backup(path: Path, arrays: Mapping[str, np.ndarray], content: dict[str, Any]) -> None:
    """Writes a backup, or leaves what stood there as it was.

    Args:
        path: of the file.
        arrays: by name.
        content: what JSON can hold.
    """
    table = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    described = json.dumps({"format": _FORMAT, "arrays": table, "content": content})
    with io.replacing_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_TABLE, described)
        for i, array in enumerate(arrays.values()):
            # As bytes: neither half precision nor arrays without axes have a buffer of their own.
            flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            archive.writestr(f"arrays/{i}", flat.data)


def read_backup(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `write_backup` was given: (arrays, content).

    Raises:
        CorruptFileError: a damaged file, or none of a backup.
        IncompatibleFileError: written by a newer release.
    """
    shown = f"'{path}'"
    try:
        with zipfile.ZipFile(path) as archive:
            described = read_json(_read_member(archive, _TABLE), f"{shown}, {_TABLE}")
            number = described.get("format")
            if isinstance(number, int) and number > _FORMAT:
                raise IncompatibleFileError(
                    f"{shown} is a backup of a newer release: format {number}; this one reads up "
                    f"to {_FORMAT}. Install a newer fkeras."
                )
            arrays = {
                str(name): _array_of(_read_member(archive, f"arrays/{i}"), dtype, shape)
                for i, (name, dtype, shape) in enumerate(described["arrays"])
            }
            return arrays, dict(described["content"])
    except IncompatibleFileError:
        raise
    except Exception as error:  # whatever a damaged archive leads Python's reader to
        raise CorruptFileError(
            f"{shown} exists, has {path.stat().st_size} bytes, and is not a whole backup "
            f"({error}). It was cut off or altered."
        ) from None


def _read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError(f"the member '{name}' is compressed")
    return archive.read(entry)


def _array_of(data: bytes, dtype_name: str, shape: list[int]) -> np.ndarray:
    dtype = np.dtype(dtype_name)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes for an array {dtype_name} {tuple(shape)}")
    return np.frombuffer(bytearray(data), dtype).reshape(shape)  # of its own, and writable
