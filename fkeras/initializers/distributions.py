"""Numbers from one distribution, whatever the weight's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from fkeras.core.randomness.blocks import affine
from fkeras.errors import UserInputError
from fkeras.initializers.random_initializer import RandomInitializer

if TYPE_CHECKING:
    from fkeras.initializers.random_initializer import Numbers
    from fkeras.types import Config, DTypeLike, SeedLike


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
    by_element = True

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: SeedLike | None = None
    ) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def shaped(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> Numbers:
        return affine(numbers, self.stddev, self.mean)

    def get_config(self) -> Config:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomInitializer):
    """A normal distribution without the values beyond two standard deviations of its mean.

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
    by_element = True

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: SeedLike | None = None
    ) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def shaped(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> Numbers:
        return affine(numbers, self.stddev, self.mean)

    def get_config(self) -> Config:
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
    by_element = True

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: SeedLike | None = None
    ) -> None:
        super().__init__(seed)
        if minval > maxval:
            raise UserInputError(
                f"RandomUniform: expected minval <= maxval. Received: minval={minval}, "
                f"maxval={maxval}"
            )
        self.minval, self.maxval = minval, maxval

    def shaped(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> Numbers:
        low, high = np.float32(self.minval), _below(self.maxval, dtype)
        middle = (float(self.maxval) + float(self.minval)) / 2
        half = (float(self.maxval) - float(self.minval)) / 2
        clip = np.clip if isinstance(numbers, np.ndarray) else jnp.clip
        # Rounding may reach the excluded bound, and for minval == maxval there is only `low`.
        return clip(affine(numbers, half, middle), low, max(low, high))

    def get_config(self) -> Config:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def _below(limit: float, dtype: DTypeLike) -> np.float32:
    """The largest number of a dtype, and of float32, that is less than the limit."""
    largest = np.asarray(limit).astype(jnp.dtype(dtype))
    if float(largest) >= float(limit):
        largest = np.nextafter(largest, largest.dtype.type(-np.inf))
    return min(np.float32(largest), np.nextafter(np.float32(limit), np.float32(-np.inf)))
