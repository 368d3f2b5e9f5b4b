"""What convolution layers share: a window that moves over spatial axes, a bias, an activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from fkeras import activations, constraints, initializers, regularizers
from fkeras.core import broadcasting
from fkeras.core.settings import standardize_data_format
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import CommonOptions
from fkeras.ops.windows import spatial_axes
from fkeras.types import DataFormat, Identifier, Shape, Tensor


class Convolution(Layer):
    """The base of all convolutions.

    Subclasses give `rank` (number of spatial axes), their kernels in `build`, and `_convolve`.
    """

    rank: int
    _allows_causal = False  # padding='causal'

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        bias_initializer: Identifier | None = "zeros",
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = arguments.ints_per_axis("kernel_size", kernel_size, self.rank)
        self.strides = arguments.ints_per_axis("strides", strides, self.rank)
        self.padding = arguments.padding(padding, causal=self._allows_causal)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = arguments.ints_per_axis("dilation_rate", dilation_rate, self.rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        # Only a minimum: `compute_output_shape` says more about a rank that is too high.
        self.input_spec = InputSpec(min_ndim=self.rank + 2)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _check_input(self, input_shape: Shape) -> int:
        """The number of input channels, which are fixed from now on.

        Raises where the window does not fit.
        """
        channels = input_shape[self._channel_axis]
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        # For its errors: better here than from XLA at the first call.
        self.compute_output_shape(input_shape)
        return channels

    def _add_bias(self, channels: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(channels,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _add_kernel(self, name: str, shape: Shape, role: str) -> Variable:
        """A weight with the initializer, regularizer and constraint that were given for `role`."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=getattr(self, f"{role}_initializer"),
            regularizer=getattr(self, f"{role}_regularizer"),
            constraint=getattr(self, f"{role}_constraint"),
        )

    def _refuse_strides_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise UserInputError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    def _set_roles(self, **identifiers: Identifier | None) -> None:
        """Sets attributes `<role>_initializer`, `<role>_regularizer`, `<role>_constraint`.

        The functions come from what the constructor got under these names.
        """
        modules = {
            "initializer": initializers,
            "regularizer": regularizers,
            "constraint": constraints,
        }
        for name, identifier in identifiers.items():
            kind = name.rsplit("_", 1)[1]
            setattr(self, name, modules[kind].get(identifier))

    def _options(self) -> dict[str, Any]:
        """Arguments for the functions of `fkeras.ops`."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def _convolve(self, inputs: Tensor) -> Tensor:
        """The convolution without bias and activation."""
        raise NotImplementedError(f"{type(self).__name__} must define `_convolve(inputs)`.")

    def call(self, inputs: Tensor) -> Tensor:
        outputs = self._convolve(inputs)
        if self.bias is not None:
            bias = self.bias.value
            if self.data_format == "channels_first":
                bias = bias.reshape(-1, *(1,) * self.rank)  # (channels, 1, ...)
            outputs = broadcasting.add(outputs, bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _output_channels(self, channels: int | None) -> int | None:
        return self.filters

    def _output_length(self, size: int, window: int, stride: int, axis: int) -> int:
        """Positions along one axis; `window` is the reach of the dilated window."""
        return (size - (window if self.padding == "valid" else 1)) // stride + 1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape, channel_axis = list(input_shape), self._channel_axis
        if len(shape) != self.rank + 2:
            raise UserInputError(
                f"{type(self).__name__} '{self.name}' takes inputs of rank {self.rank + 2} (batch, "
                f"{self.rank} spatial {'axis' if self.rank == 1 else 'axes'}, channels). Received: "
                f"input_shape={tuple(shape)}"
            )
        for i, axis in enumerate(spatial_axes(len(shape), self.data_format)):
            # A size that may vary gives one that may vary.
            if shape[axis] is None:
                continue
            # Its reach, with the holes between the points that it sees.
            window = (self.kernel_size[i] - 1) * self.dilation_rate[i] + 1
            shape[axis] = self._output_length(shape[axis], window, self.strides[i], i)
            if shape[axis] <= 0:
                raise UserInputError(
                    "Computed output size would be zero or negative: the input is smaller than "
                    f"the kernel. Received `inputs shape={tuple(input_shape)}`, "
                    f"`kernel_size={self.kernel_size}`, `dilation_rate={self.dilation_rate}`, "
                    f"`strides={self.strides}`, `padding={self.padding}`. Use padding='same', or "
                    "fewer strides before."
                )
        shape[channel_axis] = self._output_channels(shape[channel_axis])
        return tuple(shape)


def checked_count(name: str, value: int | None) -> int | None:
    """`value` as an int, if it is a positive one or None."""
    if value is None:
        return None
    value = arguments.whole(value)
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value <= 0:
        raise UserInputError(
            f"Invalid value for argument `{name}`. Expected a strictly positive value. Received "
            f"{name}={value}."
        )
    return int(value)
