"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose: convolutions that enlarge their input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.convolutional.convolution import Convolution, checked_count
from fkeras.types import DataFormat, Identifier, Shape, Tensor


class _ConvTranspose(Convolution):
    """What the transposed convolutions are, of whatever rank."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
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
        self._refuse_strides_with_dilation()
        self.filters = checked_count("filters", filters)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = arguments.ints_per_axis(
                "output_padding", output_padding, self.rank, allow_zero=True
            )
            # As many added positions as a stride has would be one more input.
            if any(p >= s for p, s in zip(self.output_padding, self.strides)):
                raise UserInputError(
                    "`output_padding` must be strictly less than `strides` for all dimensions. "
                    f"Received: output_padding={self.output_padding}, strides={self.strides}"
                )
        self._set_roles(
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )

    def build(self, input_shape: Shape) -> None:
        channels = self._check_input(input_shape)
        # (*window, filters, channels): a convolution's kernel from the filters to the channels.
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, self.filters, channels), "kernel"
        )
        self._add_bias(self.filters)

    def _convolve(self, inputs: Tensor) -> Tensor:
        return ops.conv_transpose(
            inputs, self.kernel, output_padding=self.output_padding, **self._options()
        )

    def _output_length(self, size: int, window: int, stride: int, axis: int) -> int:
        is_same = self.padding == "same"
        if self.output_padding is None:
            return size * stride if is_same else (size - 1) * stride + max(window, stride)
        # With 'same' and an even window, as many positions are cut off as the window has; with an
        # odd one, one less.
        reach = window % 2 if is_same else window
        return (size - 1) * stride + reach + self.output_padding[axis]


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over the steps of a sequence, used to upsample.

    It is the gradient of `Conv1D` with respect to its input.

    Args:
        filters: number of output channels.
        kernel_size: length of the window.
        strides: how many times longer the output gets.
        padding: `'valid'` (all positions), or `'same'` (steps * strides).
        output_padding: steps added at the end, fewer than `strides`; None: found from `padding`.
        data_format, dilation_rate, activation, use_bias, the initializers, regularizers and
        constraints: as in `Conv1D`.

    Shape:
        `(batch, steps, channels)` -> `(batch, longer, filters)`. Kernel
        `(kernel_size, filters, channels)`, bias `(filters,)`.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.Conv1DTranspose(4, 3, strides=2, padding="same")
        >>> layer.compute_output_shape((None, 10, 8))
        (None, 20, 4)
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over an image.

    Arguments as in `Conv1DTranspose`, with an int or one per axis.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, more rows, more columns, filters)`. Kernel
        `(*kernel_size, filters, channels)`.

    Examples:
        >>> import fkeras, jax
        >>> variables = fkeras.layers.Conv2DTranspose(5, 3).init(jax.random.key(0), (1, 4, 4, 2))
        >>> variables["params"]["kernel"].shape
        (3, 3, 5, 2)
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            output_padding=output_padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over a volume.

    Arguments as in `Conv1DTranspose`, with an int or one per axis.

    Shape:
        `(batch, a, b, c, channels)` -> `(batch, longer a, b, c, filters)`. Kernel
        `(*kernel_size, filters, channels)`.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1, 1),
        padding: str = "valid",
        data_format: DataFormat | None = None,
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = (1, 1, 1),
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            output_padding=output_padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
