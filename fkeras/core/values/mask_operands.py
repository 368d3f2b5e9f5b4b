"""Masks as operands and results of an inner function, of which JAX sees arrays alone."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.core.scoped import Scoped
from fkeras.core.values import masks
from fkeras.errors import PureCallError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.types import PyTree


# The outermost call on this thread (`layers/base/context`), or None. On another thread a copy
# counts: `training` is set and put back by each layer of a call.
present_call: Scoped[Any] = Scoped(None, carry=copy.copy)


class Masked(NamedTuple):
    """A tree and the masks of its leaves, None where there is none: a tree to JAX."""

    tree: PyTree
    masks: list[jax.Array | None]


def packed(tree: PyTree) -> Masked:
    """A tree with the masks that are on its leaves."""
    return Masked(tree, masks_of(tree))


def unpacked(masked: Masked) -> PyTree:
    """The tree with its masks on it."""
    for leaf, mask in zip(jax.tree.leaves(masked.tree), masked.masks):
        if mask is not None:
            masks.set_mask(leaf, mask)
    if present_call.value is not None and is_any(masked.masks):
        present_call.value.note_masks()
    return masked.tree


def masks_of(tree: PyTree) -> list[jax.Array | None]:
    """The mask of each leaf."""
    return [masks.get_mask(leaf) for leaf in jax.tree.leaves(tree)]


def is_any(leaf_masks: Sequence[jax.Array | None]) -> bool:
    """Whether any of them is one."""
    return any(mask is not None for mask in leaf_masks)


def masks_of_next_carry(
    new: Sequence[jax.Array | None], first: Sequence[jax.Array | None], function: str
) -> list[jax.Array | None]:
    """A carry's masks in the structure that the first carry's have.

    Args:
        new: at the end of a run.
        first: at the start of the loop.
        function: name of the loop, for the error.

    Raises:
        PureCallError: a run returns a mask where the first carry has none.
    """
    if any(mask is not None and start is None for mask, start in zip(new, first)):
        raise PureCallError(
            f"A carry of `{function}` has a mask at the end of a run, but the first one has none, "
            "and a loop keeps its structure. Give the first one a mask of ones, or take the mask "
            "off."
        )
    return [
        jnp.ones_like(start) if mask is None and start is not None else mask
        for mask, start in zip(new, first)
    ]


def check_branches(masked: Mapping[str, Sequence[bool]], function: str) -> None:
    """Raises where branches put masks on different outputs.

    Args:
        masked: name of a branch -> which of its outputs have masks.
        function: what chooses between them.
    """
    flags = list(masked.values())
    if any(one != flags[0] and len(one) == len(flags[0]) for one in flags):
        listed = ", ".join(f"{name}: {one}" for name, one in masked.items())
        raise PureCallError(
            f"`{function}`: one branch returns a mask on an output, the other none ({listed}). "
            "Give both one, of ones where all counts, or take it off."
        )


def crossing() -> Callable[[], AbstractContextManager]:
    """To be called outside of a loop or branch whose operands are packed.

    Returns:
        Makes the context manager for the inner function, called in its trace: masks count as come
        in, unless those around are lost already.
    """
    call = present_call.value
    return contextlib.nullcontext if call is None else call.crossing()
