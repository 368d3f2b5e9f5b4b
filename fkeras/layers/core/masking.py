"""Masking: leaves out the steps of a sequence that hold a mark."""

import jax.numpy as jnp

from fkeras.core.values import masks
from fkeras.layers.base.layer import Layer


class Masking(Layer):
    """Masks each step of which all features equal `mask_value`: the layers behind skip it.

    The masked steps themselves become 0.

    Args:
        mask_value: the mark.

    Shape:
        `(batch, steps, features)`, in and out.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> x = jnp.array([[[1.0, 0.0], [9.0, 9.0]]])
        >>> fkeras.layers.Masking(mask_value=9.0)(x)._keras_mask.tolist()
        [[True, False]]
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs):
        mask = self.compute_mask(inputs)
        outputs = jnp.where(mask[..., None], inputs, jnp.zeros((), inputs.dtype))
        masks.set_mask(outputs, mask)
        return outputs

    def compute_mask(self, inputs, mask=None):
        return jnp.any(jnp.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape
