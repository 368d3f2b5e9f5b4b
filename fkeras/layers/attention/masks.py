"""Masks of attention: those of queries, of keys and of pairs of them as one."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Iterator, Sequence

import jax.numpy as jnp

from fkeras.core.values import masks
from fkeras.types import Tensor


def combine_masks(
    query_mask: Tensor | None,
    key_masks: Sequence[Tensor | None],
    attention_mask: Tensor | None,
    others: Sequence[Tensor],
    axis_count: int,
) -> Tensor | None:
    """All masks as one: bool, broadcastable to (batch, queries, keys), or None without any.

    Args:
        query_mask: (batch, queries).
        key_masks: (batch, keys) each.
        attention_mask: (batch, queries, keys), or with an axis for heads before the queries.
        others: bool, like an `attention_mask` without heads.
        axis_count: how many axes attention runs over: "queries" and "keys" are that many axes.
    """
    parts = []
    if query_mask is not None:
        parts.append(expand_mask(jnp.asarray(query_mask, bool), -1, axis_count))
    for mask in key_masks:
        if mask is not None:
            parts.append(expand_mask(jnp.asarray(mask, bool), -axis_count - 1, axis_count))
    parts.extend(others)
    combined = functools.reduce(operator.and_, parts) if parts else None
    if attention_mask is None:
        return combined
    attention_mask = jnp.asarray(attention_mask, bool)
    if combined is None:
        return attention_mask
    # One more axis is that of heads, which the others have not.
    missing = attention_mask.ndim - combined.ndim
    return attention_mask & expand_mask(combined, -2 * axis_count - 1, missing)


@contextlib.contextmanager
def without_masks(*tensors: Tensor) -> Iterator[None]:
    """Inside, the tensors carry no masks.

    The masks have been taken account of; projections would pass them on.
    """
    carried = [(tensor, masks.get_mask(tensor)) for tensor in tensors]
    for tensor, _ in carried:
        masks.set_mask(tensor, None)
    try:
        yield
    finally:
        for tensor, mask in carried:
            if mask is not None:
                masks.set_mask(tensor, mask)


def expand_mask(mask: Tensor, axis: int, count: int) -> Tensor:
    """A mask with `count` more axes of size 1 at `axis`, a negative one."""
    for _ in range(count):
        mask = jnp.expand_dims(mask, axis)
    return mask
