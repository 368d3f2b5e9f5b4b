"""Reshape: the same values in another shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Unpack

from fkeras import ops
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Shape, Tensor


class Reshape(Rearranging):
    """The same values in another shape, batch axis apart.

    Args:
        target_shape: ints, without the batch axis; one of them may be -1 for what is left.

    Shape:
        `(batch, ...)` -> `(batch, *target_shape)`.

    Raises:
        UserInputError: the number of values differs.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Reshape((-1, 4))(jnp.ones((2, 3, 8))).shape
        (2, 6, 4)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if arguments.is_int(target_shape):
            raise UserTypeError(
                "`target_shape` must be a tuple of integers. Received: "
                f"target_shape={target_shape}. Write `({target_shape},)` for one axis."
            )
        target_shape = tuple(target_shape)
        for size in target_shape:
            if not arguments.is_int(size):
                raise UserTypeError(
                    f"`target_shape` must hold integers. Received: target_shape={target_shape}"
                )
            if size < -1:
                raise UserInputError(
                    "Each dimension in `target_shape` must be a non-negative integer, or `-1` for "
                    f"a single unknown dimension. Received: target_shape={target_shape}."
                )
        if target_shape.count(-1) > 1:
            raise UserInputError(
                "There must be at most one unknown dimension (-1) in `target_shape`. "
                f"Received: target_shape={target_shape}"
            )
        self.target_shape = tuple(int(size) for size in target_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sizes = input_shape
        target = self.target_shape
        if None in sizes:  # what -1 stands for is not known yet, nor whether the sizes agree
            return (batch, *(None if d == -1 else d for d in target))
        total = math.prod(sizes)
        fixed = math.prod(d for d in target if d != -1)
        if -1 not in target and total != fixed:
            raise UserInputError(
                "The total size of the tensor must be unchanged. Received: "
                f"input_shape={tuple(sizes)}, target_shape={target}"
            )
        # Zero values fit any multiple of 0: what -1 stands for could be any number.
        if -1 in target and (fixed == 0 or total % fixed):
            raise UserInputError(
                "The total size of the tensor must be unchanged, however, the input size cannot "
                "be divided by the specified dimensions in target_shape. Received: "
                f"input_shape={tuple(sizes)}, target_shape={target}"
            )
        return (batch, *(total // fixed if d == -1 else d for d in target))

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))
