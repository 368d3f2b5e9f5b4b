"""GaussianNoise and GaussianDropout: normal noise added or multiplied in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Unpack

from fkeras import random
from fkeras.core.randomness.key_scopes import LAYERS_STREAM
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.regularization.dropout import check_rate, is_fraction

if TYPE_CHECKING:
    from fkeras.types import SeedLike, Shape, Tensor


class GaussianNoise(Layer):
    """Adds normal noise of mean 0 in training; does nothing in inference.

    Args:
        stddev: standard deviation of the noise, in [0, 1].
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> x = jnp.ones((2, 3))
        >>> layer = fkeras.layers.GaussianNoise(0.1, seed=1)
        >>> bool((layer(x) == x).all()), bool((layer(x, training=True) == x).any())
        (True, False)
    """

    def __init__(self, stddev: float, seed: SeedLike | None = None, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if not is_fraction(stddev):
            raise UserInputError(
                "Invalid value received for argument `stddev`. Expected a float value between 0 "
                f"and 1. Received: stddev={stddev}"
            )
        self.stddev = stddev
        self.seed = seed
        if stddev > 0:
            self.seed_generator = SeedGenerator(seed, stream=LAYERS_STREAM)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        # Drawn in the dtype of the inputs: half precision stays half precision.
        if training and self.stddev > 0:
            return inputs + random.normal(
                inputs.shape, stddev=self.stddev, dtype=inputs.dtype, seed=self.seed_generator
            )
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class GaussianDropout(Layer):
    """Multiplies by normal noise of mean 1 in training.

    The noise has the variance that `Dropout` of the same rate gives. Does nothing in inference.

    Args:
        rate: as in `Dropout`, in [0, 1); the noise has standard deviation
            `sqrt(rate / (1 - rate))`.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        Any; the output has the shape of the input.

    References:
        Srivastava et al., 2014, https://www.cs.toronto.edu/~hinton/absps/JMLRdropout.pdf
    """

    def __init__(self, rate: float, seed: SeedLike | None = None, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        check_rate(rate, self)
        if rate == 1:
            raise UserInputError(
                "GaussianDropout: `rate` must be less than 1, where its noise would have infinite "
                f"variance. Received: rate={rate}"
            )
        self.rate = rate
        self.seed = seed
        if rate > 0:
            self.seed_generator = SeedGenerator(seed, stream=LAYERS_STREAM)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if training and self.rate > 0:
            stddev = math.sqrt(self.rate / (1.0 - self.rate))
            return inputs * random.normal(
                inputs.shape, 1.0, stddev, dtype=inputs.dtype, seed=self.seed_generator
            )
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
