"""Activation: a function of each value as a layer."""

from fkeras import activations
from fkeras.layers.base.layer import Layer


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: name or function.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Activation("relu")(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape
