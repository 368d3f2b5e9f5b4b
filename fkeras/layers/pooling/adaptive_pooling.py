"""Max and average pooling to an output size that is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.types import DataFormat, Shape, Tensor


class _AdaptivePooling(Layer):
    """What the adaptive poolings are, of whatever rank and function."""

    rank: int

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.output_size = self._checked_output_size(output_size)
        self.data_format = _checked_data_format(data_format)

    def _checked_output_size(self, output_size: int | Sequence[int]) -> tuple[int, ...]:
        """One size per spatial axis."""
        rank = self.rank
        if isinstance(output_size, (int, np.integer)):
            output_size = (output_size,) * rank
        elif not isinstance(output_size, (tuple, list)):
            raise UserTypeError(
                f"`output_size` must be an integer or tuple of {rank} "
                f"{'integer' if rank == 1 else 'integers'}. Received: {output_size} of type "
                f"{type(output_size)}"
            )
        if len(output_size) != rank:
            raise UserInputError(
                f"For {rank}D input, `output_size` tuple must have length {rank}. Received: "
                f"{output_size}"
            )
        return arguments.ints_per_axis("output_size", output_size, rank)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        # The sizes of the output do not depend on those of the input.
        if self.data_format == "channels_last":
            return (input_shape[0], *self.output_size, input_shape[-1])
        return (*input_shape[:2], *self.output_size)


def _checked_data_format(data_format: DataFormat | None) -> DataFormat:
    """The data format, the global one for None."""
    if data_format not in (None, "channels_first", "channels_last"):
        raise UserInputError(
            f"Invalid data_format: {data_format}. Expected 'channels_first' or 'channels_last'."
        )
    return standardize_data_format(data_format)


class _AdaptiveAverage(_AdaptivePooling):
    def call(self, inputs: Tensor) -> Tensor:
        return ops.adaptive_average_pool(inputs, self.output_size, data_format=self.data_format)


class _AdaptiveMax(_AdaptivePooling):
    def call(self, inputs: Tensor) -> Tensor:
        return ops.adaptive_max_pool(inputs, self.output_size, data_format=self.data_format)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """The mean over windows chosen so that `output_size` of them tile the input.

    Args:
        output_size: number of windows: an int, or one per spatial axis.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, steps, features)` -> `(batch, output_size, features)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> x = jnp.array([[[1.0], [2.0], [3.0], [4.0]]])
        >>> fkeras.layers.AdaptiveAveragePooling1D(2)(x)[0, :, 0]
        Array([1.5, 3.5], dtype=float32)
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """`AdaptiveAveragePooling1D` for images.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, *output_size, channels)`.
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """`AdaptiveAveragePooling1D` for volumes.

    Shape:
        `(batch, a, b, c, channels)` -> `(batch, *output_size, channels)`.
    """

    rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """The largest value over the windows of `AdaptiveAveragePooling1D`."""

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """The largest value over the windows of `AdaptiveAveragePooling2D`."""

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """The largest value over the windows of `AdaptiveAveragePooling3D`."""

    rank = 3
