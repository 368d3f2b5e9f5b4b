"""Dropout, of single values and of whole feature maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.core.randomness.key_scopes import LAYERS_STREAM
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.random.distributions import draw_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Config, DataFormat, DTypePolicyLike, SeedLike, Shape, Tensor


def is_fraction(value: object) -> bool:
    """Whether this is a number in [0, 1]; NumPy's too, but no bool."""
    is_number = hasattr(value, "__float__") and not isinstance(value, bool)
    return is_number and 0 <= value <= 1


def check_rate(rate: float, layer: Layer, argument: str = "rate") -> None:
    """Raises where a fraction to drop is not in [0, 1]."""
    if not is_fraction(rate):
        raise UserInputError(
            f"{type(layer).__name__} '{layer.name}': Invalid value received for argument "
            f"`{argument}`. Expected a float value between 0 and 1. Received: {argument}={rate!r}"
        )


def full_shape(noise_shape: Sequence[int | None] | None, shape: Sequence[int]) -> tuple[int, ...]:
    """`noise_shape` with the input's sizes in the place of None; None for the input's shape."""
    if noise_shape is None:
        return tuple(shape)
    if len(noise_shape) != len(shape):
        raise UserInputError(
            "`noise_shape` needs one entry for each axis of the input. "
            f"Received: noise_shape={tuple(noise_shape)}, inputs of shape {tuple(shape)}"
        )
    return tuple(d if n is None else n for n, d in zip(noise_shape, shape))


def keep(
    seed: SeedLike, rate: float, noise_shape: Sequence[int | None] | None, shape: Sequence[int]
) -> Tensor:
    """Which values stay: booleans, each True with probability 1 - rate.

    Where there is one for each value, half a random word decides (so the probability is exact to
    2^-17): drawing the words is what dropout costs.

    Args:
        seed: generator whose next key is taken.
        rate: probability of False, in [0, 1).
        noise_shape: shape of the result, None in it for the input's sizes; None for `shape`.
        shape: the input's shape.
    """
    key = draw_key(seed)
    if noise_shape is not None or not shape or shape[-1] % 2:
        return jax.random.bernoulli(key, 1.0 - rate, full_shape(noise_shape, shape))
    words = jax.random.bits(key, (*shape[:-1], shape[-1] // 2), jnp.uint32)
    halves = jax.lax.bitcast_convert_type(words, jnp.uint16)  # (..., shape[-1] // 2, 2)
    return halves.reshape(shape) >= jnp.uint16(min(round(rate * 2**16), 2**16 - 1))


def drop(
    inputs: Tensor, rate: float, noise_shape: Sequence[int | None] | None, seed: SeedLike | None
) -> Tensor:
    """`inputs` with values dropped at random and the rest scaled by 1 / (1 - rate)."""
    if rate >= 1:  # 0 / 0 would have a NaN gradient
        return jnp.zeros_like(inputs)
    is_kept = keep(seed, rate, noise_shape, inputs.shape)
    return jnp.where(is_kept, inputs / (1.0 - rate), jnp.zeros((), inputs.dtype))


class Dropout(Layer):
    """Sets values to 0 at random in training and scales the rest.

    The scale is 1 / (1 - rate), so that the sum is the same on average. Does nothing in inference.
    `trainable` has no effect on it.

    Args:
        rate: fraction of values to drop, in [0, 1].
        noise_shape: shape of the random mask, broadcast against the inputs: `(None, 1, None)` drops
            the same features at all steps. None in it stands for the input's size; None for the
            input's shape.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        Any; the output has the shape of the input.

    Raises:
        UserInputError: a rate outside of [0, 1], a noise shape that is none.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.Dropout(0.5)
        >>> x = jnp.ones((100, 100))
        >>> y, _ = layer.apply({"params": {}}, x, training=True, rngs=jax.random.key(0))
        >>> sorted(set(y.ravel().tolist()))
        [0.0, 2.0]
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
        if rate > 0:  # a layer that never draws owns no generator
            self.seed_generator = SeedGenerator(seed, stream=LAYERS_STREAM)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if training and self.rate > 0:
            return drop(inputs, self.rate, self.noise_shape, self.seed_generator)
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def check_noise_shape(
    noise_shape: Sequence[int | None] | None,
) -> tuple[int | None, ...] | None:
    """`noise_shape` as a tuple, or None. Raises where it holds anything but sizes and None."""
    if noise_shape is None:
        return None
    start = "Invalid value received for argument `noise_shape`. Expected"
    if isinstance(noise_shape, str) or not hasattr(noise_shape, "__iter__"):
        raise UserInputError(
            f"{start} a tuple or list of integers. Received: noise_shape={noise_shape}"
        )
    noise_shape = tuple(noise_shape)
    for i, size in enumerate(noise_shape):
        if size is None:
            continue
        if not arguments.is_int(size):
            raise UserInputError(
                f"{start} all elements to be integers or None. Received element at index {i}: "
                f"{size} (type: {type(size).__name__})"
            )
        if size <= 0:
            raise UserInputError(
                f"{start} all dimensions to be positive integers or None. Received negative or "
                f"zero value at index {i}: {size}"
            )
    return tuple(None if size is None else int(size) for size in noise_shape)


class _SpatialDropout(Dropout):
    """What the spatial dropouts share: one decision for all positions of a channel."""

    data_format = "channels_last"
    rank: int  # number of spatial axes

    def __init__(
        self,
        rate: float,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        **kwargs,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        noise_shape: list[int | None] = [1] * (self.rank + 2)
        noise_shape[0] = None
        noise_shape[-1 if self.data_format == "channels_last" else 1] = None
        return drop(inputs, self.rate, noise_shape, self.seed_generator)

    def get_config(self) -> Config:
        config = super().get_config()
        for name in ("noise_shape", "trainable"):  # Keras's constructor does not take them
            config.pop(name, None)
        return config


class SpatialDropout1D(_SpatialDropout):
    """Drops whole features of sequences in training, at all steps alike.

    Args:
        rate: fraction of features to drop, in [0, 1].
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `(batch, steps, features)`, in and out.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.SpatialDropout1D(0.5)
        >>> x = jnp.ones((4, 5, 6))
        >>> y, _ = layer.apply({"params": {}}, x, training=True, rngs=jax.random.key(0))
        >>> bool((y == y[:, :1]).all())
        True
    """

    rank = 1

    def __init__(
        self,
        rate: float,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        **kwargs,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images in training.

    Neighbouring pixels are alike, so that dropping single ones regularises little.

    Args:
        rate: fraction of channels to drop, in [0, 1].
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `(batch, rows, columns, channels)`, in and out.
    """

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        **kwargs,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = standardize_data_format(data_format)


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes in training. Arguments as in `SpatialDropout2D`.

    Shape:
        `(batch, a, b, c, channels)`, in and out.
    """

    rank = 3

    def __init__(
        self,
        rate: float,
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        **kwargs,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = standardize_data_format(data_format)
