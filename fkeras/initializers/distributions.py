"""Numbers from one distribution, whatever the weight's shape."""

import jax.numpy as jnp
import numpy as np

from fkeras.core.randomness.blocks import affine
from fkeras.errors import UserInputError
from fkeras.initializers.random_initializer import RandomInitializer


class RandomNormal(RandomInitializer):
    """A normal distribution.

    Args:
        mean: mean of the values.
        stddev: their standard deviation.
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.

    Examples:
        >>> import fkeras
        >>> fkeras.initializers.RandomNormal(stddev=0.1, seed=0)((2, 3)).shape
        (2, 3)
    """

    kind = "normal"

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def shaped(self, numbers, shape, dtype):
        return affine(numbers, self.stddev, self.mean)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomInitializer):
    """A normal distribution without the values that are more than two standard deviations from its
    mean.

    Args:
        mean: mean of the values.
        stddev: standard deviation before the cut; after it, 0.8796 of this.
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.

    Examples:
        >>> import fkeras
        >>> x = fkeras.initializers.TruncatedNormal(stddev=0.1, seed=0)((600, 200))
        >>> bool(abs(x).max() < 0.2), round(float(x.std()), 3)
        (True, 0.088)
    """

    kind = "truncated_normal"

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def shaped(self, numbers, shape, dtype):
        return affine(numbers, self.stddev, self.mean)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class RandomUniform(RandomInitializer):
    """A uniform distribution.

    Args:
        minval: lower bound, included.
        maxval: upper bound, excluded.
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.

    Raises:
        UserInputError: minval > maxval.

    Examples:
        >>> import fkeras
        >>> x = fkeras.initializers.RandomUniform(0.0, 1.0, seed=0)((100,))
        >>> bool(x.min() >= 0) and bool(x.max() < 1)
        True
    """

    kind = "uniform"

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        if minval > maxval:
            raise UserInputError(
                f"RandomUniform: expected minval <= maxval. Received: minval={minval}, "
                f"maxval={maxval}"
            )
        self.minval, self.maxval = minval, maxval

    def shaped(self, numbers, shape, dtype):
        low, high = np.float32(self.minval), _below(self.maxval, dtype)
        middle, half = (
            (float(self.maxval) + float(self.minval)) / 2,
            (float(self.maxval) - float(self.minval)) / 2,
        )
        clip = np.clip if isinstance(numbers, np.ndarray) else jnp.clip
        return clip(affine(numbers, half, middle), low, max(low, high))

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def _below(limit, dtype) -> np.float32:
    """The largest number of a dtype that is less than the limit: rounding to the dtype must not
    reach an excluded bound.
    """
    found = np.asarray(limit).astype(jnp.dtype(dtype))
    if float(found) >= float(limit):
        found = np.nextafter(found, found.dtype.type(-np.inf))
    return min(np.float32(found), np.nextafter(np.float32(limit), np.float32(-np.inf)))
