"""Permute: axes in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from fkeras import ops
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Shape, Tensor


class Permute(Rearranging):
    """Axes in another order; the batch axis stays first.

    Args:
        dims: the axes 1, 2, ... in their new order.

    Shape:
        Axis i of the output is axis `dims[i - 1]` of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Permute((2, 1))(jnp.ones((5, 10, 64))).shape
        (5, 64, 10)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if not np.iterable(dims) or not all(arguments.is_int(axis) for axis in dims):
            raise UserTypeError(f"`dims` must be a tuple of integers. Received: dims={dims}")
        self.dims = tuple(int(axis) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise UserInputError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in "
                f"`dims` must be consecutive and start from 1. Received dims={dims}"
            )
        # The batch axis is not among `dims`, hence one axis more.
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[axis] for axis in (0, *self.dims))

    def call(self, inputs: Tensor) -> Tensor:
        return ops.transpose(inputs, (0, *self.dims))
