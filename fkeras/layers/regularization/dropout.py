"""Dropout, of single values and of whole feature maps."""

import jax
import jax.numpy as jnp

from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.random.distributions import draw_key


def check_rate(rate, layer: Layer, argument: str = "rate") -> None:
    """Raises where a fraction to drop is not in [0, 1]."""
    if (
        isinstance(rate, bool)
        or not isinstance(rate, (int, float))
        and not hasattr(rate, "__float__")
        or not 0 <= rate <= 1
    ):
        raise UserInputError(
            f"{type(layer).__name__} '{layer.name}': Invalid value received for argument "
            f"`{argument}`. Expected a float value between 0 and 1. Received: {argument}={rate!r}"
        )


def full_shape(noise_shape, shape) -> tuple[int, ...]:
    """`noise_shape` with the input's sizes in the place of None; None for the input's shape."""
    if noise_shape is None:
        return tuple(shape)
    if len(noise_shape) != len(shape):
        raise UserInputError(
            "`noise_shape` needs one entry for each axis of the input. "
            f"Received: noise_shape={tuple(noise_shape)}, inputs of shape {tuple(shape)}"
        )
    return tuple(d if n is None else n for n, d in zip(noise_shape, shape))


def keep(seed, rate: float, noise_shape, shape):
    """Booleans of the noise shape (None: of `shape`), each True with probability 1 - rate, drawn
    from the next seed of `seed`.

    Where there is one for each value, half a random word decides (so the probability is exact to
    2^-17): drawing the words is what dropout costs.
    """
    key = draw_key(seed)
    if noise_shape is not None or not shape or shape[-1] % 2:
        return jax.random.bernoulli(key, 1.0 - rate, full_shape(noise_shape, shape))
    halves = jax.lax.bitcast_convert_type(
        jax.random.bits(key, (*shape[:-1], shape[-1] // 2), jnp.uint32), jnp.uint16
    )
    return halves.reshape(shape) >= jnp.uint16(min(round(rate * 2**16), 2**16 - 1))


def drop(inputs, rate: float, noise_shape, seed):
    """`inputs` with values dropped at random and the rest scaled by 1 / (1 - rate)."""
    if rate >= 1:  # 0 / 0 would have a NaN gradient
        return jnp.zeros_like(inputs)
    kept = keep(seed, rate, noise_shape, inputs.shape)
    return jnp.where(kept, inputs / (1.0 - rate), jnp.zeros((), inputs.dtype))


class Dropout(Layer):
    """Sets values to 0 at random in training and scales the rest, so that the sum is the same on
    average.

    Does nothing in inference. `trainable` has no effect on it.

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
        >>> y, _ = layer.apply({"params": {}}, jnp.ones((100, 100)), training=True, rngs=jax.random.key(0))
        >>> sorted(set(y.ravel().tolist()))
        [0.0, 2.0]
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_rate(rate, self)
        self.rate = rate
        self.seed = seed
        self.noise_shape = _checked_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        if training and self.rate > 0:
            return drop(inputs, self.rate, self.noise_shape, self.seed_generator)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape


def _checked_noise_shape(noise_shape):
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
        if not isinstance(size, int):
            raise UserInputError(
                f"{start} all elements to be integers or None. Received element at index {i}: "
                f"{size} (type: {type(size).__name__})"
            )
        if size <= 0:
            raise UserInputError(
                f"{start} all dimensions to be positive integers or None. Received negative or "
                f"zero value at index {i}: {size}"
            )
    return noise_shape


class _SpatialDropout(Dropout):
    data_format = "channels_last"
    rank: int

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        ones = (1,) * self.rank
        noise_shape = (
            (None, *ones, None) if self.data_format == "channels_last" else (None, None, *ones)
        )
        return drop(inputs, self.rate, noise_shape, self.seed_generator)

    def get_config(self):
        config = super().get_config()
        return {
            name: value
            for name, value in config.items()
            if name not in ("noise_shape", "trainable")
        }  # as Keras's constructor takes


class SpatialDropout1D(_SpatialDropout):
    """Drops whole features of sequences in training, at all steps alike.

    Args:
        rate: fraction of features to drop, in [0, 1].
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `(batch, steps, features)`, in and out.
    """

    rank = 1

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images in training: neighbouring pixels are alike, so that dropping
    single ones regularises little.

    Args:
        rate: fraction of channels to drop, in [0, 1].
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `(batch, rows, columns, channels)`, in and out.
    """

    rank = 2

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = standardize_data_format(data_format)


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes in training. Arguments as in `SpatialDropout2D`.

    Shape:
        `(batch, a, b, c, channels)`, in and out.
    """

    rank = 3

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = standardize_data_format(data_format)
