"""`ThresholdedReLU`, which Keras 3 dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor


class ThresholdedReLU(Layer):
    """`x` where it is above `theta`, else 0.

    Args:
        theta: the threshold, 0 or more.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import warnings, fkeras, numpy as np
        >>> with warnings.catch_warnings(action="ignore"):  # it is a name of older Keras
        ...     layer = fkeras.layers.ThresholdedReLU(theta=1.0)
        >>> layer(np.array([0.5, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, theta: float = 1.0, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if theta is None or theta < 0:
            raise UserInputError(
                f"The `theta` of a ThresholdedReLU must be a number of 0 or more. Received: {theta}"
            )
        self.theta = float(theta)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * ops.cast(inputs > self.theta, inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
