"""Samples from distributions, of a given shape.

An int seed gives the numbers that Keras gives on JAX.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness.seeds import draw_seed
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.tensors import as_array, as_tensor
from fkeras.types import DTypeLike, SeedLike, ShapeLike, Tensor, TensorLike


def draw_key(seed: SeedLike | None) -> jax.Array:
    """The typed key of one draw, from what users pass as `seed`.

    Words are threefry's, whatever JAX's default generator is: seeds keep their numbers.
    """
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return seed
    return jax.random.wrap_key_data(draw_seed(seed), impl="threefry2x32")


def _float_dtype(function: str, dtype: DTypeLike | None) -> jnp.dtype:
    """The jnp dtype; None is floatx."""
    name = standardize_dtype(dtype)
    if not jnp.issubdtype(jnp.dtype(name), jnp.floating):
        raise UserInputError(
            f"`fkeras.random.{function}` requires a floating point `dtype`. Received: "
            f"dtype={dtype}."
        )
    return jnp.dtype(name)


def _static(shape: ShapeLike) -> tuple[int, ...]:
    """A tuple of ints."""
    sizes = (
        (shape,)
        if isinstance(shape, (int, np.integer)) and not isinstance(shape, bool)
        else tuple(shape)
    )
    # A symbolic batch has no known number of values to draw.
    if any(d is None for d in sizes):
        raise UserInputError(
            "A known number of values is drawn: no dimension of `shape` can be None. "
            f"Received: shape={sizes}."
        )
    return tuple(int(d) for d in sizes)


def _spec(
    shape: ShapeLike,
    first: TensorLike | None = None,
    second: TensorLike | None = None,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
    **named,
) -> KerasTensor:
    """For two parameters after `shape`, whatever they are called."""
    return KerasTensor(_static(shape), dtype)


def _randint_spec(
    shape: ShapeLike,
    minval: TensorLike,
    maxval: TensorLike,
    dtype: DTypeLike | None = "int32",
    seed: SeedLike | None = None,
) -> KerasTensor:
    return _spec(shape, dtype=dtype or "int32")


def _gamma_spec(
    shape: ShapeLike,
    alpha: TensorLike,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> KerasTensor:
    return _spec(shape, dtype=dtype)


@op(spec=_spec)
def normal(
    shape: ShapeLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Samples of the normal distribution.

    Args:
        shape: ints, the output's shape.
        mean, stddev: floats, or arrays that broadcast to `shape`.
        dtype: a float dtype; None: floatx.
        seed: int (the same numbers at each call), `SeedGenerator`, JAX key, or None.

    Examples:
        >>> import fkeras
        >>> fkeras.random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    dtype = _float_dtype("normal", dtype)
    # Scaled outside: JAX draws the standard distribution, in the dtype itself.
    sample = jax.random.normal(draw_key(seed), _static(shape), dtype)
    return (sample * as_tensor(stddev) + as_tensor(mean)).astype(dtype)


@op(spec=_spec)
def truncated_normal(
    shape: ShapeLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Samples of the normal distribution within two `stddev` of `mean`. Arguments as `normal`."""
    dtype = _float_dtype("truncated_normal", dtype)
    sample = jax.random.truncated_normal(draw_key(seed), -2.0, 2.0, _static(shape), dtype)
    return (sample * as_tensor(stddev) + as_tensor(mean)).astype(dtype)


