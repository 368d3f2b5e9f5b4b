"""How a source's batches reach the device: many steps over data that lies there, or batch by batch
from the host.
"""

import itertools

import jax
import numpy as np

from fkeras.core import placement
from fkeras.core.nested import flatten

# Arrays up to this share of the device's memory (or this many bytes, where the device does not
# tell) are put there once.
_SHARE, _BYTES = 0.25, 4 << 30


def fits_on_device(arrays) -> bool:
    size = sum(x.nbytes for x in flatten(arrays) if hasattr(x, "nbytes"))
    stats = jax.devices()[0].memory_stats() or {}
    limit = stats.get("bytes_limit")
    return size <= (limit * _SHARE if limit else _BYTES)


def placed(source, again):
    """The arrays of a source for a device call: on the device from the moment that another call
    will want them, else from the host, which costs a small single call much less."""
    held = getattr(source, "_on_device", None)
    if held is None and again:
        held = source._on_device = placement.place_rows(source.arrays)
    return source.arrays if held is None else held


def numeric(arrays) -> bool:
    """Whether all are arrays of numbers: no strings, no rows of a sparse matrix, which become
    arrays batch by batch.
    """
    return all(
        isinstance(x, (np.ndarray, jax.Array)) and x.dtype.kind not in "OUS"
        for x in flatten(arrays)
    )


def batch_shapes(source, size=None):
    """A batch of a source as `ShapeDtypeStruct`s, a full one unless its size is given."""

    def struct(x):
        return jax.ShapeDtypeStruct(
            (size or source.batch_size, *x.shape[1:]), jax.dtypes.canonicalize_dtype(x.dtype)
        )

    return jax.tree.map(struct, source.arrays)


def sizes(source) -> tuple:
    """(rows of a full batch, rows of the smaller last one or 0) of arrays; zeros where there is no
    source.
    """
    return (0, 0) if source is None else (source.batch_size, source.num_samples % source.batch_size)


def chunk(batches, most, done, limit) -> list:
    """The next `most` batches, or fewer: as many as there are, and no more than `limit` (None for
    any number) with the `done` before.
    """
    return list(itertools.islice(batches, most if limit is None else min(most, limit - done)))


def permutation(order):
    """A permutation as the device takes it; None stays None (consecutive rows)."""
    return None if order is None else placement.place_order(order)


def rows_of(source, order, start, stop):
    """One batch from the host: rows `start` to `stop` of the permutation."""
    return source.batch(slice(start, stop) if order is None else order[start:stop])


def batches(source, first=0, endless=False):
    """Batches for `evaluate` and `predict`: those of one pass from number `first` on, or arrays
    again and again.
    """
    if not hasattr(source, "order"):
        return iter(source.epoch(0))
    if endless:
        return (
            batch for epoch in itertools.count() for batch in source.epoch(source.order(0, epoch))
        )
    size, total = source.batch_size, source.num_samples
    return (
        rows_of(source, None, i * size, min(i * size + size, total))
        for i in range(first, source.steps)
    )
