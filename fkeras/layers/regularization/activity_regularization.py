"""ActivityRegularization: a penalty on what passes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras import regularizers
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Config, Shape, Tensor


class ActivityRegularization(Layer):
    """Returns its input and adds `l1 * sum(|x|) + l2 * sum(x^2)` to the loss.

    Args:
        l1, l2: factors, >= 0.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.ActivityRegularization(l1=0.5)
        >>> _ = layer(jnp.array([[1.0, -3.0]]))
        >>> float(layer.losses[0])
        2.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[LayerOptions]):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        # It is made of `l1` and `l2`, which the config has.
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return config