@op(spec=_spec)
def uniform(
    shape: ShapeLike,
    minval: TensorLike = 0.0,
    maxval: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Samples of the uniform distribution in [minval, maxval). Other arguments as `normal`."""
    dtype = _float_dtype("uniform", dtype)
    return jax.random.uniform(
        draw_key(seed), _static(shape), dtype, as_tensor(minval), as_tensor(maxval)
    )


@op(spec=_randint_spec)
def randint(
    shape: ShapeLike,
    minval: TensorLike,
    maxval: TensorLike,
    dtype: DTypeLike | None = "int32",
    seed: SeedLike | None = None,
) -> Tensor:
    """Uniform integers in [minval, maxval).

    Args:
        shape: ints, the output's shape.
        minval, maxval: ints, or arrays that broadcast to `shape`; the output dtype must hold them.
        dtype: an integer dtype; None: int32.
        seed: as in `normal`.

    Examples:
        >>> import fkeras
        >>> bool((fkeras.random.randint((100,), 2, 5, seed=1) < 5).all())
        True
    """
    name = standardize_dtype(dtype or "int32")
    # Bounds that are arrays cannot be looked at here: they may be traced.
    if not jnp.issubdtype(jnp.dtype(name), jnp.integer):
        raise UserInputError(
            f"`fkeras.random.randint` requires an integer `dtype`. Received: dtype={dtype}."
        )
    if isinstance(minval, (int, np.integer)) and isinstance(maxval, (int, np.integer)):
        limits = jnp.iinfo(name)  # `maxval` itself is never drawn, so it may lie one beyond
        if minval >= maxval or minval < limits.min or maxval > limits.max + 1:
            raise UserInputError(
                "`fkeras.random.randint` draws from [minval, maxval), which must not be empty and "
                f"must fit {name}. Received: minval={minval}, maxval={maxval}."
            )
    return jax.random.randint(
        draw_key(seed),
        _static(shape),
        as_tensor(minval),
        as_tensor(maxval),
        jax.dtypes.canonicalize_dtype(name),
    )


def _categorical_spec(
    logits: KerasTensor,
    num_samples: int,
    dtype: DTypeLike | None = "int32",
    seed: SeedLike | None = None,
) -> KerasTensor:
    _check_logits(logits)
    return KerasTensor((logits.shape[0], num_samples), dtype or "int32")


def _check_logits(logits: jax.Array | KerasTensor) -> None:
    if len(logits.shape) != 2:
        raise UserInputError(
            "`logits` should be a 2-D tensor with shape [batch_size, num_classes]. "
            f"Received: logits.shape={tuple(logits.shape)}."
        )


@op(spec=_categorical_spec)
def categorical(
    logits: TensorLike,
    num_samples: int,
    dtype: DTypeLike | None = "int32",
    seed: SeedLike | None = None,
) -> Tensor:
    """Class numbers, drawn for each row of `logits`.

    Args:
        logits: (batch, classes), log-probabilities up to a constant per row.
        num_samples: draws per row.
        dtype: the output's dtype; None: int32.
        seed: as in `normal`.

    Returns:
        (batch, num_samples).
    """
    logits = as_array(logits)
    _check_logits(logits)
    # A new last axis to broadcast over: (batch, classes, 1) -> (batch, num_samples).
    drawn = jax.random.categorical(
        draw_key(seed), logits[..., None], axis=1, shape=(logits.shape[0], num_samples)
    )
    return drawn.astype(standardize_dtype(dtype or "int32"))


@op(spec=_gamma_spec)
def gamma(
    shape: ShapeLike,
    alpha: TensorLike,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Samples of the gamma distribution of shape parameter `alpha` and scale 1.

    `alpha` is a positive float or array; other arguments as `normal`.
    """
    return jax.random.gamma(
        draw_key(seed), as_array(alpha), _static(shape), _float_dtype("gamma", dtype)
    )


@op(spec=_spec)
def beta(
    shape: ShapeLike,
    alpha: TensorLike,
    beta: TensorLike,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Samples of the beta distribution of `alpha` and `beta`.

    These are positive floats or arrays; other arguments as `normal`.
    """
    dtype = _float_dtype("beta", dtype)
    drawn = jnp.promote_types(dtype, jnp.float32)  # half precision is rounded at the end
    return jax.random.beta(
        draw_key(seed), as_array(alpha, drawn), as_array(beta, drawn), _static(shape), drawn
    ).astype(dtype)


@op(spec=_spec)
def binomial(
    shape: ShapeLike,
    counts: TensorLike,
    probabilities: TensorLike,
    dtype: DTypeLike | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """How many of `counts` trials succeed, each with `probabilities`.

    Both are floats or arrays that broadcast to `shape`; other arguments as `normal`.
    """
    dtype = _float_dtype("binomial", dtype)  # counts come as floats, as in Keras
    return jax.random.binomial(
        draw_key(seed), as_array(counts), as_array(probabilities), _static(shape), dtype
    )
