"""Convolutions and pooling against loops in NumPy, over paddings, strides, dilations and groups."""

import itertools

import jax
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def windows(x, size, strides, dilation, padding, value=0.0):
    """Blocks of x (batch, spatial..., channels): (batch, places..., window..., channels)."""
    spatial = x.ndim - 2
    for axis in range(spatial):
        n, reach = x.shape[1 + 2 * axis], (size[axis] - 1) * dilation[axis] + 1
        if padding == "same":
            count = -(-n // strides[axis])
            total = max((count - 1) * strides[axis] + reach - n, 0)
            pads = [(0, 0)] * x.ndim
            pads[1 + 2 * axis] = (total // 2, total - total // 2)
            x = np.pad(x, pads, constant_values=value)
        else:
            count = (n - reach) // strides[axis] + 1
        index = np.arange(count)[:, None] * strides[axis]
        index = index + np.arange(size[axis]) * dilation[axis]
        x = np.take(x, index, axis=1 + 2 * axis)  # the axis becomes (place, window)
    places, inside = range(1, 2 * spatial, 2), range(2, 2 * spatial + 1, 2)
    return x.transpose(0, *places, *inside, x.ndim - 1)


def convolved(x, kernel, strides, dilation, padding, groups):
    """A grouped convolution, channels last, one group after the other."""
    spatial = x.ndim - 2
    summed = tuple(range(-spatial - 1, 0)), tuple(range(spatial + 1))
    parts = []
    for part, taps in zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True):
        blocks = windows(part, kernel.shape[:spatial], strides, dilation, padding)
        parts.append(np.tensordot(blocks, taps, summed))
    return np.concatenate(parts, -1)


# spatial sizes, window, strides, dilation, groups
CONVOLUTIONS = [
    ((9,), (3,), (1,), (1,), 1),
    ((9,), (2,), (3,), (1,), 2),
    ((9,), (3,), (1,), (2,), 4),
    ((7, 6), (3, 2), (2, 1), (1, 1), 1),
    ((7, 6), (2, 2), (1, 1), (2, 3), 2),
    ((7, 6), (1, 1), (2, 2), (1, 1), 1),
    ((7, 6), (3, 3), (2, 2), (1, 1), 4),
    ((4, 5, 3), (2, 3, 1), (1, 2, 1), (1, 1, 1), 2),
]


@pytest.mark.parametrize("padding", ["valid", "same", "SAME"])
@pytest.mark.parametrize("row", CONVOLUTIONS, ids=str)
def test_a_convolution_is_the_sum_over_its_windows(row, padding):
    sizes, window, strides, dilation, groups = row
    x, kernel = normal(2, *sizes, 4), normal(*window, 4 // groups, 8)
    expected = convolved(x, kernel, strides, dilation, padding.lower(), groups)
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    out = ops.conv(x, kernel, **options)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)
    symbolic = ops.conv(KerasTensor((None, *x.shape[1:])), kernel, **options)
    assert symbolic.shape == (None, *expected.shape[1:])
    first = ops.conv(np.moveaxis(x, -1, 1), kernel, data_format="channels_first", **options)
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_a_depthwise_convolution_has_a_group_for_each_channel(multiplier, padding):
    x, kernel = normal(2, 7, 6, 3), normal(2, 3, 3, multiplier)
    out = ops.depthwise_conv(x, kernel, strides=(2, 1), padding=padding)
    flat = kernel.reshape(2, 3, 1, 3 * multiplier)
    np.testing.assert_allclose(
        out, convolved(x, flat, (2, 1), (1, 1), padding, 3), rtol=1e-4, atol=1e-5
    )
    mixed = ops.separable_conv(x, kernel, np.ones((1, 1, 3 * multiplier, 2), "float32"), (2, 1))
    whole = ops.depthwise_conv(x, kernel, (2, 1)).sum(-1)
    np.testing.assert_allclose(mixed[..., 0], whole, rtol=1e-4, atol=1e-5)


POOLS = [((9,), (3,), (2,)), ((7, 6), (2, 3), (1, 2)), ((4, 5, 3), (2, 2, 2), (1, 1, 2))]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("row", POOLS, ids=str)
def test_a_pool_takes_the_largest_or_the_mean_of_what_lies_inside(row, padding, data_format):
    sizes, window, strides = row
    x = normal(2, *sizes, 3)
    blocks = windows(x, window, strides, (1,) * len(sizes), padding, np.nan)
    inside = tuple(range(1 + len(sizes), 1 + 2 * len(sizes)))
    first = data_format == "channels_first"
    inputs = np.moveaxis(x, -1, 1) if first else x
    for pool, reference in ((ops.max_pool, np.nanmax), (ops.average_pool, np.nanmean)):
        out = pool(inputs, window, strides, padding, data_format)
        out = np.moveaxis(out, 1, -1) if first else out
        np.testing.assert_allclose(out, reference(blocks, inside), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("size", "count"), [(7, 3), (6, 6), (5, 1), (3, 5)])
def test_adaptive_windows_cover_each_position(size, count):
    x = normal(1, size, 2)
    spans = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
    means = np.stack([x[:, a:b].mean(1) for a, b in spans], 1)
    largest = np.stack([x[:, a:b].max(1) for a, b in spans], 1)
    np.testing.assert_allclose(ops.adaptive_average_pool(x, count), means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.adaptive_max_pool(x, (count,)), largest)


@pytest.mark.parametrize(
    ("padding", "output_padding", "strides", "dilation"),
    [
        *itertools.product(("valid", "same"), (None,), (1, 2, 3), (1,)),
        ("valid", 1, 2, 1),
        ("same", None, 1, 2),
    ],
)
def test_a_transposed_convolution_is_the_gradient_of_a_convolution(
    padding, output_padding, strides, dilation
):
    x, kernel = normal(2, 5, 3), normal(3, 4, 3)  # (window, out, in)
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    out = ops.conv_transpose(x, kernel, output_padding=output_padding, **options)
    convolve = lambda y: ops.conv(y, kernel, **options)
    _, pull_back = jax.vjp(convolve, np.zeros(out.shape, "float32"))
    np.testing.assert_allclose(out, pull_back(x)[0], rtol=1e-4, atol=1e-5)
    n, reach = x.shape[1], 2 * dilation + 1
    if output_padding is None:
        grown = n * strides if padding == "same" else (n - 1) * strides + max(reach, strides)
    else:
        grown = (n - 1) * strides + reach + output_padding
    assert out.shape == (2, grown, 4)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2}], ids=str)
