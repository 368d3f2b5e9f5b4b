"""`einsum` of two arrays as the one product that it is.

`jax.numpy.einsum` looks for the best order of contractions and wraps each call in a `jit` of its
own: half a millisecond a call while a deep model is traced. Of two arrays there is only one order,
and the equation is read once. The product is the one that `jax.numpy.einsum` makes.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from fkeras.types import DTypeLike


class _Product(NamedTuple):
    """A `dot_general`, perhaps with the arrays the other way round, and a transpose."""

    is_swapped: bool
    dimensions: tuple
    permutation: tuple[int, ...] | None


@functools.cache
def _product_of(equation: str) -> _Product | None:
    """How to compute an equation; None where it is no plain product of two arrays."""
    if "->" not in equation or "." in equation:
        return None
    operands, result = equation.replace(" ", "").split("->")
    names = operands.split(",")
    if len(names) != 2 or any(len(set(part)) < len(part) for part in (*names, result)):
        return None
    first, second = names
    shared = set(first) & set(second)
    batch = [name for name in result if name in shared]
    summed = [name for name in first if name in shared and name not in result]
    alone = (set(first) ^ set(second)) - set(result)
    if alone or set(result) - set(first) - set(second):
        return None
    free = ["".join(n for n in part if n not in shared) for part in names]
    is_swapped = "".join([*batch, free[0], free[1]]) != result
    if is_swapped:
        first, second, free = second, first, free[::-1]
    dimensions = (
        (tuple(map(first.index, summed)), tuple(map(second.index, summed))),
        (tuple(map(first.index, batch)), tuple(map(second.index, batch))),
    )
    made = "".join([*batch, *free])
    permutation = None if made == result else tuple(map(made.index, result))
    return _Product(is_swapped, dimensions, permutation)


def einsum(
    equation: str,
    a: jax.Array,
    b: jax.Array,
    preferred_element_type: DTypeLike | None = None,
) -> jax.Array:
    """`jax.numpy.einsum(equation, a, b)`.

    Args:
        equation: such as `"ij,jk->ik"`; any that `jax.numpy` takes.
        a, b: arrays.
        preferred_element_type: dtype of the result; None for that of the arrays.

    Examples:
        >>> import jax.numpy as jnp
        >>> einsum("ij,jk->ki", jnp.ones((2, 3)), jnp.ones((3, 4))).shape
        (4, 2)
    """
    product = _product_of(equation)
    if product is None:
        return jnp.einsum(equation, a, b, preferred_element_type=preferred_element_type)
    a, b = jnp.asarray(a), jnp.asarray(b)
    dtype = jnp.result_type(a, b)
    a, b = a.astype(dtype), b.astype(dtype)
    if product.is_swapped:
        a, b = b, a
    out = dtype if preferred_element_type is None else preferred_element_type
    result = jax.lax.dot_general(a, b, product.dimensions, preferred_element_type=out)
    if product.permutation is not None:
        result = jax.lax.transpose(result, product.permutation)
    return result
