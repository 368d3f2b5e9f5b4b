"""Masking: leaves out the steps of a sequence that hold a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.core.values import masks
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor


class Masking(Layer):
    """Masks each step of which all features equal `mask_value`: the layers behind skip it.

    The masked steps themselves become 0.

    Args:
        mask_value: the mark, a number; compared after the cast to the compute dtype.

    Shape:
        `(batch, steps, features)`, in and out.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> x = jnp.array([[[1.0, 0.0], [9.0, 9.0]]])
        >>> fkeras.layers.Masking(mask_value=9.0)(x)._keras_mask.tolist()
        [[True, False]]
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        mask = self.compute_mask(inputs)  # (batch, steps)
        outputs = jnp.where(mask[..., None], inputs, jnp.zeros((), inputs.dtype))
        # Set here, since the mask is that of the inputs: the outputs hold 0 where the mark was.
        masks.set_mask(outputs, mask)
        return outputs

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return jnp.any(jnp.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
