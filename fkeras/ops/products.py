"""Products that sum over axes: dot products, matrix products, einsum."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops import cpu_windows
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.tensors import as_array
from fkeras.types import Tensor, TensorLike


def _accumulator(*xs) -> str | None:
    """int8 products are summed in int32, as hardware does."""
    return "int32" if all(x.dtype == "int8" for x in xs) else None


def _check_inner(name: str, x1: jax.Array, x2: jax.Array, axis1: int, axis2: int) -> None:
    """The summed axes must have one size."""
    if x1.ndim and x2.ndim and x1.shape[axis1] != x2.shape[axis2]:
        raise UserInputError(
            f"{name}: inner dimensions must be equal, the last dimension of `x1` and axis {axis2} "
            f"of `x2`. Received: x1.shape={x1.shape} and x2.shape={x2.shape}: {x1.shape[axis1]} "
            f"against {x2.shape[axis2]}."
        )


def _second_last(x: jax.Array) -> int:
    """The axis of the second factor that a product sums over."""
    return -2 if x.ndim > 1 else -1


@op(sparse=sparse_rules.matmul)
def matmul(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The matrix product of (..., m, k) and (..., k, n): (..., m, n).

    The axes in front broadcast; a 1-D argument is a vector.

    Two int8 arguments give int32.

    Raises:
        UserInputError: where the inner dimensions differ.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.matmul(fkeras.ops.ones((2, 3)), fkeras.ops.ones((3, 4))).shape
        (2, 4)
    """
    x1, x2 = as_array(x1), as_array(x2)
    _check_inner("matmul", x1, x2, -1, _second_last(x2))
    product = functools.partial(jnp.matmul, preferred_element_type=_accumulator(x1, x2))
    # A Dense layer on sequences: as one product of two matrices it is faster on a CPU.
    if x1.ndim > 2 and x2.ndim == 2 and cpu_windows.preferred():
        return cpu_windows.flat(product, x1, x2)
    return product(x1, x2)


@op
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The sum over the last axis of `x1` and the second last (or only) of `x2`.

    A plain product where either is a scalar.
    """
    x1, x2 = as_array(x1), as_array(x2)
    _check_inner("dot", x1, x2, -1, _second_last(x2))
    return jnp.dot(x1, x2)


@op
def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The sum over the last axis of both; a plain product where either is a scalar."""
    x1, x2 = as_array(x1), as_array(x2)
    _check_inner("inner", x1, x2, -1, -1)
    return jnp.inner(x1, x2)


@op
def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The dot product of both flattened, `x1` conjugated; shape ()."""
    return jnp.vdot(as_array(x1), as_array(x2))


@op
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Every product of a value of `x1` with one of `x2`, both flattened.

    The shape is (x1.size, x2.size).
    """
    return jnp.outer(as_array(x1), as_array(x2))


@op
def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The Kronecker product: every value of `x1` times the whole of `x2`, in blocks."""
    return jnp.kron(as_array(x1), as_array(x2))


@op
def tensordot(
    x1: TensorLike, x2: TensorLike, axes: int | Sequence[int | Sequence[int]] = 2
) -> Tensor:
    """The sum over several axes.

    Args:
        x1, x2: arrays.
        axes: an int n: the last n axes of `x1` and the first n of `x2`; or a pair of axes, or of
            lists of axes, one for each array.
    """
    axes = int(axes) if isinstance(axes, np.integer) else axes
    return jnp.tensordot(as_array(x1), as_array(x2), axes=axes)


@op
def cross(
    x1: TensorLike,
    x2: TensorLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Tensor:
    """The cross product of vectors along `axisa` and `axisb`, put along `axisc`.

    `axis` sets all three.

    Vectors of size 2 lie in the plane: their third entry is 0. Of two such only the third entry of
    the product is returned, without axis.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = jnp.moveaxis(as_array(x1), axisa, -1), jnp.moveaxis(as_array(x2), axisb, -1)
    sizes = x1.shape[-1], x2.shape[-1]
    if not {2, 3}.issuperset(sizes):
        raise UserInputError(
            f"cross: vectors must have 2 or 3 entries. Received: {sizes[0]} and {sizes[1]}."
        )
    if sizes == (2, 2):
        return x1[..., 0] * x2[..., 1] - x1[..., 1] * x2[..., 0]
    # NumPy 2 and JAX no longer mix vectors of 2 and 3 entries.
    x1, x2 = (jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 3 - x.shape[-1])]) for x in (x1, x2))
    return jnp.moveaxis(jnp.cross(x1, x2), -1, axisc)


@op
def einsum(subscripts: str, *operands, **kwargs) -> Tensor:
    """Sums of products by index letters: `einsum("bij,jk->bik", x, w)`.

    All-int8 operands give int32.

    Args:
        subscripts: letters for the axes of each operand and, after `->`, of the result; `...` for
            any further axes.
        *operands: arrays.
        **kwargs: options of `jax.numpy.einsum` such as `precision`.
    """
    operands = [as_array(x) for x in operands]
    kwargs.setdefault("preferred_element_type", _accumulator(*operands))
    return jnp.einsum(subscripts, *operands, **kwargs)


@op
def slogdet(x: TensorLike) -> tuple[Tensor, Tensor]:
    """Sign and logarithm of the absolute value of the determinants of (..., n, n).

    A pair of arrays (...).
    """
    sign, logarithm = jnp.linalg.slogdet(as_array(x))
    return sign, logarithm
