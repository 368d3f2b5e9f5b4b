"""Softmax, with a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Axis, Shape, Tensor


class Softmax(Layer):
    """`exp(x) / sum(exp(x))` along an axis, over the positions that a mask leaves.

    Args:
        axis: an axis, or several that are normalised together.

    Shape:
        Any; the output has the shape of the input. The mask (True: counts) broadcasts against it;
        masked positions give 0, also where a whole row is masked.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.Softmax()
        >>> layer(jnp.array([1.0, 1.0, 5.0]), mask=jnp.array([True, True, False]))
        Array([0.5, 0.5, 0. ], dtype=float32)
    """

    def __init__(self, axis: Axis = -1, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.axis = int(axis) if arguments.is_int(axis) else axis
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        axis = tuple(self.axis) if isinstance(self.axis, (list, tuple)) else self.axis
        if mask is None:
            return ops.softmax(inputs, axis)
        _check_fits(mask, inputs)
        # Older scripts pass masks of 0 and 1 as floats.
        mask = mask if mask.dtype == bool else mask > 0.5
        # Finite, for a fully masked row must not become NaN; within the range of float16.
        lowest = -30000.0 if inputs.dtype == jnp.float16 else -1e9
        probabilities = jax.nn.softmax(jnp.where(mask, inputs, lowest), axis)
        # Again: where all is masked, each position has the same share.
        return jnp.where(mask, probabilities, 0.0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _check_fits(mask: Tensor, inputs: Tensor) -> None:
    """Raises where the mask does not broadcast against the inputs."""
    if mask.ndim > inputs.ndim:
        raise UserInputError(
            "The `mask` must be broadcastable to `inputs` and must not have more dimensions. "
            f"Received: inputs.shape={inputs.shape}, mask.shape={mask.shape}"
        )
    if any(m not in (1, n) for m, n in zip(mask.shape[::-1], inputs.shape[::-1])):
        raise UserInputError(
            "The `mask` must be broadcastable to `inputs`. Each mask dimension must be 1 or match "
            f"the corresponding input dimension. Received: inputs.shape={inputs.shape}, "
            f"mask.shape={mask.shape}"
        )
