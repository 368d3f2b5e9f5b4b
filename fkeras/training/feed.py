"""How a source's batches reach the device: many steps over data that lies there, or batch by batch from the host."""

import itertools

import jax
import numpy as np

from fkeras.core.symbolic import leaves

# Arrays up to this share of the device's memory (or this many bytes, where the device does not tell) are put there once.
_SHARE, _BYTES = 0.25, 4 << 30


def fits_on_device(arrays) -> bool:
    size = sum(x.nbytes for x in leaves(arrays) if hasattr(x, "nbytes"))
    stats = jax.devices()[0].memory_stats() or {}
    limit = stats.get("bytes_limit")
    return size <= (limit * _SHARE if limit else _BYTES)


def on_device(arrays):
    """The arrays of a source as JAX arrays."""
    return jax.tree.map(jax.device_put, arrays)


def numeric(arrays) -> bool:
    return all(getattr(x, "dtype", np.dtype(object)).kind not in "OUS" for x in leaves(arrays) if hasattr(x, "dtype"))


def permutation(order):
    """A permutation as the device takes it; None stays None (consecutive rows)."""
    return None if order is None else jax.device_put(np.asarray(order, np.int32))


def rows_of(source, order, start, stop):
    """One batch from the host: rows `start` to `stop` of the permutation."""
    return source.batch(slice(start, stop) if order is None else order[start:stop])


def endless(source, seed, first_epoch):
    """Batches of an array source, epoch after epoch, each in its own order."""
    for epoch in itertools.count(first_epoch):
        yield from source.epoch(source.order(seed, epoch))
