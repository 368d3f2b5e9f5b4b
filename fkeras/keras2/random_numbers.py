"""Random numbers; seed None takes the layer's or the process's."""

from __future__ import annotations

from fkeras import ops, random
from fkeras.core.settings import floatx
from fkeras.keras2.variables import variable


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers."""
    return random.normal(shape, mean, stddev, dtype=dtype, seed=seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype=dtype, seed=seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers evenly distributed over [minval, maxval)."""
    return random.uniform(shape, minval, maxval, dtype=dtype, seed=seed)


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    """1 with probability `p`, else 0."""
    return ops.cast(random.uniform(shape, dtype="float32", seed=seed) < p, dtype or floatx())


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A variable of normally distributed numbers."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A variable of evenly distributed numbers."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def dropout(x, level, noise_shape=None, seed=None):
    """`x` with a fraction `level` in [0, 1) of its elements set to 0 and the others scaled up."""
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)
