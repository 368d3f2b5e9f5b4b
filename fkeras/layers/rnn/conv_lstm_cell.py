"""The cell of the convolutional LSTMs: an LSTM whose products are convolutions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from fkeras import activations, ops
from fkeras.core import broadcasting
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.rnn import recurrence
from fkeras.layers.rnn.cell import RecurrentCell, checked_count
from fkeras.layers.rnn.cell_step import CellNoise, CellWeights
from fkeras.layers.rnn.lstm import LSTMStep, forget_bias
from fkeras.ops.windows import spatial_axes
from fkeras.types import DataFormat, Identifier, Nested, SeedLike, Shape, Tensor


@dataclasses.dataclass(frozen=True)
class ConvLSTMStep(LSTMStep):
    """As `LSTMStep`, on images: the gates stand side by side along the channels."""

    strides: tuple[int, ...]
    padding: str
    data_format: DataFormat
    dilation_rate: tuple[int, ...]

    def project(self, x: Tensor, weights: CellWeights, noise: CellNoise) -> Tensor:
        z = self._convolve_with_noise(
            x,
            weights["kernel"],
            noise["inputs"],
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
        )
        bias = weights["bias"]
        if bias is None:
            return z
        if self.data_format == "channels_first":
            bias = bias.reshape(-1, *(1,) * len(self.strides))  # (channels, 1, ...)
        return broadcasting.add(z, bias)

    def advance(
        self, projected: Tensor, states: list[Tensor], weights: CellWeights, noise: CellNoise
    ) -> list[Tensor]:
        h, c = states
        kernel = weights["recurrent_kernel"]
        z = projected + self._convolve_with_noise(h, kernel, noise["state"], padding="same")
        return self.next_states(recurrence.keep_for_gradient(z), c, axis=self._channel_axis)

    def loop(self, weights: CellWeights, noise: CellNoise) -> None:
        """The loop with its derivative written out holds matrix products, not convolutions."""

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else -len(self.strides) - 1

    def _convolve_with_noise(
        self, x: Tensor, kernel: Tensor, noise: Tensor | None, **options: Any
    ) -> Tensor:
        """Convolution of images of one or of all steps, with noise for each gate or None."""
        if noise is None:
            return self._convolve(x, kernel, **options)
        # A convolution for each gate: noise is on the inputs of each.
        outputs = [
            self._convolve(x * factors, gate_kernel, **options)
            for factors, gate_kernel in zip(noise, jnp.split(kernel, 4, axis=-1))
        ]
        return jnp.concatenate(outputs, axis=self._channel_axis)

    def _convolve(self, x: Tensor, kernel: Tensor, **options: Any) -> Tensor:
        leading = x.shape[: x.ndim - kernel.ndim + 1]  # (batch,), or (time, batch)
        images = x.reshape(-1, *x.shape[len(leading) :])
        outputs = ops.conv(images, kernel, data_format=self.data_format, **options)
        return outputs.reshape(*leading, *outputs.shape[1:])


class ConvLSTMCell(RecurrentCell):
    """One step of a `ConvLSTM1D`, `ConvLSTM2D` or `ConvLSTM3D`.

    Args:
        rank: number of spatial axes, 1 to 3. The other arguments are those of the layers.
    """

    gates, state_count = 4, 2

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier | None = "tanh",
        recurrent_activation: Identifier | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Identifier | None = "glorot_uniform",
        recurrent_initializer: Identifier | None = "orthogonal",
        bias_initializer: Identifier | None = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Identifier | None = None,
        recurrent_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        recurrent_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(
            None,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **{"implementation": 1, **kwargs},
        )
        if rank not in (1, 2, 3):
            raise UserInputError(
                f"Rank {rank} convolutions are not currently implemented. Received: rank={rank}"
            )
        self.rank = rank
        self.filters = checked_count("filters", filters)
        self.kernel_size = arguments.ints_per_axis("kernel_size", kernel_size, rank)
        self.strides = arguments.ints_per_axis("strides", strides, rank)
        self.padding = arguments.padding(padding)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = arguments.ints_per_axis("dilation_rate", dilation_rate, rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise UserInputError(
                "Specifying `strides > 1` is not compatible with `dilation_rate > 1`. Please "
                f"provide `strides=1` or `dilation_rate=1`. Received: strides={self.strides} and "
                f"dilation_rate={self.dilation_rate}"
            )
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.input_spec = InputSpec(ndim=rank + 2)
        self.state_size = -1  # of images: see `get_initial_state`

    def build(self, input_shape: Shape) -> None:
        input_shape = tuple(input_shape)
        axes = spatial_axes(len(input_shape), self.data_format)
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        # The first states must be made, so their sizes must be known.
        if any(input_shape[axis] is None for axis in axes) or channels is None:
            raise UserInputError(
                "ConvLSTM layers only support static input shapes for the spatial dimensions and "
                f"the channels. Received invalid input shape: input_shape={input_shape}"
            )
        self.step_shape = input_shape[1:]
        # The states' shape is fixed from now on, and so is that of the inputs.
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        bias_initializer = (
            forget_bias(self.bias_initializer, self.filters) if self.unit_forget_bias else None
        )
        self._add_weights(
            (*self.kernel_size, channels, 4 * self.filters),
            (*self.kernel_size, self.filters, 4 * self.filters),
            (4 * self.filters,),
            bias_initializer,
        )

    def step(self) -> ConvLSTMStep:
        return ConvLSTMStep(
            self.activation,
            self.recurrent_activation,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
        )

    def state_shape(self, step_shape: Shape) -> Shape:
        """Shape of output and states, without the batch axis, from that of one step's input."""
        step_shape = tuple(step_shape)
        shape = list(step_shape)
        for i, axis in enumerate(spatial_axes(self.rank + 2, self.data_format)):
            size = shape[axis - 1]  # no batch axis here
            if size is None:
                continue
            window = (self.kernel_size[i] - 1) * self.dilation_rate[i] + 1
            free = size - (window if self.padding == "valid" else 1)
            shape[axis - 1] = free // self.strides[i] + 1
            if shape[axis - 1] <= 0:
                raise UserInputError(
                    "ConvLSTM: the input is smaller than the kernel. Received: shape of one "
                    f"step={step_shape}, kernel_size={self.kernel_size}, "
                    f"dilation_rate={self.dilation_rate}. Use padding='same'."
                )
        shape[-1 if self.data_format == "channels_last" else 0] = self.filters
        return tuple(shape)

    def compute_output_shape(
        self, inputs_shape: Shape, states_shape: Nested[Shape] | None = None
    ) -> tuple[Shape, list[Shape]]:
        shape = (inputs_shape[0], *self.state_shape(inputs_shape[1:]))
        return shape, [shape, shape]

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros: a list of two arrays (batch_size, ...)."""
        shape = (batch_size, *self.state_shape(self.step_shape))
        return [jnp.zeros(shape, self.compute_dtype) for _ in range(2)]
