"""Random numbers; seed None takes the layer's or the process's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras import ops, random
from fkeras.core.settings import floatx
from fkeras.keras2.variables import variable

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.types import DTypeLike, SeedLike, Shape, Tensor, TensorLike


def random_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Normally distributed numbers."""
    return random.normal(shape, mean, stddev, dtype=dtype, seed=seed)


def truncated_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Normally distributed numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype=dtype, seed=seed)


def random_uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Numbers evenly distributed over [minval, maxval)."""
    return random.uniform(shape, minval, maxval, dtype=dtype, seed=seed)


def random_bernoulli(
    shape: Shape, p: float = 0.0, dtype: DTypeLike | None = None, seed: SeedLike | None = None
) -> Tensor:
    """1 with probability `p`, else 0."""
    return ops.cast(random.uniform(shape, dtype="float32", seed=seed) < p, dtype or floatx())


def random_binomial(
    shape: Shape, p: float = 0.0, dtype: DTypeLike | None = None, seed: SeedLike | None = None
) -> Tensor:
    """1 with probability `p`, else 0: an older name of `random_bernoulli`."""
    return random_bernoulli(shape, p, dtype, seed)


def random_normal_variable(
    shape: Shape,
    mean: float,
    scale: float,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    seed: SeedLike | None = None,
) -> Variable:
    """A variable of normally distributed numbers."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(
    shape: Shape,
    low: float,
    high: float,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    seed: SeedLike | None = None,
) -> Variable:
    """A variable of evenly distributed numbers."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def dropout(
    x: TensorLike, level: float, noise_shape: Shape | None = None, seed: SeedLike | None = None
) -> Tensor:
    """`x` with a fraction `level` in [0, 1) of its elements set to 0 and the others scaled up."""
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)
