"""Masking: leaves time steps out that hold a mark in all features."""

import jax.numpy as jnp

from fkeras.core import masks
from fkeras.layers.base.layer import Layer


class Masking(Layer):
    """Masks each time step whose features all equal `mask_value`; they become 0, and layers behind skip them.

    Args:
        mask_value: the mark.

    Shape:
        `(batch, time, features)`, unchanged.

    Examples:
        >>> import fkeras, numpy as np
        >>> x = np.array([[[1.0], [0.0]]])
        >>> fkeras.layers.Masking()(x)._keras_mask.tolist()
        [[True, False]]
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def compute_mask(self, inputs, mask=None):
        return jnp.any(jnp.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        kept = jnp.any(jnp.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = inputs * kept.astype(inputs.dtype)
        masks.set_mask(outputs, jnp.squeeze(kept, axis=-1))
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape
