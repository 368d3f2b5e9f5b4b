"""Flatten: all axes but the batch in one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Unpack

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging

if TYPE_CHECKING:
    from fkeras.types import DataFormat, Shape, Tensor


class Flatten(Rearranging):
    """All axes but the batch in one, in row-major order with channels last.

    Args:
        data_format: `'channels_last'`, `'channels_first'` (channels are moved last before
            flattening, so that the order is the same), or None for the global setting.

    Shape:
        `(batch, a, b, ...)` -> `(batch, a * b * ...)`; `(batch,)` -> `(batch, 1)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Flatten()(jnp.ones((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.moveaxis(inputs, 1, -1)  # (batch, ..., channels)
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        rest = input_shape[1:]
        # The product of no sizes is 1: (batch,) -> (batch, 1).
        return (input_shape[0], None if None in rest else math.prod(rest))
