"""AlphaDropout: dropout that keeps mean and variance of SELU networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.core.randomness.key_scopes import LAYERS_STREAM
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.regularization.dropout import check_noise_shape, check_rate, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import SeedLike, Shape, Tensor

_DROPPED = -1.6732632423543772 * 1.0507009873554805  # where `selu` saturates


class AlphaDropout(Layer):
    """Sets values to where `selu` saturates at random in training, then rescales.

    Mean 0 and variance 1 stay what they are. Does nothing in inference.

    Args:
        rate: fraction of values to drop, in [0, 1].
        noise_shape: shape of the random mask as in `Dropout`; None for the input's shape.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        Any; the output has the shape of the input.

    References:
        Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        check_rate(rate, self)
        self.rate = rate
        self.seed = seed
        self.noise_shape = check_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = SeedGenerator(seed, stream=LAYERS_STREAM)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:  # all values are the dropped one; its rescaled mean is 0
            return jnp.zeros_like(inputs)
        # The scale undoes what the dropped values do to the variance, the shift to the mean.
        is_kept = keep(self.seed_generator, self.rate, self.noise_shape, inputs.shape)
        scale = ((1 - self.rate) * (1 + self.rate * _DROPPED**2)) ** -0.5
        values = jnp.where(is_kept, inputs, jnp.asarray(_DROPPED, inputs.dtype))
        return scale * values - scale * _DROPPED * self.rate

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
