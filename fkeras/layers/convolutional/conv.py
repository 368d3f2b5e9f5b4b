"""Conv1D, Conv2D and Conv3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax.numpy as jnp
import numpy as np

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base.low_rank import LowRankAdaptable, adapted_weight
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.convolutional.convolution import Convolution, checked_count
from fkeras.types import DataFormat, Identifier, Shape, Tensor


class _Conv(LowRankAdaptable, Convolution):
    """What `Conv1D`, `Conv2D` and `Conv3D` are, of whatever rank."""

    kernel = adapted_weight("kernel")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
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
        lora_rank, lora_alpha = kwargs.pop("lora_rank", None), kwargs.pop("lora_alpha", None)
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
        if not isinstance(groups, (int, np.integer)) or groups <= 0:
            raise UserInputError(
                f"The number of groups must be a positive integer. Received: groups={groups}."
            )
        self.groups = int(groups)
        if filters is not None and filters % groups:
            raise UserInputError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )
        self._set_roles(
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )
        self._ask_for_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Shape) -> None:
        channels = self._check_input(input_shape)
        if channels is not None and channels % self.groups:
            raise UserInputError(
                "The number of input channels must be evenly divisible by the number of groups. "
                f"Received groups={self.groups}, but the input has {channels} channels (full input "
                f"shape is {tuple(input_shape)})."
            )
        # Each filter sees the channels of its own group only.
        per_group = channels if channels is None else channels // self.groups
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, per_group, self.filters), "kernel"
        )
        self._add_bias(self.filters)
        self._make_lora_asked_for()

    def _convolve(self, inputs: Tensor) -> Tensor:
        # By the method, and with the Variable: overrides of `convolution_op` are Keras's way to
        # change a kernel before it is used. So adapters are added to the kernel, not multiplied.
        return self.convolution_op(inputs, self.kernel)

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The bare convolution.

        Override it for a kernel that is computed (weight standardisation and the like).
        """
        return ops.conv(inputs, kernel, **self._options())


class Conv1D(_Conv):
    """Convolution over the steps of a sequence.

    Args:
        filters: number of output channels.
        kernel_size: length of the window.
        strides: steps from one position of the window to the next.
        padding: `'valid'`, `'same'` (ceil(steps / strides) positions), or `'causal'` (zeros before
            the first step, so that no output depends on later steps).
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        dilation_rate: distance between the steps that a window sees.
        groups: number of groups of channels that are convolved by themselves.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: functions of the weights that add to the loss.
        activity_regularizer: function of the output that adds to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        lora_rank: rank of a low-rank update that is trained in place of the kernel, which is held
            fixed; None for none. By keyword, as `lora_alpha`. `enable_lora(rank)` does it to a
            layer that has been trained.
        lora_alpha: the update is `lora_alpha / lora_rank * a @ b`; None for `lora_rank`.

    Shape:
        `(batch, steps, channels)` -> `(batch, positions, filters)`. Kernel
        `(kernel_size, channels / groups, filters)`, bias `(filters,)`.

    Raises:
        UserInputError: arguments out of range, channels that do not fit, an input that is smaller
            than the kernel.

    Examples:
        >>> import fkeras, jax
        >>> variables = fkeras.layers.Conv1D(4, 3).init(jax.random.key(0), (2, 10, 8))
        >>> jax.tree.map(lambda a: a.shape, variables["params"])
        {'bias': (4,), 'kernel': (3, 8, 4)}
    """

    rank = 1
    _takes_steps = True
    _allows_causal = True

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        if self.padding != "causal":
            return super().convolution_op(inputs, kernel)
        # Zeros before the first step: as many as the window reaches back.
        widths = [(0, 0), (0, 0), (0, 0)]
        steps_axis = 1 if self.data_format == "channels_last" else 2
        widths[steps_axis] = ((self.kernel_size[0] - 1) * self.dilation_rate[0], 0)
        options = {**self._options(), "padding": "valid"}
        return ops.conv(jnp.pad(inputs, widths), kernel, **options)


class Conv2D(_Conv):
    """Convolution over the rows and columns of an image.

    Arguments as in `Conv1D`, with an int or one per axis; no `'causal'` padding.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, rows, columns, filters)`, fewer rows and
        columns as padding and strides say. Kernel `(*kernel_size, channels / groups, filters)`,
        bias `(filters,)`.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")
        >>> variables = layer.init(jax.random.key(0), (2, 8, 8, 3))
        >>> layer.apply(variables, jax.numpy.ones((2, 8, 8, 3)))[0].shape
        (2, 4, 4, 4)
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
        groups: int = 1,
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
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
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


class Conv3D(_Conv):
    """Convolution over the three axes of a volume.

    Arguments as in `Conv1D`, with an int or one per axis; no `'causal'` padding.

    Shape:
        `(batch, a, b, c, channels)` -> `(batch, a, b, c, filters)`, shorter as padding and strides
        say. Kernel `(*kernel_size, channels / groups, filters)`, bias `(filters,)`.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1, 1),
        padding: str = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = (1, 1, 1),
        groups: int = 1,
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
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
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
