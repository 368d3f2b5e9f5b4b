"""Arrays as Orbax writes them where it neither compresses nor joins them: a folder for each, with
their shape in `.zarray` (Zarr, version 2) and their numbers in files named after the place of a
part, `0.0`, `1.0`. Read here without Orbax: faster, and nothing is allocated that is not stored.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from fkeras.errors import CorruptFileError
from fkeras.saving.formats.array_checksums import kind_of
from fkeras.saving.formats.checked_reading import aligned_empty, read_into
from fkeras.saving.formats.json_text import read_json

DESCRIPTION = ".zarray"
_MOST_DESCRIPTION = 1 << 16  # bytes


class RawArray(NamedTuple):
    """An array, and its checksum as `array_checksums` has it; None where it stands in parts."""

    value: np.ndarray
    checksum: int | None


def read_raw(folder: Path, paths: Iterable[str]) -> dict[str, RawArray]:
    """Arrays by path.

    Args:
        folder: what Orbax wrote.
        paths: as `params/dense/kernel`.

    Raises:
        CorruptFileError: a part is missing, or is not as long as it should be.
    """
    paths = list(paths)
    # Reading waits for the kernel, not for Python.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        stored = list(pool.map(lambda path: _find(_folder_of(folder, path)), paths))
        # On this thread: what others allocate goes back to the system as soon as it is free, and
        # new memory costs more than reading.
        arrays = [aligned_empty(found.shape, found.dtype) for found in stored]
        checksums = pool.map(_fill, arrays, stored)
        return dict(zip(paths, map(RawArray, arrays, checksums), strict=True))


def _folder_of(folder: Path, path: str) -> Path:
    parts = path.split("/")
    if not all(parts) or "\0" in path:
        raise CorruptFileError(f"'{folder}': {path[:200]!r} is not the path of an array.")
    return folder / ".".join(parts)


class _Stored(NamedTuple):
    """Where an array stands.

    Attributes:
        shape, dtype: of the array.
        parts: shape of a part; those at the ends are filled up to it.
        files: of its parts, in the order of their places.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    parts: tuple[int, ...]
    files: list[Path]


def _find(folder: Path) -> _Stored:
    description = folder / DESCRIPTION
    if not description.is_file():
        raise CorruptFileError(f"'{folder}' is not whole: '{DESCRIPTION}' is missing.")
    if description.stat().st_size > _MOST_DESCRIPTION:
        raise CorruptFileError(f"'{description}' is longer than any description of an array.")
    said = read_json(description.read_bytes(), f"'{description}'")
    shape, parts, dtype = _layout_of(said, description)
    size = math.prod(parts) * dtype.itemsize
    files = [folder / ".".join(map(str, place or (0,))) for place in _places(shape, parts)]
    for file in files:  # before anything is allocated
        if not file.is_file() or file.stat().st_size != size:
            found = f"{file.stat().st_size} bytes" if file.is_file() else "nothing"
            raise CorruptFileError(
                f"'{file}' is damaged: expected {size} bytes. Received: {found}. Save it again, or "
                "take another copy."
            )
    return _Stored(shape, dtype, parts, files)


def _fill(array: np.ndarray, stored: _Stored) -> int | None:
    """Reads an array; returns its checksum where it stands in one file."""
    if len(stored.files) == 1 and stored.parts == stored.shape:
        return read_into(array, stored.files[0], before=kind_of(stored.dtype))
    part = np.empty(stored.parts, stored.dtype)
    for place, file in zip(_places(stored.shape, stored.parts), stored.files):
        read_into(part, file)
        target = tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, stored.parts))
        inside = array[target]
        inside[...] = part[tuple(slice(0, n) for n in inside.shape)]
    return None


def _layout_of(said: dict[str, Any], file: Path) -> tuple[tuple[int, ...], ...]:
    """(shape, shape of a part, dtype)."""
    shape, parts = said.get("shape"), said.get("chunks")
    lists = [value if isinstance(value, list) else [None] for value in (shape, parts)]
    are_counts = all(type(n) is int and n > 0 for value in lists for n in value)
    plain = said.get("compressor") is None and said.get("filters") is None
    dtype = _dtype_of(said.get("dtype"))
    if not are_counts or len(shape) != len(parts) or not plain or said.get("order") != "C":
        dtype = None
    if dtype is None or math.prod(-(-n // p) for n, p in zip(shape, parts)) > 1 << 20:
        raise CorruptFileError(
            f"'{file}' is damaged: it describes no array as they are written here. Save it again, "
            "or take another copy."
        )
    return tuple(shape), tuple(parts), dtype


def _dtype_of(name: object) -> np.dtype | None:
    try:
        dtype = jnp.dtype(name) if isinstance(name, str) else None
    except TypeError:
        return None
    return dtype if dtype is not None and dtype.kind in "fiubcV" and dtype.names is None else None


def _places(shape: tuple[int, ...], parts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(-(-n // p)) for n, p in zip(shape, parts)))
