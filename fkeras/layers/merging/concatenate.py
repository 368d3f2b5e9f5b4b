"""Concatenate: tensors one after the other along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.merging.merge import Merge, check_masks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Shape, Tensor


class Concatenate(Merge):
    """Tensors one after the other along an axis.

    Args:
        axis: the axis along which sizes may differ; not the batch axis, usually.

    Shape:
        A list of tensors that agree in all other axes -> one tensor.

    Raises:
        UserInputError: other axes differ; names the shapes.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Concatenate()([jnp.ones((2, 3)), jnp.ones((2, 5))]).shape
        (2, 8)
    """

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.axis = arguments.one_axis("Concatenate", axis)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise UserInputError(
                "A `Concatenate` layer should be called on a list of inputs. Received: "
                f"inputs={inputs}"
            )
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        if (
            not isinstance(input_shape, (list, tuple))
            or not input_shape
            or not isinstance(input_shape[0], (list, tuple))
        ):
            raise UserInputError(
                "A `Concatenate` layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape}"
            )
        ndim = len(input_shape[0])
        if any(len(shape) != ndim for shape in input_shape) or not -ndim <= self.axis < ndim:
            raise self._mismatch(input_shape)
        axis = self.axis % ndim
        merged = []
        for i, sizes in enumerate(zip(*input_shape)):
            distinct = {d for d in sizes if d is not None}
            if i == axis:
                merged.append(None if None in sizes else sum(sizes))
            elif len(distinct) > 1:
                raise self._mismatch(input_shape)
            else:  # unknown only where it is unknown in all
                merged.append(distinct.pop() if distinct else None)
        return tuple(merged)

    def _mismatch(self, input_shape: Sequence[Shape]):
        """The error for shapes that do not fit, to be raised."""
        return UserInputError(
            "A `Concatenate` layer requires inputs with matching shapes except for the "
            f"concatenation axis. Received: input_shape={[tuple(s) for s in input_shape]}, "
            f"axis={self.axis}"
        )

    def compute_mask(
        self, inputs: Sequence[Tensor], mask: Sequence[Tensor | None] | None = None
    ) -> Tensor | None:
        """The masks concatenated; inputs without one count everywhere."""
        if mask is None:
            return None
        check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        # Masks as wide as their tensors, so that any axis will do; then a step counts if any
        # of its features does.
        full = [_full_mask(x, m) for x, m in zip(inputs, mask)]
        return jnp.any(jnp.concatenate(full, axis=self.axis), axis=-1)


def _full_mask(x: Tensor, mask: Tensor | None) -> Tensor:
    """The mask in the shape of `x`; True everywhere for None."""
    if mask is None:
        return jnp.ones(x.shape, bool)
    return jnp.broadcast_to(mask[..., None], x.shape) if mask.ndim < x.ndim else mask


def concatenate(inputs: Sequence[Tensor], axis: int = -1, **kwargs) -> Tensor:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)
