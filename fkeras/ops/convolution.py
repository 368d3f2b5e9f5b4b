"""Convolutions of 1, 2, 3 or more spatial axes, over `jax.lax`.

Shapes, with `data_format='channels_last'`: inputs (batch, spatial..., in), kernel (spatial..., in,
out). A kernel with fewer input channels than the inputs makes a grouped convolution.
"""

from __future__ import annotations

import functools
import inspect

import jax
from jax import lax

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.evaluate import evaluate
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import OpDecorator, op
from fkeras.errors import UserInputError
from fkeras.ops import cpu_windows
from fkeras.ops.tensors import as_array
from fkeras.ops.windows import check_padding, per_axis
from fkeras.types import Axis, DataFormat, Tensor, TensorLike


def _channel_axis(data_format: DataFormat | None) -> int:
    return -1 if standardize_data_format(data_format) == "channels_last" else 1


def _dimension_numbers(ndim: int, data_format: DataFormat | None) -> lax.ConvDimensionNumbers:
    """Where `lax` finds batch, channels and space."""
    spatial = tuple(range(1, ndim - 1)) if data_format == "channels_last" else tuple(range(2, ndim))
    # Input and output have one layout; the kernel is (spatial..., in, out) in both formats.
    batch_channels_spatial = (0, ndim - 1 if data_format == "channels_last" else 1, *spatial)
    return lax.ConvDimensionNumbers(
        batch_channels_spatial, (ndim - 1, ndim - 2, *range(ndim - 2)), batch_channels_spatial
    )


def _check_channels(
    name: str,
    inputs: jax.Array,
    kernel: jax.Array,
    data_format: DataFormat | None,
    kernel_axis: int,
    grouped: bool = False,
) -> None:
    """Raises unless ranks agree and the inputs have the channels that the kernel wants."""
    if inputs.ndim < 3 or kernel.ndim != inputs.ndim:
        raise UserInputError(
            f"{name}: inputs must be (batch, spatial..., channels) and the kernel of the same "
            "rank, with one axis per spatial axis and two for channels. Received: "
            f"inputs.shape={inputs.shape}, kernel.shape={kernel.shape}."
        )
    channels = inputs.shape[_channel_axis(data_format)]
    expected = kernel.shape[kernel_axis]
    if channels % expected if grouped else channels != expected:
        raise UserInputError(
            f"{name}: the number of input channels must match the kernel's input channels"
            + (" or, for a grouped convolution, be evenly divisible by them" if grouped else "")
            + f". Received: input channels={channels}, kernel input channels={expected}, "
            f"data_format='{data_format}', inputs.shape={inputs.shape}, "
            f"kernel.shape={kernel.shape}."
        )


def _op(kernel_axis: int) -> OpDecorator:
    """`op` for functions of (inputs, kernel, ...).

    Unknown input channels of a KerasTensor are those that the kernel wants.
    """

    def decorate(fn):
        signature = inspect.signature(fn)

        def spec(*args, **kwargs) -> KerasTensor:
            call = signature.bind(*args, **kwargs)
            inputs, kernel = call.args[:2]
            axis = _channel_axis(call.arguments.get("data_format"))
            # Two trial sizes of unknown channels would not fit the kernel's.
            if isinstance(inputs, KerasTensor) and inputs.ndim > 2 and inputs.shape[axis] is None:
                shape = list(inputs.shape)
                shape[axis] = kernel.shape[kernel_axis]
                call.arguments["inputs"] = KerasTensor(shape, inputs.dtype)
            return evaluate(fn, *call.args, **call.kwargs)

        return op(fn, spec=spec)

    return decorate


