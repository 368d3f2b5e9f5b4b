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
from typing import Any

import jax.numpy as jnp
import numpy as np

from fkeras.errors import CorruptFileError
from fkeras.saving.formats.json_text import read_json

DESCRIPTION = ".zarray"
_MOST_DESCRIPTION = 1 << 16  # bytes
_ALIGNMENT = 64  # at which JAX takes an array on a CPU as it is, without another copy


def read_raw(folder: Path, paths: Iterable[str]) -> dict[str, np.ndarray]:
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
        arrays = pool.map(lambda path: _read(_folder_of(folder, path)), paths)
        return dict(zip(paths, arrays, strict=True))


def _folder_of(folder: Path, path: str) -> Path:
    parts = path.split("/")
    if not all(parts) or "\0" in path:
        raise CorruptFileError(f"'{folder}': {path[:200]!r} is not the path of an array.")
    return folder / ".".join(parts)


def _read(folder: Path) -> np.ndarray:
    description = folder / DESCRIPTION
    if not description.is_file():
        raise CorruptFileError(f"'{folder}' is not whole: '{DESCRIPTION}' is missing.")
    if description.stat().st_size > _MOST_DESCRIPTION:
        raise CorruptFileError(f"'{description}' is longer than any description of an array.")
    said = read_json(description.read_bytes(), f"'{description}'")
    shape, parts, dtype = _layout_of(said, description)
    places = list(_places(shape, parts))
    size = math.prod(parts) * dtype.itemsize
    files = [folder / ".".join(map(str, place or (0,))) for place in places]
    for file in files:  # before anything is allocated
        if not file.is_file() or file.stat().st_size != size:
            found = f"{file.stat().st_size} bytes" if file.is_file() else "nothing"
            raise CorruptFileError(
                f"'{file}' is damaged: expected {size} bytes. Received: {found}. Save it again, or "
                "take another copy."
            )
    if len(files) == 1 and parts == shape:
        return _fill(_aligned(shape, dtype), files[0])
    result = _aligned(shape, dtype)
    for place, file in zip(places, files):
        part = _fill(_aligned(parts, dtype), file)
        target = tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, parts))
        inside = result[target]
        inside[...] = part[tuple(slice(0, n) for n in inside.shape)]
    return result


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


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An empty array that begins at such an address as JAX wants."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _fill(array: np.ndarray, file: Path) -> np.ndarray:
    with open(file, "rb", buffering=0) as content:
        view, done = memoryview(array.reshape(-1).view(np.uint8)), 0
        while done < len(view):
            count = content.readinto(view[done:])
            if not count:
                raise CorruptFileError(f"'{file}' ended while it was read.")
            done += count
    return array
