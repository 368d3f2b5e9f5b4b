"""`Rescaling`: values of another range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp
import numpy as np

from fkeras.core import broadcasting, settings
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor


class Rescaling(Layer):
    """Computes `inputs * scale + offset`, in training and in inference.

    `Rescaling(1 / 255)` makes bytes numbers in [0, 1], `Rescaling(1 / 127.5, offset=-1)` numbers in
    [-1, 1].

    Args:
        scale: a number, or one for each channel.
        offset: the same.

    Shape:
        Any; the output has the input's shape, in the compute dtype.

    Raises:
        UserInputError: an integer `dtype`, in which a fraction would be 0.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.Rescaling(1 / 127.5, offset=-1)(np.array([0, 255], "uint8")).tolist()
        [-1.0, 1.0]
    """

    def __init__(
        self,
        scale: float | Sequence[float],
        offset: float | Sequence[float] = 0.0,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        is_float = jnp.issubdtype(jnp.dtype(self.compute_dtype), jnp.floating)
        if not is_float and any(np.any(np.mod(v, 1) != 0) for v in (scale, offset)):
            raise UserInputError(
                f"Layer '{self.name}' (Rescaling): in dtype={self.compute_dtype!r} fractions would "
                f"be cut. Received: scale={scale}, offset={offset}. Leave `dtype` out, or use "
                "a float one."
            )

    def call(self, inputs: Tensor) -> Tensor:
        scale, offset = (
            jnp.asarray(value, self.compute_dtype) for value in (self.scale, self.offset)
        )
        if scale.ndim > 0 and settings.image_data_format() == "channels_first":
            scale = jnp.reshape(scale, scale.shape + (1,) * (3 - scale.ndim))
            if offset.ndim > 0:
                offset = jnp.reshape(offset, offset.shape + (1,) * (3 - offset.ndim))
        scaled = broadcasting.multiply(inputs.astype(self.compute_dtype), scale)
        return broadcasting.add(scaled, offset)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
