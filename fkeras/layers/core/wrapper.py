"""Wrapper: the base of layers around another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras.core.config import serialization
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Config, Shape


class Wrapper(Layer):
    """The base of layers that hold another layer, in `layer`.

    To subclass: `call` decides what is done with it.

    Args:
        layer: the layer to wrap.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> class Residual(fkeras.layers.Wrapper):
        ...     def call(self, x):
        ...         return x + self.layer(x)
        >>> Residual(fkeras.layers.ReLU())(jnp.array([-1.0, 2.0]))
        Array([-1.,  4.], dtype=float32)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]):
        if not isinstance(layer, Layer):
            raise UserInputError(
                f"Layer {layer} supplied to Wrapper isn't a supported layer type. Please ensure "
                "wrapped layer is a valid Keras layer. (An instance of `fkeras.layers.Layer`. "
                f"Received one of {type(layer)}.)"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Shape | None = None) -> None:
        if not self.layer.built:  # a layer that came with its weights keeps them
            self.layer.build(input_shape)

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> Wrapper:
        config = dict(config)
        layer = serialization.deserialize_keras_object(
            config.pop("layer"), custom_objects=custom_objects
        )
        return cls(layer, **config)
