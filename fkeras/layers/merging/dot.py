"""Dot: the inner product of two tensors along one axis of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp
from jax import lax

from fkeras import ops
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.merging.merge import Merge
from fkeras.ops.sparse import is_sparse, jax_sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Axis, Shape, Tensor


class Dot(Merge):
    """For each example, the inner product of two tensors along an axis of each.

    Args:
        axes: an axis of both, or a pair of axes. Not 0, the batch.
        normalize: whether the vectors along these axes are divided by their L2 norm first, which
            gives the cosine similarity.

    Shape:
        `(batch, a..., n)` and `(batch, n, b...)` with `axes=(-1, 1)` -> `(batch, a..., b...)`;
        `(batch, 1)` where nothing else is left.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Dot(axes=(1, 2))([jnp.ones((2, 5, 4)), jnp.ones((2, 3, 5))]).shape
        (2, 4, 3)
    """

    def __init__(self, axes: Axis, normalize: bool = False, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if not arguments.is_int(axes):
            if not isinstance(axes, (list, tuple)):
                raise UserTypeError(
                    "Invalid type for argument `axes`: it should be a list or an int. Received: "
                    f"axes={axes}"
                )
            if len(axes) != 2:
                raise UserInputError(
                    "Invalid format for argument `axes`: it should contain two elements. "
                    f"Received: axes={axes}"
                )
            if not all(arguments.is_int(axis) for axis in axes):
                raise UserInputError(
                    "Invalid format for argument `axes`: list elements should be integers. "
                    f"Received: axes={axes}"
                )
        # The config keeps the form that came: an int, a list or a tuple.
        if arguments.is_int(axes):
            self.axes = int(axes)
        else:
            pair = [int(axis) for axis in axes]
            self.axes = pair if isinstance(axes, list) else tuple(pair)
        self.normalize = normalize

    def _axes(self, ndims: tuple[int, int]) -> tuple[int, int]:
        """The two axes counted from 0. Raises where they are none."""
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for axis, ndim in zip(axes, ndims):
            if not -ndim <= axis < ndim or axis % ndim == 0:
                raise UserInputError(
                    f"Dot '{self.name}': `axes` must be axes of the inputs other than the batch "
                    f"axis 0. Received: axes={self.axes} for inputs of rank {tuple(ndims)}"
                )
        return axes[0] % ndims[0], axes[1] % ndims[1]

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
            raise UserInputError(
                f"A `Dot` layer should be called on exactly 2 inputs. Received: inputs={inputs}"
            )
        x, y = inputs
        self.compute_output_shape([x.shape, y.shape])  # raises where the shapes do not fit
        i, j = self._axes((x.ndim, y.ndim))
        if self.normalize:
            x = _unit_along(x, i)
            y = _unit_along(y, j)
        dimensions = (((i,), (j,)), ((0,), (0,)))  # contracted axes, batch axes
        if is_sparse(x) or is_sparse(y):
            return _sparse_dot(x, y, dimensions)
        dtype = jnp.promote_types(x.dtype, y.dtype)
        out = lax.dot_general(x.astype(dtype), y.astype(dtype), dimensions)
        return out if out.ndim > 1 else out[:, None]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        if (
            not isinstance(input_shape, (tuple, list))
            or len(input_shape) != 2
            or not isinstance(input_shape[0], (tuple, list))
        ):
            raise UserInputError(
                "A `Dot` layer should be called on a list of 2 inputs. Received: "
                f"input_shape={input_shape}"
            )
        one = tuple(input_shape[0])
        other = tuple(input_shape[1])
        i, j = self._axes((len(one), len(other)))
        if one[0] != other[0] and None not in (one[0], other[0]):
            raise UserInputError(
                f"Dot '{self.name}': cannot multiply inputs with different batch sizes. Received "
                f"shapes: {one}, {other}"
            )
        if one[i] != other[j] and None not in (one[i], other[j]):
            raise UserInputError(
                f"Incompatible input shapes: axis values {one[i]} (at axis {i}) != {other[j]} (at "
                f"axis {j}). Full input shapes: {one}, {other}"
            )
        shape = one[:i] + one[i + 1 :] + other[1:j] + other[j + 1 :]
        return shape if len(shape) > 1 else (*shape, 1)

    def compute_mask(
        self, inputs: Sequence[Tensor], mask: Sequence[Tensor | None] | None = None
    ) -> Tensor | None:
        return None  # a product of two sequences has no steps to mask


def _unit_along(x: Tensor, axis: int) -> Tensor:
    """`x` divided by its L2 norm along an axis, which is computed in float32 at least."""
    if is_sparse(x):
        return ops.normalize(x, axis=axis)
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    return ops.normalize(wide, axis=axis).astype(x.dtype)


def _sparse_dot(x: Tensor, y: Tensor, dimensions: tuple) -> Tensor:
    """The product where one is sparse. An inner product of vectors gets an axis of size 1."""
    out = jax_sparse().bcoo_dot_general(x, y, dimension_numbers=dimensions)
    if len(out.shape) > 1:
        return out
    if not is_sparse(out):
        return out[:, None]
    return jax_sparse().bcoo_broadcast_in_dim(out, shape=(*out.shape, 1), broadcast_dimensions=(0,))


def dot(inputs: Sequence[Tensor], axes: Axis = -1, **kwargs) -> Tensor:
    """`Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)
