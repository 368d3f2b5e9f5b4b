"""Windows as slices: convolutions and pooling in the forms that XLA computes fast on a CPU.

XLA's CPU backend hands plain convolutions to a fast library, but computes grouped, depthwise and
transposed ones, and the gradient of pooling, in naive loops: 5 to 100 times slower in a training
step than the forms here, which hold nothing but slices, sums and plain convolutions. The values are
the same up to rounding; the gradient of max pooling goes to the same position (the first of equal
values).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from fkeras.core import broadcasting
from fkeras.types import Tensor

# Each position of a window becomes an operation in the program; beyond this many, compiling takes
# too long.
MOST_POSITIONS = 128
# Groups are convolved one after the other in at most this many convolutions.
MOST_SPLITS = 8
# Up to this many values in a patch, and from this many filters on, the kernel's gradient is faster
# as a product of patches: the first layer of most networks for images.
LARGEST_PATCH = 27
FEWEST_FILTERS = 32


def preferred() -> bool:
    """Whether programs are for the CPU, where these forms are faster.

    On GPUs and TPUs XLA's own kernels are good.
    """
    return jax.default_backend() == "cpu"


def few_positions(window: Sequence[int]) -> bool:
    return math.prod(window) <= MOST_POSITIONS


def padded(
    x: jax.Array,
    axes: Sequence[int],
    reaches: Sequence[int],
    strides: Sequence[int],
    padding: str,
    value: float,
) -> tuple[jax.Array, list[int]]:
    """`x` padded along `axes` for windows of these reaches, and how many windows each axis has."""
    config = [(0, 0, 0)] * x.ndim
    counts = []
    for axis, reach, stride in zip(axes, reaches, strides, strict=True):
        size = x.shape[axis]
        count = -(-size // stride) if padding == "SAME" else max((size - reach) // stride + 1, 0)
        total = max((count - 1) * stride + reach - size, 0) if padding == "SAME" else 0
        config[axis] = (total // 2, total - total // 2, 0)
        counts.append(count)
    return lax.pad(x, jnp.asarray(value, x.dtype), config), counts


def slices(
    x: jax.Array,
    axes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    counts: Sequence[int],
) -> Iterator[jax.Array]:
    """For each position in the window, row-major: the values of all windows there."""
    for position in itertools.product(*map(range, window)):
        start = [0] * x.ndim
        limit = list(x.shape)
        step = [1] * x.ndim
        along = zip(axes, position, strides, dilation, counts, strict=True)
        for axis, offset, stride, apart, count in along:
            start[axis] = offset * apart
            step[axis] = stride
            limit[axis] = offset * apart + (count - 1) * stride + 1
        yield lax.slice(x, start, limit, step)


def _compiled(*static) -> Callable[..., Any]:
    """One program for a call outside of any trace; inside a trace just the operations."""
    return functools.partial(jax.jit, static_argnames=static, inline=True)


@_compiled("axes", "window", "strides", "padding")
def max_pool(
    x: jax.Array,
    axes: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
) -> jax.Array:
    """The largest value of each window.

    Along one axis after the other, which keeps the first of equal values first.
    """
    # What is padded must never be the largest.
    lowest = -jnp.inf if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
    for axis, size, stride in reversed(list(zip(axes, window, strides, strict=True))):
        x, counts = padded(x, [axis], [size], [stride], padding, lowest)
        largest = None
        for values in slices(x, [axis], [size], [stride], [1], counts):
            if largest is None:
                largest = values
                continue
            # A NaN stays, as in `lax.max`, whose gradient is split between equal values.
            stays = (largest >= values) | (largest != largest)
            largest = jnp.where(stays, largest, values)
        x = largest
    return x


def flat(
    product: Callable[[jax.Array, jax.Array], jax.Array], x: jax.Array, matrix: jax.Array
) -> jax.Array:
    """`product(x, matrix)` for x (..., n) and matrix (n, m) as one of two matrices.

    The gradient of a product of higher rank sums over several axes, for which XLA's CPU backend
    first copies a transposed cotangent.
    """
    return product(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), matrix).reshape(
        *x.shape[:-1], matrix.shape[-1]
    )


def pointwise_conv(x: jax.Array, kernel: jax.Array, strides: Sequence[int]) -> jax.Array:
    """A convolution of window size 1, channels last, as a matrix product.

    Over the positions that the strides leave.
    """
    if max(strides) > 1:
        x = lax.slice(x, (0,) * x.ndim, x.shape, (1, *strides, 1))
    return flat(lax.dot, x, kernel.reshape(kernel.shape[-2:]))


def small_patches(kernel: jax.Array) -> bool:
    """Whether `conv_of_small_patches` is the faster form. `kernel` is (window..., in, out)."""
    return (
        math.prod(kernel.shape[:-1]) <= LARGEST_PATCH
        and kernel.shape[-1] >= FEWEST_FILTERS
        and kernel.dtype == jnp.float32
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2, 3))
def conv_of_small_patches(
    convolve: Callable[[jax.Array, jax.Array], jax.Array],
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
    x: jax.Array,
    kernel: jax.Array,
) -> jax.Array:
    """`convolve(x, kernel)`, whose gradient to the kernel is one product of patches.

    XLA makes that gradient a convolution whose window is a whole image: with few channels most of
    its time goes into moving values.
    """
    return convolve(x, kernel)


@conv_of_small_patches.defjvp
def _conv_with_tangents(convolve, strides, padding, dilation, primals, tangents):
    x, kernel = primals
    d_x, d_kernel = tangents

    def by_patches(x, kernel):
        *window, channels, filters = kernel.shape
        axes = range(1, x.ndim - 1)
        reaches = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
        x, counts = padded(x, axes, reaches, strides, padding, 0)
        patches = jnp.concatenate(
            list(slices(x, axes, window, strides, dilation, counts)), axis=-1
        )  # (batch, spatial..., window * in)
        return flat(lax.dot, patches, kernel.reshape(-1, filters))

    change = lax.platform_dependent(x, d_kernel, cpu=by_patches, default=convolve)
    return convolve(x, kernel), convolve(d_x, kernel) + change


@_compiled("strides", "padding", "dilation", "channels_last")
def depthwise_conv(
    x: jax.Array,
    kernel: jax.Array,
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
    channels_last: bool,
) -> Tensor:
    """Each channel with its own filters. `kernel` is (window..., channels, multiplier)."""
    *window, channels, multiplier = kernel.shape
    axes = range(1, x.ndim - 1) if channels_last else range(2, x.ndim)
    dtype = x.dtype
    exact = jnp.promote_types(dtype, jnp.float32)
    reaches = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    x, counts = padded(x, axes, reaches, strides, padding, 0)
    x = x.astype(exact)
    taps = kernel.astype(exact).reshape(-1, channels, multiplier)
    # Channels stay apart, each with an axis of its filters behind it: (..., channels, multiplier).
    channel_axis = x.ndim - 1 if channels_last else 1
    total: Any = 0
    for values, tap in zip(slices(x, axes, window, strides, dilation, counts), taps, strict=True):
        tap = tap.reshape(channels, multiplier, *(1,) * (0 if channels_last else len(window)))
        total = total + broadcasting.multiply(jnp.expand_dims(values, channel_axis + 1), tap)
    shape = (*total.shape[:channel_axis], channels * multiplier, *total.shape[channel_axis + 2 :])
    return total.reshape(shape).astype(dtype)


def grouped_conv(
    convolve: Callable[[jax.Array, jax.Array], jax.Array],
    x: jax.Array,
    kernel: jax.Array,
    groups: int,
    channel_axis: int,
) -> jax.Array:
    """A grouped convolution as a few plain ones.

    Each is of several groups, with zeros where they do not meet.
    """
    splits = max(d for d in range(1, MOST_SPLITS + 1) if groups % d == 0)
    pairs = zip(jnp.split(x, splits, channel_axis), jnp.split(kernel, splits, -1), strict=True)
    parts = [convolve(part, _block_diagonal(taps, groups // splits)) for part, taps in pairs]
    return jnp.concatenate(parts, channel_axis)


def _block_diagonal(kernel: jax.Array, groups: int) -> jax.Array:
    """(window..., in, groups * out) as (window..., groups * in, groups * out)."""
    if groups == 1:
        return kernel
    *window, channels, filters = kernel.shape
    apart = jnp.moveaxis(
        kernel.reshape(*window, channels, groups, filters // groups), -2, -3
    )  # (window..., groups, in, out)
    # One-hot in the group: zeros where input and output belong to different groups.
    placed = apart[..., None, :] * jnp.eye(groups, dtype=kernel.dtype)[:, None, :, None]
    return placed.reshape(*window, groups * channels, filters)


@_compiled("strides", "padding", "channels_last")
def conv_transpose(
    x: jax.Array,
    kernel: jax.Array,
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    channels_last: bool,
) -> Tensor:
    """A transposed convolution as one matrix product.

    What falls on the same output position is summed.

    Args:
        x: (batch, spatial..., in).
        kernel: (window..., out, in).
        padding: (low, high) for each axis, as for `lax.conv_transpose`.
    """
    if not channels_last:
        moved = conv_transpose(jnp.moveaxis(x, 1, -1), kernel, strides, padding, True)
        return jnp.moveaxis(moved, -1, 1)
    *window, filters, channels = kernel.shape
    rank = len(window)
    dtype = x.dtype
    exact = jnp.promote_types(dtype, jnp.float32)
    columns = lax.dot_general(
        x,
        jnp.moveaxis(kernel, -1, 0).reshape(channels, -1),
        (((rank + 1,), (0,)), ((), ())),
        preferred_element_type=exact,
    )
    # (batch, spatial..., window..., out)
    columns = columns.reshape(*x.shape[:-1], *window, filters)
    # Position a = q * stride + r of the window falls on output (i + q) * stride + r: one block of
    # strides for each q.
    blocks = [-(-size // stride) for size, stride in zip(window, strides, strict=True)]
    total: Any = 0
    for place in itertools.product(*map(range, blocks)):
        block = columns
        config = [(0, 0, 0)]
        config += [(q, count - 1 - q, 0) for q, count in zip(place, blocks, strict=True)]
        for i, (q, stride, size) in enumerate(zip(place, strides, window, strict=True)):
            end = min((q + 1) * stride, size)
            block = lax.slice_in_dim(block, q * stride, end, axis=1 + rank + i)
            config.append((0, (q + 1) * stride - end, 0))
        total = total + lax.pad(block, jnp.zeros((), exact), [*config, (0, 0, 0)])
    lengths = [n + count - 1 for n, count in zip(x.shape[1:-1], blocks, strict=True)]
    # Each axis before the position inside its stride: both become one axis.
    order = [0, *(axis for i in range(rank) for axis in (1 + i, 1 + rank + i)), 1 + 2 * rank]
    out = total.transpose(order).reshape(
        x.shape[0], *(n * s for n, s in zip(lengths, strides, strict=True)), filters
    )
    # What `lax.conv_transpose` pads less than the whole window reaches is cut off (negative pads).
    crop = [
        (low - (size - 1), (n - 1) * stride + size - length * stride + high - (size - 1), 0)
        for n, length, stride, size, (low, high) in zip(
            x.shape[1:-1], lengths, strides, window, padding, strict=True
        )
    ]
    return lax.pad(out, jnp.zeros((), exact), [(0, 0, 0), *crop, (0, 0, 0)]).astype(dtype)
