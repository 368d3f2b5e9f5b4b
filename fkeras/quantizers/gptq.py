"""GPTQ: the numbers of a kernel, so that later inputs make up for the errors of earlier ones.

Kernels stand as `(outputs, inputs)`. With `H`, twice the mean of `x x^T` over the inputs `x` of the
layer, the error of its outputs is quadratic in that of the kernel. Inputs are gone through one by
one; what rounding took from or added to one is spread over those behind it, along the rows of the
upper Cholesky factor of `H^-1`.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.quantizers import zero_points

if TYPE_CHECKING:
    from fkeras.quantizers.calibrated_configs import GPTQConfig

_BLOCK = 128  # inputs that are gone through before the others hear of their errors


class Numbers(NamedTuple):
    """A kernel as numbers from 0 up.

    Attributes:
        numbers: `(outputs, inputs)`, whole numbers in float32.
        scale: `(outputs, groups)`.
        zero: zero points, `(outputs, groups)`, uint8.
        groups: the group of each input, `(inputs,)`.
    """

    numbers: jax.Array
    scale: jax.Array
    zero: jax.Array
    groups: jax.Array


class _Rounding(NamedTuple):
    """What a config says of rounding; hashable."""

    bits: int
    group_size: int
    symmetric: bool
    per_channel: bool


@jax.jit
def add_to_curvature(curvature: jax.Array, count: jax.Array, x: jax.Array) -> jax.Array:
    """The curvature `2 * mean(x x^T)` over `count` inputs and further ones.

    Args:
        curvature: `(features, features)`, float32: of the inputs before.
        count: how many these were.
        x: further inputs, `(samples, features)`.
    """
    x = x.astype("float32")
    total = count + x.shape[0]
    gram = x.T @ x
    return curvature * (count / total) + (gram + gram.T) / total


def quantize(kernel: jax.Array, curvature: jax.Array, config: GPTQConfig) -> Numbers:
    """The numbers of a kernel.

    Args:
        kernel: `(outputs, inputs)`.
        curvature: `(inputs, inputs)`, as `add_to_curvature` makes it.
        config: says bits, groups and order.

    Raises:
        UserInputError: the curvature has no Cholesky factor: inputs were not finite, or
            `hessian_damping` is too small.

    References:
        Frantar et al., 2022, https://arxiv.org/abs/2210.17323

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> from fkeras.quantizers import gptq
        >>> config = fkeras.quantizers.GPTQConfig(None, None, group_size=2)
        >>> kernel = jnp.array([[0.5, -1.0, 0.25, 0.1]])
        >>> gptq.quantize(kernel, jnp.eye(4), config).numbers.tolist()
        [[15.0, 0.0, 15.0, 6.0]]
    """
    kernel = jnp.asarray(kernel, "float32")
    curvature, order = _damped(curvature, config.hessian_damping)
    if not config.activation_order:
        order = jnp.arange(len(order))
    factor = _inverse_factor(curvature[order][:, order])
    if not jnp.isfinite(factor).all():
        raise UserInputError(
            "GPTQ: the curvature of the layer's inputs is not positive definite. Use inputs "
            "without NaN or infinity, more samples, or a larger `hessian_damping`. Received: "
            f"hessian_damping={config.hessian_damping}"
        )
    inputs = kernel.shape[1]
    group_size = inputs if config.group_size == -1 else min(config.group_size, inputs)
    rounding = _Rounding(config.weight_bits, group_size, config.symmetric, config.per_channel)
    numbers, scale, zero = _go_through(kernel[:, order], factor, rounding)
    place = jnp.argsort(order)  # of each input in the order
    return Numbers(numbers[:, place], scale, zero.astype("uint8"), place // group_size)


@jax.jit
def _damped(curvature: jax.Array, damping: float) -> tuple[jax.Array, jax.Array]:
    """The curvature with a diagonal that is not too small, and the inputs from the most active on.

    An input that was always zero gets a curvature of its own, so that its weights are just rounded.
    """
    diagonal = jnp.diagonal(curvature)
    diagonal = jnp.where(diagonal == 0, 1.0, diagonal)
    diagonal = diagonal + damping * diagonal.mean()
    damped = jnp.fill_diagonal(curvature, diagonal, inplace=False)
    return damped, jnp.argsort(-diagonal, stable=True)


@jax.jit
def _inverse_factor(curvature: jax.Array) -> jax.Array:
    """The upper Cholesky factor of the inverse; NaN where there is none."""
    lower = jnp.linalg.cholesky(curvature)
    inverse = jax.scipy.linalg.cho_solve((lower, True), jnp.eye(len(curvature)))
    return jnp.linalg.cholesky(inverse).T


@functools.partial(jax.jit, static_argnames="rounding")
def _go_through(
    kernel: jax.Array, factor: jax.Array, rounding: _Rounding
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Numbers, scales and zero points of a kernel whose inputs are in order.

    Blocks of inputs are filled up with weights of zero, which round to zero and have no error.
    """
    outputs, inputs = kernel.shape
    size = rounding.group_size
    blocks, groups = math.ceil(inputs / _BLOCK), math.ceil(inputs / size)
    width = max(blocks * _BLOCK, groups * size)
    surplus = width - inputs
    kernel = jnp.pad(kernel, ((0, 0), (0, surplus)))
    factor = jax.scipy.linalg.block_diag(factor, jnp.eye(surplus))
    scales = jnp.ones((outputs, groups)), jnp.zeros((outputs, groups))
    numbers = jnp.zeros((outputs, blocks * _BLOCK))

    def one_block(i: jax.Array, carried: tuple) -> tuple:
        kernel, numbers, scales = carried
        start = i * _BLOCK
        rows = jax.lax.dynamic_slice_in_dim(factor, start, _BLOCK)
        own, errors, scales = _round_block(kernel, rows, start, scales, rounding)
        numbers = jax.lax.dynamic_update_slice_in_dim(numbers, own, start, axis=1)
        return kernel - errors @ rows, numbers, scales

    _, numbers, scales = jax.lax.fori_loop(0, blocks, one_block, (kernel, numbers, scales))
    return numbers[:, :inputs], *scales


