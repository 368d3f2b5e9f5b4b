"""AWQ: inputs that are large are scaled up in the kernel before rounding, and down again after it,
so that their weights lose less.

Kernels stand as `(outputs, inputs)`; numbers have 4 bits.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.quantizers import zero_points

if TYPE_CHECKING:
    from fkeras.quantizers.calibrated_configs import AWQConfig

SAMPLE_ROWS = 512  # inputs that the search for a smaller range looks at
_BITS = 4
_SHRINKS = 20  # ranges that are tried, from the whole one down to half of it
_SMALLEST_SHRINK = 0.5


class ScaledNumbers(NamedTuple):
    """A kernel as numbers in [0, 15].

    Attributes:
        numbers: `(outputs, inputs)`, whole numbers in float32.
        scale: `(outputs, groups)`.
        zero: zero points, `(outputs, groups)`, uint8.
        input_scales: what the weights of each input were multiplied by, `(inputs,)`.
        groups: the group of each input, `(inputs,)`.
    """

    numbers: jax.Array
    scale: jax.Array
    zero: jax.Array
    input_scales: jax.Array
    groups: jax.Array


@jax.jit
def add_to_magnitudes(magnitudes: jax.Array, count: jax.Array, x: jax.Array) -> jax.Array:
    """The mean size of each feature over `count` inputs and further ones.

    Args:
        magnitudes: `(features,)`, float32: of the inputs before.
        count: how many these were.
        x: further inputs, `(samples, features)`.
    """
    own = jnp.abs(x.astype("float32")).mean(axis=0)
    return magnitudes + (own - magnitudes) * (x.shape[0] / (count + x.shape[0]))


def quantize(
    kernel: jax.Array, magnitudes: jax.Array, sample: jax.Array | None, config: AWQConfig
) -> ScaledNumbers:
    """The numbers of a kernel.

    Args:
        kernel: `(outputs, inputs)`.
        magnitudes: mean sizes of the inputs, `(inputs,)`.
        sample: some inputs, `(samples, inputs)`, for the search for smaller ranges; None for none.
        config: says groups and how many scales to try.

    References:
        Lin et al., 2023, https://arxiv.org/abs/2306.00978

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> from fkeras.quantizers import awq
        >>> config = fkeras.quantizers.AWQConfig(None, None, group_size=-1)
        >>> found = awq.quantize(jnp.array([[0.5, -1.0, 0.25]]), jnp.ones(3), None, config)
        >>> found.numbers.shape, found.scale.shape, found.input_scales.shape
        ((1, 3), (1, 1), (3,))
    """
    kernel = jnp.asarray(kernel, "float32")
    group_size = kernel.shape[1] if config.group_size == -1 else config.group_size
    input_scales = _best_scales(kernel, magnitudes, group_size, config.num_grid_points)
    scaled = kernel * input_scales
    if config.apply_clip and sample is not None and len(sample):
        whole = group_size if kernel.shape[1] % group_size == 0 else kernel.shape[1]
        scaled = _clipped(scaled, sample.astype("float32") / input_scales, whole)
    numbers, scale, zero, groups = _rounded(scaled, group_size)
    return ScaledNumbers(numbers, scale, zero, input_scales, groups)


def _rounded(
    kernel: jax.Array, group_size: int
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Numbers, scales, zero points and groups of a kernel, rounded as it is."""
    scale, zero, largest = zero_points.compute_quantization_parameters(
        kernel, bits=_BITS, per_channel=True, group_size=group_size
    )
    groups = jnp.arange(kernel.shape[1]) // group_size
    numbers = zero_points.quantize_with_sz_map(kernel, scale, zero, groups, largest)
    return numbers, scale, zero, groups


def _as_kept(kernel: jax.Array, group_size: int) -> jax.Array:
    """A kernel with what rounding makes of it."""
    numbers, scale, zero, groups = _rounded(kernel, group_size)
    return zero_points.dequantize_with_sz_map(numbers, scale, zero, groups)


@functools.partial(jax.jit, static_argnames=("group_size", "points"))
def _best_scales(
    kernel: jax.Array, magnitudes: jax.Array, group_size: int, points: int
) -> jax.Array:
    """Of scales between those that weights ask for and those that inputs ask for: the ones with the
    smallest error of the outputs.
    """
    sizes = jnp.where(magnitudes < 1e-8, 1.0, magnitudes)
    weights = _weight_sizes(kernel, group_size)
    weights = jnp.where(weights < 1e-8, 1.0, weights)

    def scales_for(ratio: jax.Array) -> jax.Array:
        scales = jnp.maximum(sizes**ratio / weights ** (1 - ratio), 1e-4)
        return scales / jnp.maximum(jnp.sqrt(scales.max() * scales.min()), 1e-8)

    def error_of(ratio: jax.Array) -> jax.Array:
        scales = scales_for(ratio)
        kept = _as_kept(kernel * scales, group_size) / scales
        return jnp.mean(((kernel - kept) * sizes) ** 2)

    ratios = jnp.arange(points + 1) / points
    return scales_for(ratios[jnp.argmin(jax.lax.map(error_of, ratios))])


def _weight_sizes(kernel: jax.Array, group_size: int) -> jax.Array:
    """The size of each input's weights, as a mean fraction of the largest one of its group."""
    outputs, inputs = kernel.shape
    size = group_size if inputs % group_size == 0 else inputs
    groups = jnp.abs(kernel).reshape(outputs, -1, size)
    fractions = groups / (groups.max(axis=2, keepdims=True) + 1e-6)
    return fractions.reshape(outputs, inputs).mean(axis=0)


@functools.partial(jax.jit, static_argnames="group_size")
def _clipped(kernel: jax.Array, sample: jax.Array, group_size: int) -> jax.Array:
    """A kernel whose largest weights are cut, in each group to the range with the smallest error of
    the outputs.

    Args:
        kernel: `(outputs, inputs)`, scaled.
        sample: inputs as they meet it, `(samples, inputs)`.
        group_size: divides the inputs.
    """
    outputs, inputs = kernel.shape
    groups = inputs // group_size
    split = sample.reshape(len(sample), groups, group_size)
    # The mean of squared differences of outputs is a quadratic form of those of the weights.
    gram = jnp.einsum("rgk,rgl->gkl", split, split) / len(sample)
    limits = jnp.abs(kernel).reshape(outputs, groups, group_size).max(axis=2, keepdims=True)

    def cut(shrink: jax.Array) -> jax.Array:
        grouped = kernel.reshape(outputs, groups, group_size)
        return jnp.clip(grouped, -limits * shrink, limits * shrink)

    def error_of(shrink: jax.Array) -> jax.Array:
        kept = _as_kept(cut(shrink).reshape(outputs, inputs), group_size)
        change = (kept - kernel).reshape(outputs, groups, group_size)
        return jnp.einsum("ogk,gkl,ogl->og", change, gram, change)

    shrinks = 1 - jnp.arange(_SHRINKS) * (_SMALLEST_SHRINK / _SHRINKS)
    best = jnp.argmin(jax.lax.map(error_of, shrinks), axis=0)  # (outputs, groups)
    return cut(shrinks[best][..., None]).reshape(outputs, inputs)
