"""Checksums of arrays, which know nothing of how they are cut into files.

An array that lies on the devices of several processes has a checksum for each part, by the process
that wrote it.
"""

from __future__ import annotations

import concurrent.futures
import os
import zlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

if TYPE_CHECKING:
    from fkeras.types import ArrayLike

# [starts, ends, CRC-32] of a part.
Part = list


def checksum_arrays(arrays: Mapping[str, ArrayLike]) -> dict[str, list[Part]]:
    """Checksums of all parts of arrays that this process writes.

    Examples:
        >>> checksum_arrays({"kernel": np.zeros((2, 3), "float32")})
        {'kernel': [[[0, 0], [2, 3], 2192979858]]}
    """
    return dict(_in_parallel(lambda item: (item[0], _parts_of(item[1])), arrays.items()))


def find_damaged(
    arrays: Mapping[str, np.ndarray], checksums: Mapping[str, Iterable[Part]]
) -> str | None:
    """The path of the first array that is not the one whose checksums these are; None where all
    are.
    """
    checked = _in_parallel(
        lambda item: (item[0], _is_sound(item[1], checksums.get(item[0], ()))), arrays.items()
    )
    return next((path for path, is_sound in checked if not is_sound), None)


def _in_parallel(function: Any, items: Iterable[Any]) -> list[Any]:
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
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
    kind = zlib.crc32(array.dtype.name.encode())
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8), kind)