@_op(kernel_axis=-2)
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Axis = 1,
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = 1,
) -> Tensor:
    """Convolution (cross-correlation, as everywhere in deep learning).

    Grouped if the kernel has fewer input channels than the inputs.

    Args:
        inputs: (batch, spatial..., in), or (batch, in, spatial...) for `'channels_first'`; cast to
            the kernel's dtype.
        kernel: (spatial..., in / groups, out).
        strides, dilation_rate: an int or one int per spatial axis.
        padding: `'valid'`, or `'same'` for ceil(size / stride) positions.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Raises:
        UserInputError: channels that do not fit, or a kernel that is larger than the inputs.

    Examples:
        >>> from fkeras import ops
        >>> x, kernel = ops.ones((2, 8, 8, 3)), ops.ones((3, 3, 3, 4))
        >>> ops.conv(x, kernel, strides=2, padding="same").shape
        (2, 4, 4, 4)
    """
    data_format = standardize_data_format(data_format)
    inputs, kernel = as_array(inputs), as_array(kernel)
    _check_channels("conv", inputs, kernel, data_format, -2, grouped=True)
    groups = inputs.shape[_channel_axis(data_format)] // kernel.shape[-2]
    if kernel.shape[-1] % groups:
        raise UserInputError(
            f"conv: {groups} groups (input channels / kernel input channels) must divide the "
            f"kernel's {kernel.shape[-1]} filters. Received: inputs.shape={inputs.shape}, "
            f"kernel.shape={kernel.shape}."
        )
    return _convolve(
        "conv",
        inputs.astype(kernel.dtype),
        kernel,
        strides,
        padding,
        data_format,
        dilation_rate,
        groups,
    )


def _convolve(
    name: str,
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Axis,
    padding: str,
    data_format: DataFormat,
    dilation_rate: Axis,
    groups: int,
) -> jax.Array:
    """A checked convolution, in the form that is fast on this device."""
    spatial = inputs.ndim - 2
    strides = per_axis("strides", strides, spatial)
    dilation = per_axis("dilation_rate", dilation_rate, spatial)
    padding = check_padding(padding)
    convolve = functools.partial(
        _by_xla,
        strides=strides,
        padding=padding,
        dilation=dilation,
        dimension_numbers=_dimension_numbers(inputs.ndim, data_format),
    )
    channels_last = data_format == "channels_last"
    window = kernel.shape[:-2]
    if not cpu_windows.preferred():
        result = convolve(inputs, kernel, groups)
    elif groups == 1:
        if channels_last and window == (1,) * spatial:
            result = cpu_windows.pointwise_conv(inputs, kernel, strides)
        elif channels_last and cpu_windows.small_patches(kernel):
            result = cpu_windows.conv_of_small_patches(
                convolve, strides, padding, dilation, inputs, kernel
            )
        else:
            result = convolve(inputs, kernel)
    elif kernel.shape[-2] == 1 and cpu_windows.few_positions(window):
        channels_apart = kernel.reshape(*window, groups, kernel.shape[-1] // groups)
        result = cpu_windows.depthwise_conv(
            inputs, channels_apart, strides, padding, dilation, channels_last
        )
    else:
        channel_axis = inputs.ndim - 1 if channels_last else 1
        result = cpu_windows.grouped_conv(convolve, inputs, kernel, groups, channel_axis)
    if result.size == 0 and inputs.size != 0:
        raise UserInputError(
            f"{name}: the convolution operation resulted in an empty output, of shape "
            f"{result.shape}: the input is too small for the kernel. Received: "
            f"inputs.shape={inputs.shape}, kernel.shape={kernel.shape}, strides={strides}, "
            f"dilation_rate={dilation_rate}, padding='{padding}'. Use padding='same', a smaller "
            "kernel or fewer strided layers before."
        )
    return result


def _by_xla(
    inputs: jax.Array,
    kernel: jax.Array,
    groups: int = 1,
    *,
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
    dimension_numbers: lax.ConvDimensionNumbers,
) -> jax.Array:
    """XLA's own convolution."""
    return lax.conv_general_dilated(
        inputs,
        kernel,
        strides,
        padding,
        rhs_dilation=dilation,
        feature_group_count=groups,
        dimension_numbers=dimension_numbers,
    )


@_op(kernel_axis=-2)
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Axis = 1,
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = 1,
) -> Tensor:
    """Each input channel with its own filters.

    A kernel (spatial..., in, multiplier) gives in * multiplier channels.

    Other arguments as in `conv`.
    """
    data_format = standardize_data_format(data_format)
    inputs, kernel = as_array(inputs), as_array(kernel)
    _check_channels("depthwise_conv", inputs, kernel, data_format, -2)
    *window, channels, multiplier = kernel.shape
    # As many groups as channels: filters of one channel stand side by side.
    kernel = kernel.reshape(*window, 1, channels * multiplier)
    return _convolve(
        "depthwise_conv",
        inputs.astype(kernel.dtype),
        kernel,
        strides,
        padding,
        data_format,
        dilation_rate,
        channels,
    )


