"""float8 in training: values rounded to what 8 bits hold, at a scale that follows the magnitudes
of the last steps.

References:
    Micikevicius et al., 2022, FP8 Formats for Deep Learning; the rule for scales is that of
    NVIDIA's Transformer Engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import ml_dtypes

from fkeras.core.symbolic.op import op

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, TensorLike


@op
def compute_float8_scale(
    amax: TensorLike, scale: TensorLike, dtype_max: TensorLike, margin: int = 0
) -> jax.Array:
    """The scale at which the largest magnitude becomes the largest float8.

    Args:
        amax: largest magnitude of the last steps.
        scale: the scale so far, which stays where `amax` is 0 or not finite.
        dtype_max: the largest number of the float8 dtype.
        margin: bits that are left free above the largest magnitude.

    Examples:
        >>> round(float(compute_float8_scale(3.0, 4.0, 448.0)), 6)
        0.006696
    """
    inverse = dtype_max / jnp.asarray(amax) / 2**margin
    is_known = (amax > 0.0) & jnp.isfinite(amax)
    return 1 / jnp.where(is_known, inverse, 1 / jnp.asarray(scale))


@op
def compute_float8_amax_history(x: TensorLike, amax_history: TensorLike) -> jax.Array:
    """The magnitudes of the last steps with that of `x` put first; the oldest one is dropped.

    Args:
        x: array of this step.
        amax_history: magnitudes of the last steps, newest first, the one of this step to be written
            over: `(steps,)`.

    Examples:
        >>> import jax.numpy as jnp
        >>> compute_float8_amax_history(jnp.array([1.0, -7.0]), jnp.array([2.0, 3.0, 4.0])).tolist()
        [7.0, 4.0, 2.0]
    """
    amax_history = jnp.asarray(amax_history)
    largest = jnp.max(jnp.abs(jnp.asarray(x))).astype(amax_history.dtype)
    return jnp.roll(amax_history, -1).at[0].set(largest)


@op
def quantize_and_dequantize(
    inputs: TensorLike, scale: TensorLike, quantized_dtype: DTypeLike, compute_dtype: DTypeLike
) -> jax.Array:
    """Values rounded to what a float8 dtype holds at a scale.

    Args:
        inputs: array of floats.
        scale: what the largest float8 is multiplied by.
        quantized_dtype: `'float8_e4m3fn'` or `'float8_e5m2'`.
        compute_dtype: dtype of the result.

    Examples:
        >>> import jax.numpy as jnp
        >>> rounded = quantize_and_dequantize(
        ...     jnp.array([0.3, 1000.0]), 1.0, "float8_e4m3fn", "float32"
        ... )
        >>> rounded.tolist()
        [0.3125, 448.0]
    """
    largest = jnp.asarray(float(ml_dtypes.finfo(quantized_dtype).max), compute_dtype)
    scale = jnp.asarray(scale).astype(compute_dtype)
    x = jnp.clip(jnp.asarray(inputs) / scale, -largest, largest).astype(quantized_dtype)
    return x.astype(compute_dtype) * scale
