"""Checksums of arrays, which know nothing of how they are cut into files.

An array that lies on the devices of several processes has a checksum for each part, by the process
that wrote it.
"""

from __future__ import annotations

import concurrent.futures
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.saving.formats.checksum import checksum

if TYPE_CHECKING:
    from fkeras.types import ArrayLike

# [starts, ends, checksum] of a part.
Part = list


def checksum_arrays(
    arrays: Mapping[str, ArrayLike], threads: int | None = None
) -> dict[str, list[Part]]:
    """Checksums of all parts of arrays that this process writes.

    Args:
        arrays: by path.
        threads: that compute them; None for one for each processor.

    Examples:
        >>> checksum_arrays({"kernel": np.zeros((2, 3), "float32")})
        {'kernel': [[[0, 0], [2, 3], 1599038870]]}
    """
    return dict(_in_parallel(lambda item: (item[0], _parts_of(item[1])), arrays.items(), threads))


def find_damaged(
    arrays: Mapping[str, np.ndarray],
    checksums: Mapping[str, Sequence[Part]],
    known: Mapping[str, int | None],
) -> str | None:
    """The path of the first array that is not the one whose checksums these are; None where all
    are.

    Args:
        arrays: by path.
        checksums: what they should be.
        known: what some of them are, as a whole.
    """
    left = {}
    for path, array in arrays.items():
        parts = checksums.get(path, ())
        if known.get(path) is None or len(parts) != 1:
            left[path] = array
        elif list(parts[0]) != [[0] * array.ndim, list(array.shape), known[path]]:
            return path
    checked = _in_parallel(
        lambda item: (item[0], _is_sound(item[1], checksums.get(item[0], ()))), left.items()
    )
    return next((path for path, is_sound in checked if not is_sound), None)


def kind_of(dtype: np.dtype) -> int:
    """What the checksum of an array begins with."""
    return zlib.crc32(dtype.name.encode())


def _in_parallel(function: Any, items: Iterable[Any], threads: int | None = None) -> list[Any]:
    with concurrent.futures.ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        return list(pool.map(function, list(items)))


def _parts_of(array: ArrayLike) -> list[Part]:
    shape = np.shape(array)
    is_whole = not isinstance(array, jax.Array) or array.is_fully_addressable
    if is_whole or array.is_fully_replicated:
        if jax.process_index() != 0:  # all have the same
            return []
        return [[[0] * len(shape), list(shape), _crc(np.asarray(array))]]
    parts = []
    for shard in array.addressable_shards:
        if shard.replica_id == 0:
            bounds = [s.indices(n)[:2] for s, n in zip(shard.index, shape)]
            starts, ends = [list(side) for side in zip(*bounds)]
            parts.append([starts, ends, _crc(np.asarray(shard.data))])
    return parts


def _is_sound(array: np.ndarray, parts: Iterable[Part]) -> bool:
    """Whether the parts are all of the array, and each has its checksum."""
    counted = 0
    for starts, ends, crc in parts:
        if len(starts) != array.ndim or len(ends) != array.ndim:
            return False
        part = array[tuple(map(slice, starts, ends))]
        counted += part.size
        if _crc(part) != crc:
            return False
    return counted == array.size


def _crc(array: np.ndarray) -> int:
    """Over the numbers, and what kind of numbers they are."""
    return checksum(np.ascontiguousarray(array).reshape(-1).view(np.uint8), kind_of(array.dtype))
