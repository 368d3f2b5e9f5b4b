"""`rearrange`: reshape and transpose written as one pattern of named axes."""

from __future__ import annotations

import math
import re

import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.tensors import as_array
from fkeras.types import Tensor, TensorLike


@op
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths) -> Tensor:
    """`tensor` with its axes split, moved and joined as the pattern says.

    Args:
        tensor: array.
        pattern: names for its axes, an arrow, and the same names in their new places; axes in
            parentheses are one axis outside.
        **axes_lengths: sizes of split axes; one of each group may be left out.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.rearrange(fkeras.ops.ones((2, 6, 4)), "b (h w) c -> b c h w", h=2).shape
        (2, 4, 2, 3)
    """
    x = as_array(tensor)
    before, after = _groups(pattern)
    if len(before) != x.ndim:
        raise UserInputError(
            f"rearrange: {pattern!r} names {len(before)} axes on the left; received shape "
            f"{tuple(x.shape)}."
        )
    sizes = {}
    for group, size in zip(before, x.shape):
        sizes |= _split(group, size, axes_lengths, pattern)
    # Every name gets its own axis, moves, and joins its new group.
    order = [name for group in before for name in group]
    split = jnp.reshape(x, [sizes[name] for name in order])
    moved = jnp.transpose(split, [order.index(name) for group in after for name in group])
    return jnp.reshape(moved, [math.prod(sizes[name] for name in group) for group in after])


def _groups(pattern: str) -> tuple[list[list[str]], list[list[str]]]:
    """Both sides of the pattern as lists of groups of names."""
    sides = pattern.split("->")
    if len(sides) != 2 or not re.fullmatch(
        r"(\s*(\w+|\([\w\s]*\)))*\s*", sides[0] + " " + sides[1]
    ):
        raise UserInputError(
            f"rearrange: expected a pattern such as 'b (h w) c -> b h w c'. Received: {pattern!r}."
        )
    before, after = (
        [group.strip("()").split() for group in re.findall(r"\w+|\([\w\s]*\)", side)]
        for side in sides
    )
    names, moved = ([name for group in side for name in group] for side in (before, after))
    if sorted(names) != sorted(moved) or len(set(names)) != len(names):
        raise UserInputError(
            "rearrange: each name must stand once on both sides of the arrow. Received: "
            f"{pattern!r}."
        )
    return before, after


def _split(
    group: list[str], size: int, axes_lengths: dict[str, int], pattern: str
) -> dict[str, int]:
    """The size of each name of one group."""
    # Of each group at most one size is open: what is left over by the others.
    sizes = {name: axes_lengths[name] for name in group if name in axes_lengths}
    free = [name for name in group if name not in sizes]
    if len(free) > 1:
        raise UserInputError(
            f"rearrange: {pattern!r} leaves the sizes of {free} open: pass all but one of them."
        )
    product = math.prod(sizes.values())
    if product == 0 or size % product or (not free and product != size):
        raise UserInputError(
            f"rearrange: an axis of size {size} cannot be split into {group} with {sizes} in "
            f"{pattern!r}."
        )
    return sizes | dict.fromkeys(free, size // product)
