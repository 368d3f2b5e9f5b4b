"""Convolutions that share no weights between places, which Keras 3 dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax

from fkeras import activations, constraints, initializers, ops, regularizers
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import CommonOptions

if TYPE_CHECKING:
    from fkeras.types import Axis, DataFormat, Identifier, Shape, Tensor


class _LocallyConnected(Layer):
    """What both have in common. Windows are cut out as rows, each with a matrix of its own."""

    _rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Axis,
        strides: Axis = 1,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        implementation: int = 1,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if padding != "valid":
            raise UserInputError(
                f"{type(self).__name__}: `padding` must be 'valid': places at a border would have "
                f"weights that never count. Received: {padding!r}"
            )
        self.filters = filters
        self.kernel_size = arguments.ints_per_axis("kernel_size", kernel_size, self._rank)
        self.strides = arguments.ints_per_axis("strides", strides, self._rank)
        self.padding = padding
        self.data_format = standardize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.implementation = implementation
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _places(self, shape: Shape) -> tuple[int, ...]:
        """How many windows there are along each axis; `shape` has the channels last."""
        sizes = zip(shape[1:-1], self.kernel_size, self.strides)
        return tuple((size - window) // step + 1 for size, window, step in sizes)

    def _channels_last(self, shape: Shape) -> Shape:
        if self.data_format == "channels_last":
            return tuple(shape)
        return (shape[0], *shape[2:], shape[1])

    def build(self, input_shape: Shape) -> None:
        shape = self._channels_last(input_shape)
        if None in shape[1:]:
            raise UserInputError(
                f"Layer '{self.name}' ({type(self).__name__}) has weights for each place: the "
                f"shape of its input must be known but for the batch. Received: {input_shape}"
            )
        places = self._places(shape)
        features = shape[-1]
        for size in self.kernel_size:
            features *= size
        count = 1
        for size in places:
            count *= size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(count, features, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(*places, self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_first":
            inputs = ops.moveaxis(inputs, 1, -1)
        rows = _windows(inputs, self.kernel_size, self.strides)  # (batch, places, features)
        outputs = ops.einsum("bpf,pfo->bpo", rows, self.kernel)
        outputs = ops.reshape(outputs, (-1, *self._places(inputs.shape), self.filters))
        if self.bias is not None:
            outputs = outputs + self.bias
        if self.data_format == "channels_first":
            outputs = ops.moveaxis(outputs, -1, 1)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        places = self._places(self._channels_last(input_shape))
        if self.data_format == "channels_first":
            return (input_shape[0], self.filters, *places)
        return (input_shape[0], *places, self.filters)


def _windows(x: Tensor, window: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    """(batch, places, elements of a window, the channels last among them)"""
    spatial = "DHW"[-len(window) :]
    layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    patches = jax.lax.conv_general_dilated_patches(
        x, window, strides, "VALID", dimension_numbers=layout
    )  # (batch, ..., channels * elements)
    channels = x.shape[-1]
    patches = ops.reshape(patches, (x.shape[0], -1, channels, patches.shape[-1] // channels))
    return ops.reshape(ops.swapaxes(patches, 2, 3), (*patches.shape[:2], -1))


class LocallyConnected1D(_LocallyConnected):
    """A `Conv1D` whose windows each have a kernel of their own.

    Args:
        filters: channels of the output. kernel_size, strides: of the window, in steps.
        padding: 'valid'. data_format: as in `Conv1D`.
        activation: name or function; None for none. use_bias: whether biases are added.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: what adds to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        implementation: without effect.

    Shape:
        `(batch, steps, channels)` -> `(batch, places, filters)`. Kernel `(places, kernel_size *
        channels, filters)`, bias `(places, filters)`.
    """

    _rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A `Conv2D` whose windows each have a kernel of their own.

    Args:
        filters: channels of the output. kernel_size, strides: of the window, in rows and columns.
        padding: 'valid'. data_format: as in `Conv2D`.
        activation: name or function; None for none. use_bias: whether biases are added.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: what adds to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        implementation: without effect.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, places, places, filters)`. Kernel `(all
        places, window * channels, filters)`, bias `(places, places, filters)`.
    """

    _rank = 2
