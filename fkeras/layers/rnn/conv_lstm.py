"""ConvLSTM1D, ConvLSTM2D, ConvLSTM3D: LSTMs whose products are convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.rnn.cell_layer import CellLayer, CellSetting
from fkeras.layers.rnn.conv_lstm_cell import ConvLSTMCell
from fkeras.types import DataFormat, Identifier, Nested, SeedLike, Shape, Tensor


class _ConvLSTM(CellLayer):
    """The base of the convolutional LSTMs."""

    rank: int
    filters = CellSetting()
    kernel_size = CellSetting()
    strides = CellSetting()
    padding = CellSetting()
    data_format = CellSetting()
    dilation_rate = CellSetting()
    recurrent_activation = CellSetting()
    unit_forget_bias = CellSetting()

    def __init__(
        self,
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
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        recurrent_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: SeedLike | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Unpack[CommonOptions],
    ):
        cell = ConvLSTMCell(
            self.rank,
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="conv_lstm_cell",
            **self.arguments_for_cell(kwargs),
        )
        super().__init__(
            cell,
            activity_regularizer=activity_regularizer,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Nested[Shape] | None = None
    ) -> Nested[Shape]:
        # One step's shape: no batch, no time.
        state = self.cell.state_shape(sequences_shape[2:])
        output = (*sequences_shape[: 2 if self.return_sequences else 1], *state)
        if not self.return_state:
            return output
        state = (sequences_shape[0], *state)
        return output, state, state

    def compute_mask(self, inputs: Tensor, mask: Nested[Tensor | None]) -> Nested[Tensor | None]:
        computed = super().compute_mask(inputs, mask)
        return [computed[0], None, None] if self.return_state else computed


class ConvLSTM1D(_ConvLSTM):
    """An LSTM over sequences of signals. Arguments as in `ConvLSTM2D`.

    Shape:
        `(batch, steps, size, channels)` -> `(batch, new_size, filters)`, or with the axis of steps
        with `return_sequences`.
    """

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """An LSTM over sequences of images, such as frames of radar or video.

    Its products with input and state are convolutions.

    Args:
        filters: number of output channels.
        kernel_size: int or one int per spatial axis; also of the convolution of the state, which is
            padded to keep its size.
        strides: steps of the window over the input.
        padding: `'valid'` or `'same'`, for the input.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        dilation_rate: distance between the points that the window over the input sees.
        activation, recurrent_activation: functions of the candidate and cell state, and of the
            gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that
            add to the loss.
        activity_regularizer: function of the output that adds to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights
            after each update.
        dropout, recurrent_dropout: fractions of input and state to drop in training; each gate has
            its own noise.
        seed: int; None for numbers that follow from the model's seed.
        return_sequences, return_state, go_backwards, stateful: see `RNN`.

    Shape:
        `(batch, steps, rows, columns, channels)` -> `(batch, new_rows, new_columns, filters)`, or
        with the axis of steps with `return_sequences`; with `return_state` a tuple
        `(output, h, c)`. Kernel `(*kernel_size, channels, 4 * filters)`: gates i, f, c, o.

    References:
        Shi et al., 2015, https://arxiv.org/abs/1506.04214, without the peephole terms.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.ConvLSTM2D(4, 3, padding="same")(jnp.ones((2, 5, 8, 8, 3))).shape
        (2, 8, 8, 4)
    """

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """An LSTM over sequences of volumes. Arguments as in `ConvLSTM2D`.

    Shape:
        `(batch, steps, a, b, c, channels)` -> `(batch, new_a, new_b, new_c, filters)`, or with the
        axis of steps with `return_sequences`.
    """

    rank = 3