def test_unfolded_blocks_are_the_windows_channel_by_channel(options):
    x = normal(2, 3, 6, 7)
    arguments = {"stride": 1, "padding": 0, "dilation": 1} | options
    p = arguments["padding"]
    padded = np.moveaxis(np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))), 1, -1)
    twice = lambda name: (arguments[name],) * 2
    blocks = windows(padded, (2, 3), twice("stride"), twice("dilation"), "valid")
    batch, rows, columns = blocks.shape[:3]
    expected = blocks.transpose(0, 5, 3, 4, 1, 2).reshape(batch, 18, rows * columns)
    np.testing.assert_array_equal(ops.unfold(x, (2, 3), **options), expected)


def test_blocks_of_space_and_depth_undo_each_other():
    x = normal(2, 4, 6, 3)
    deep = ops.space_to_depth(x, 2)
    np.testing.assert_array_equal(deep[0, 0, 0], x[0, :2, :2].reshape(-1))
    np.testing.assert_array_equal(ops.depth_to_space(deep, 2), x)


ERRORS = [
    (lambda: ops.conv(normal(2, 5, 3), normal(2, 3, 4), strides=(1, 2)), "an int or 1 ints"),
    (lambda: ops.conv(normal(2, 5, 3), normal(2, 3, 4), padding="causal"), "Invalid padding"),
    (lambda: ops.conv(normal(5, 3), normal(3, 4)), "inputs must be \\(batch"),
    (lambda: ops.conv(normal(2, 5, 3), normal(2, 3, 4), data_format="first"), "data_format"),
    (
        lambda: ops.conv_transpose(normal(2, 5, 3), normal(2, 4, 3), output_padding=(1, 1)),
        "output_padding",
    ),
    (lambda: ops.average_pool(normal(5, 3), 2), "rank 3 or more"),
    (lambda: ops.adaptive_max_pool(normal(2, 3), 2), "1, 2 or 3 spatial axes"),
    (lambda: ops.depth_to_space(normal(2, 4, 4), 2), "requires a 4D input"),
    (lambda: ops.depth_to_space(normal(1, 4, 4, 4), 1), "`block_size` must be at least 2"),
    (lambda: ops.space_to_depth(normal(1, 4, 5, 4), 2), "Width \\(5\\)"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()
