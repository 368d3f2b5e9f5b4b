"""DepthwiseConv1D and DepthwiseConv2D: each channel with its own filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from fkeras import ops
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.convolutional.convolution import Convolution, checked_count
from fkeras.types import DataFormat, Identifier, Shape, Tensor


class _DepthwiseConv(Convolution):
    """What the depthwise convolutions are, of whatever rank."""

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        depthwise_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        depthwise_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        depthwise_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.depth_multiplier = checked_count("depth_multiplier", depth_multiplier)
        self._set_roles(
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
        )

    def build(self, input_shape: Shape) -> None:
        channels = self._check_input(input_shape)
        # (*window, channels, multiplier); filters of one channel stand side by side in the output.
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise"
        )
        self._add_bias(channels * self.depth_multiplier)

    def _convolve(self, inputs: Tensor) -> Tensor:
        return ops.depthwise_conv(inputs, self.kernel, **self._options())

    def _output_channels(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self.depth_multiplier


class DepthwiseConv1D(_DepthwiseConv):
    """Convolution of each channel of a sequence with its own filters; channels are not mixed.

    Args:
        kernel_size: length of the window.
        strides: steps from one position of the window to the next.
        padding: `'valid'` or `'same'`.
        depth_multiplier: number of filters, and so of output channels, for each input channel.
        data_format, dilation_rate, activation, use_bias, the bias's initializer, regularizer and
        constraint: as in `Conv1D`.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel.

    Shape:
        `(batch, steps, channels)` -> `(batch, positions, channels * depth_multiplier)`. Kernel
        `(kernel_size, channels, depth_multiplier)`, bias `(channels * depth_multiplier,)`.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.DepthwiseConv1D(3, depth_multiplier=2)
        >>> variables = layer.init(jax.random.key(0), (1, 10, 4))
        >>> jax.tree.map(lambda a: a.shape, variables["params"])
        {'bias': (8,), 'kernel': (3, 4, 2)}
    """

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Convolution of each channel of an image with its own filters.

    Arguments as in `DepthwiseConv1D`, with an int or one per axis.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, rows, columns, channels * depth_multiplier)`,
        fewer rows and columns as padding and strides say. Kernel
        `(*kernel_size, channels, depth_multiplier)`.

    Examples:
        >>> import fkeras
        >>> fkeras.layers.DepthwiseConv2D(3, padding="same").compute_output_shape((None, 8, 8, 3))
        (None, 8, 8, 3)
    """

    rank = 2

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Identifier | None = None,
        use_bias: bool = True,
        depthwise_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        depthwise_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        depthwise_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
