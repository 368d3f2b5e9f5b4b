"""SeparableConv1D and SeparableConv2D: each channel by itself, then the channels mixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from fkeras import ops
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.convolutional.convolution import Convolution, checked_count
from fkeras.types import DataFormat, Identifier, Shape, Tensor


class _SeparableConv(Convolution):
    """What the separable convolutions are, of whatever rank."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        depthwise_initializer: Identifier | None = "glorot_uniform",
        pointwise_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        depthwise_regularizer: Identifier | None = None,
        pointwise_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        depthwise_constraint: Identifier | None = None,
        pointwise_constraint: Identifier | None = None,
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
        self.filters = checked_count("filters", filters)
        self.depth_multiplier = checked_count("depth_multiplier", depth_multiplier)
        self._set_roles(
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_initializer=pointwise_initializer,
            pointwise_regularizer=pointwise_regularizer,
            pointwise_constraint=pointwise_constraint,
        )

    def build(self, input_shape: Shape) -> None:
        channels = self._check_input(input_shape)
        # (*window, channels, multiplier)
        self.depthwise_kernel = self._add_kernel(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise"
        )
        # (1, ..., 1, channels * multiplier, filters): a matrix product at each position.
        self.pointwise_kernel = self._add_kernel(
            "pointwise_kernel",
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            "pointwise",
        )
        self._add_bias(self.filters)

    def _convolve(self, inputs: Tensor) -> Tensor:
        return ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, **self._options()
        )


class SeparableConv1D(_SeparableConv):
    """A `DepthwiseConv1D` followed by a convolution of window size 1 that mixes the channels.

    Args:
        filters: number of output channels.
        kernel_size: length of the window.
        strides: steps from one position of the window to the next.
        padding: `'valid'` or `'same'`.
        depth_multiplier: number of filters for each input channel in the first part.
        data_format, dilation_rate, activation, use_bias, the bias's initializer, regularizer and
            constraint: as in `Conv1D`.
        depthwise_initializer, pointwise_initializer and the regularizers and constraints of these
            names: of the two kernels.

    Shape:
        `(batch, steps, channels)` -> `(batch, positions, filters)`. Kernels
        `(kernel_size, channels, depth_multiplier)` and `(1, channels * depth_multiplier, filters)`,
        bias `(filters,)`.

    Examples:
        >>> import fkeras, jax
        >>> variables = fkeras.layers.SeparableConv1D(5, 3).init(jax.random.key(0), (1, 10, 4))
        >>> jax.tree.map(lambda a: a.shape, variables["params"])
        {'bias': (5,), 'depthwise_kernel': (3, 4, 1), 'pointwise_kernel': (1, 4, 5)}
    """

    rank = 1


class SeparableConv2D(_SeparableConv):
    """A `DepthwiseConv2D` followed by a 1 x 1 convolution.

    Arguments as in `SeparableConv1D`, with an int or one per axis.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, rows, columns, filters)`, fewer rows and
        columns as padding and strides say. Kernels `(*kernel_size, channels, depth_multiplier)` and
        `(1, 1, channels * depth_multiplier, filters)`.
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        depth_multiplier: int = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        depthwise_initializer: Identifier | None = "glorot_uniform",
        pointwise_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        depthwise_regularizer: Identifier | None = None,
        pointwise_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        depthwise_constraint: Identifier | None = None,
        pointwise_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            depth_multiplier=depth_multiplier,
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
