"""Initializers that draw: uniform, normal, truncated normal and orthogonal weights."""

import math

import jax.numpy as jnp
import numpy as np

from fkeras.core import drawing, registry
from fkeras.core.seed_generator import SeedGenerator
from fkeras.core.symbolic import standardize_dtype
from fkeras.errors import UserInputError, UserTypeError
from fkeras.initializers.initializer import Initializer


class RandomInitializer(drawing.BlockDrawn, Initializer):
    """What initializers that draw share: `seed` and the dtypes they can draw in.

    Args:
        seed: an int gives the same values at each call and wherever the weight is; a `SeedGenerator` gives others at each call. None lets
            the weight's place in its model decide; called directly, such an initializer repeats itself and differs from others.
    """

    def __init__(self, seed=None):
        if isinstance(seed, dict):
            seed = registry.deserialize_keras_object(seed)
        if isinstance(seed, np.integer):
            seed = int(seed)
        if seed is not None and not isinstance(seed, (int, SeedGenerator)):
            raise UserTypeError("`seed` argument should be an instance of `fkeras.random.SeedGenerator()`, an integer or None. "
                                f"Received: seed={seed!r} (of type {type(seed).__name__})")
        self.seed = seed

    def get_config(self):
        return {"seed": registry.serialize_keras_object(self.seed)}

    def _float_dtype(self, dtype):
        dtype = jnp.dtype(standardize_dtype(dtype))
        if not jnp.issubdtype(dtype, jnp.floating):
            raise UserInputError(f"{type(self).__name__} draws floating point numbers. Received: dtype={dtype.name!r}. Use a float dtype for "
                                 "the weight, or another initializer.")
        return dtype

    def _finish_uniform(self, numbers, shape, dtype, low, high):
        """Numbers in [0, 1) as a weight in [low, high)."""
        dtype = self._float_dtype(dtype)
        if low == -high:
            # Doubling is exact, so that this rounds once, however it is compiled.
            made = (numbers * np.float32(2) - np.float32(1)) * np.float32(high)
        else:
            made = drawing.affine(numbers, high - low, low)
        made = made.reshape(shape).astype(dtype)
        if high > low:
            # Rounding must not reach the end of the interval, which is not part of it.
            bound = np.asarray(high, dtype)
            if float(bound) >= high:
                bound = np.nextafter(bound, np.asarray(-np.inf, dtype))
            made = (np if isinstance(made, np.ndarray) else jnp).minimum(made, bound)
        return made

    def _finish_normal(self, numbers, shape, dtype, mean, stddev):
        """Numbers of mean 0 and standard deviation 1 as a weight."""
        dtype = self._float_dtype(dtype)
        return drawing.affine(numbers, stddev, mean).reshape(shape).astype(dtype)


class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval).

    Args:
        minval: lower end, which can be drawn.
        maxval: upper end, which cannot.
        seed: int, `SeedGenerator`, or None for the weight's place in its model.

    Examples:
        >>> values = RandomUniform(0.0, 1.0, seed=1)((100,))
        >>> bool((values >= 0).all() and (values < 1).all())
        True
    """

    kind = "uniform"

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def finish(self, numbers, shape, dtype):
        return self._finish_uniform(numbers, shape, dtype, float(self.minval), float(self.maxval))

    def get_config(self):
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class RandomNormal(RandomInitializer):
    """Normal.

    Args:
        mean: mean.
        stddev: standard deviation.
        seed: int, `SeedGenerator`, or None for the weight's place in its model.

    Examples:
        >>> RandomNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    kind = "normal"

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def finish(self, numbers, shape, dtype):
        return self._finish_normal(numbers, shape, dtype, float(self.mean), float(self.stddev))

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal, without values further than two standard deviations from the mean.

    Args:
        mean: mean.
        stddev: standard deviation before the cut (0.88 times as much after it).
        seed: int, `SeedGenerator`, or None for the weight's place in its model.

    Examples:
        >>> bool(abs(TruncatedNormal(stddev=1.0, seed=1)((100,))).max() <= 2)
        True
    """

    kind = "truncated_normal"


class Orthogonal(RandomInitializer):
    """An orthogonal matrix times `gain`: from the QR decomposition of normal numbers, each matrix as likely as any other.

    The matrix has a column for each of the weight's last axis and a row for each element of the others. Its columns are orthonormal, or
    its rows where there are fewer of them.

    Args:
        gain: factor.
        seed: int, `SeedGenerator`, or None for the weight's place in its model.

    Examples:
        >>> q = Orthogonal(seed=1)((3, 3))
        >>> bool(abs(q.T @ q - jnp.eye(3)).max() < 1e-5)
        True
    """

    kind = "normal"

    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        super().__init__(seed)

    def finish(self, numbers, shape, dtype):
        dtype = self._float_dtype(dtype)
        if len(shape) < 2:
            raise UserInputError(f"The tensor to initialize must be at least two-dimensional. Received: shape={shape} of rank {len(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        if rows == 0 or columns == 0:
            return jnp.zeros(shape, dtype)
        q, r = jnp.linalg.qr(jnp.asarray(numbers).reshape(max(rows, columns), min(rows, columns)))
        q = jnp.where(jnp.diagonal(r) < 0, -q, q)
        q = q.T if rows < columns else q
        return (q * np.float32(self.gain)).reshape(shape).astype(dtype)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}
