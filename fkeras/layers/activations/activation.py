"""Activation: a function of each value as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras import activations
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Identifier, Shape, Tensor


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: name or function; None for none.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Activation("relu")(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __init__(self, activation: Identifier | None, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