@_op(kernel_axis=-2)
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Axis = 1,
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = 1,
) -> Tensor:
    """`depthwise_conv`, then a `conv` of window size 1 that mixes channels.

    The shape of pointwise_kernel is (1..., in * multiplier, out).
    """
    filtered = depthwise_conv(
        inputs, depthwise_kernel, strides, padding, data_format, dilation_rate
    )
    return conv(filtered, pointwise_kernel, data_format=data_format)


@_op(kernel_axis=-1)
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Axis = 1,
    padding: str = "valid",
    output_padding: Axis | None = None,
    data_format: DataFormat | None = None,
    dilation_rate: Axis = 1,
) -> Tensor:
    """Transposed convolution, often used to upsample.

    It is the gradient of `conv` with respect to its inputs.

    With k = (kernel size - 1) * dilation + 1, an axis of size n becomes n * stride for `'same'`, (n
    - 1) * stride + max(k, stride) for `'valid'`; with `output_padding` p, (n - 1) * stride + k % 2
      + p and (n - 1) * stride + k + p.

    Args:
        inputs: (batch, spatial..., in), or (batch, in, spatial...) for `'channels_first'`.
        kernel: (spatial..., out, in): the channels are the other way round than in `conv`.
        output_padding: None, or an int (or one per spatial axis) that is added at the end of each
            axis.

    Examples:
        >>> from fkeras import ops
        >>> x, kernel = ops.ones((1, 4, 4, 3)), ops.ones((3, 3, 5, 3))
        >>> ops.conv_transpose(x, kernel, strides=2, padding="same").shape
        (1, 8, 8, 5)
    """
    data_format = standardize_data_format(data_format)
    inputs, kernel = as_array(inputs), as_array(kernel)
    _check_channels("conv_transpose", inputs, kernel, data_format, -1)
    inputs = inputs.astype(kernel.dtype)
    spatial = inputs.ndim - 2
    strides = per_axis("strides", strides, spatial)
    dilation = per_axis("dilation_rate", dilation_rate, spatial)
    extra = (None,) * spatial
    if output_padding is not None:
        extra = per_axis("output_padding", output_padding, spatial)
    padding = check_padding(padding)
    # How far each dilated window reaches; zip stops before the kernel's channels.
    windows = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
    around = tuple(
        _transpose_padding(*axis, padding) for axis in zip(windows, strides, extra, strict=True)
    )
    # Without strides or with dilation, XLA's own form is as fast on a CPU.
    upsamples = max(strides) > 1 and max(dilation) == 1
    if upsamples and cpu_windows.preferred() and cpu_windows.few_positions(windows):
        return cpu_windows.conv_transpose(
            inputs, kernel, strides, around, data_format == "channels_last"
        )
    return lax.conv_transpose(
        inputs,
        kernel,
        strides,
        around,
        rhs_dilation=dilation,
        dimension_numbers=_dimension_numbers(inputs.ndim, data_format),
        transpose_kernel=True,
    )


def _transpose_padding(
    window: int, stride: int, extra: int | None, padding: str
) -> tuple[int, int]:
    """(low, high) for `lax.conv_transpose` along one axis.

    Its output has (n - 1) * stride - window + 2 + low + high positions.
    """
    if padding == "VALID":  # every product counts: a whole window beyond both ends
        return window - 1, window - 1 + (max(stride - window, 0) if extra is None else extra)
    total = stride + window - 2 if extra is None else window + window % 2 - 2 + extra
    low = min(-(-total // 2), window - 1)  # the larger half before, as the forward pass has after
    return low, total - low