def _round_block(
    kernel: jax.Array,
    rows: jax.Array,
    start: jax.Array,
    scales: tuple[jax.Array, jax.Array],
    rounding: _Rounding,
) -> tuple[jax.Array, jax.Array, tuple[jax.Array, jax.Array]]:
    """Numbers and errors of one block of inputs, `(outputs, block)`, and all scales so far.

    A group's scale is that of its weights as they were before the block in which it begins.

    Args:
        kernel: all of it, with the errors of the blocks before.
        rows: the block's rows of the factor.
        start: where the block begins.
        scales: scales and zero points of the groups.
        rounding: how to round.
    """
    square = jax.lax.dynamic_slice_in_dim(rows, start, _BLOCK, axis=1)
    largest = 2.0**rounding.bits - 1

    def of_group(column: jax.Array) -> tuple[jax.Array, jax.Array]:
        members = jax.lax.dynamic_slice_in_dim(kernel, column, rounding.group_size, axis=1)
        scale, zero, _ = zero_points.compute_quantization_parameters(
            members,
            bits=rounding.bits,
            symmetric=rounding.symmetric,
            per_channel=rounding.per_channel,
        )
        return scale, zero.astype("float32")

    def one_input(j: jax.Array, carried: tuple) -> tuple:
        block, numbers, errors, scales = carried
        column = start + j
        group = jnp.minimum(column // rounding.group_size, scales[0].shape[1] - 1)
        present = [jax.lax.dynamic_slice_in_dim(known, group, 1, axis=1) for known in scales]
        begins = (column % rounding.group_size == 0) & (column < _groups_end(scales, rounding))
        scale, zero = jax.lax.cond(begins, of_group, lambda _: tuple(present), column)
        scales = tuple(
            jax.lax.dynamic_update_slice_in_dim(known, new, group, axis=1)
            for known, new in zip(scales, (scale, zero))
        )
        weights = jax.lax.dynamic_slice_in_dim(block, j, 1, axis=1)  # (outputs, 1)
        rounded = zero_points.quantize_with_zero_point(weights, scale, zero, largest)
        kept = zero_points.dequantize_with_zero_point(rounded, scale, zero)
        row = jax.lax.dynamic_slice_in_dim(square, j, 1)  # (1, block), zero before j
        error = (weights - kept) / row[0, j]
        return (
            block - error * row,
            jax.lax.dynamic_update_slice_in_dim(numbers, rounded, j, axis=1),
            jax.lax.dynamic_update_slice_in_dim(errors, error, j, axis=1),
            scales,
        )

    block = jax.lax.dynamic_slice_in_dim(kernel, start, _BLOCK, axis=1)
    empty = jnp.zeros_like(block)
    _, numbers, errors, scales = jax.lax.fori_loop(
        0, _BLOCK, one_input, (block, empty, empty, scales)
    )
    return numbers, errors, scales


def _groups_end(scales: tuple[jax.Array, jax.Array], rounding: _Rounding) -> int:
    """Where the last group ends; what fills the last block up belongs to none."""
    return scales[0].shape[1] * rounding.group_size
