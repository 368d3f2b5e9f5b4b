"""How a source's batches reach the device: many steps over data that lies there, or batch by batch
from the host.
"""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import placement
from fkeras.core.nested import flatten
from fkeras.data import ahead
from fkeras.training.fused_loops import Batching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fkeras.core.placement import Distribution
    from fkeras.data import ArraySource, Source

# Arrays up to this share of the device's memory (or this many bytes, where the device does not
# tell) are put there once.
_SHARE, _BYTES = 0.25, 4 << 30

# The arrays of sources that were put on devices, and by which distribution, as long as the sources
# live.
_on_device: weakref.WeakKeyDictionary[ArraySource, tuple[Any, Any]] = weakref.WeakKeyDictionary()


def fits_on_device(arrays: Any) -> bool:
    """Whether nested arrays may stay on the device for the length of a training."""
    size = sum(x.nbytes for x in flatten(arrays) if hasattr(x, "nbytes"))
    stats = jax.local_devices()[0].memory_stats() or {}
    limit = stats.get("bytes_limit")
    return size <= (limit * _SHARE if limit else _BYTES)


def placed(source: ArraySource, again: bool, distribution: Distribution | None = None) -> Any:
    """The arrays of a source for a device call.

    On the device from the moment that another call will want them, else from the host, which costs
    a small single call much less.

    Args:
        source: where they come from.
        again: whether another call will want them.
        distribution: on whose devices; None for JAX's default device.
    """
    arrays, where = _on_device.get(source, (None, None))
    if (arrays is None or where is not distribution) and again:
        arrays = placement.place_rows(source.arrays, distribution)
        _on_device[source] = arrays, distribution
    elif where is not distribution:
        arrays = None
    return source.arrays if arrays is None else arrays


def is_numeric(arrays: Any) -> bool:
    """Whether all are arrays of numbers: no strings, no rows of a sparse matrix, which become
    arrays batch by batch.
    """
    return all(
        isinstance(x, (np.ndarray, jax.Array)) and x.dtype.kind not in "OUS"
        for x in flatten(arrays)
    )


def batch_shapes(source: ArraySource, size: int | None = None) -> Any:
    """A batch of a source as `ShapeDtypeStruct`s.

    Args:
        source: where it would come from.
        size: its rows; None for a full batch.
    """

    def struct(x):
        shape = (size or source.batch_size, *x.shape[1:])
        return jax.ShapeDtypeStruct(shape, jax.dtypes.canonicalize_dtype(x.dtype))

    return jax.tree.map(struct, source.arrays)


def batching_of(source: ArraySource | None) -> Batching:
    """How the rows of a source are cut into batches; zeros where there is no source."""
    if source is None:
        return Batching(0, 0)
    return Batching(source.batch_size, source.num_samples % source.batch_size)


def permutation(
    order: np.ndarray | None, distribution: Distribution | None = None
) -> jax.Array | None:
    """A permutation as devices take it; None stays None (consecutive rows)."""
    return None if order is None else placement.place_order(order, distribution)


def batches_of(source: Source, order: np.ndarray | None = None, first: int = 0) -> Iterator[tuple]:
    """The batches of one pass, from the host.

    Args:
        source: arrays or a stream.
        order: permutation of the rows of arrays; None for the order in which they lie.
        first: number of the first batch; others than 0 only for arrays.
    """
    if not source.in_memory:
        return iter(source.epoch(0))
    batches = _rows_in_order(source, order, first)
    # What the host computes for each batch it computes beside the steps.
    return ahead.ahead_if_slow(batches) if source.is_computed else batches


def _rows_in_order(source, order, first):
    size, total = source.batch_size, source.num_samples
    for start in range(first * size, total, size):
        stop = min(start + size, total)
        yield source.batch(slice(start, stop) if order is None else order[start:stop])


def endless_batches(source: Source) -> Iterator[tuple]:
    """The batches of arrays again and again; of a stream, what it has."""
    if not source.in_memory:
        return iter(source.epoch(0))
    return itertools.chain.from_iterable(
        source.epoch(source.order(0, epoch)) for epoch in itertools.count()
    )
