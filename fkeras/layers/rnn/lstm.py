"""LSTM: long short-term memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal, Unpack

import jax.numpy as jnp

from fkeras import activations
from fkeras.core import broadcasting
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import CommonOptions, LayerOptions
from fkeras.layers.rnn import lstm_loop, recurrence
from fkeras.layers.rnn.cell import RecurrentCell
from fkeras.layers.rnn.cell_layer import CellLayer, CellSetting
from fkeras.layers.rnn.cell_step import (
    CellNoise,
    CellWeights,
    Loop,
    Step,
    multiply_with_noise,
)
from fkeras.types import Identifier, SeedLike, Shape, Tensor


@dataclasses.dataclass(frozen=True)
class LSTMStep(Step):
    """Gates in the order input, forget, candidate, output."""

    activation: Callable
    recurrent_activation: Callable

    def project(self, x: Tensor, weights: CellWeights, noise: CellNoise) -> Tensor:
        z = multiply_with_noise(x, weights["kernel"], noise["inputs"])
        return z if weights["bias"] is None else broadcasting.add(z, weights["bias"])

    def advance(
        self, projected: Tensor, states: list[Tensor], weights: CellWeights, noise: CellNoise
    ) -> list[Tensor]:
        h, c = states
        z = projected + multiply_with_noise(h, weights["recurrent_kernel"], noise["state"])
        return self.next_states(recurrence.keep_for_gradient(z), c, axis=-1)

    def next_states(self, gates: Tensor, c: Tensor, axis: int) -> list[Tensor]:
        """`[h, c]` after a step, from the sums that the gates see, side by side along `axis`."""
        i, f, candidate, o = jnp.split(gates, 4, axis=axis)
        new = self.recurrent_activation(i) * self.activation(candidate)
        c = self.recurrent_activation(f) * c + new
        return [self.recurrent_activation(o) * self.activation(c), c]

    def loop(self, weights: CellWeights, noise: CellNoise) -> Loop | None:
        # What `lstm_loop` knows the derivative of: Keras's defaults, no noise inside the product.
        is_plain_lstm = (
            self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        )
        if not is_plain_lstm or noise["state"] is not None:
            return None

        def run(projected, mask, states, *, sequences, unroll):
            kernel = weights["recurrent_kernel"]
            outputs, *states = lstm_loop.run(sequences, unroll, projected, mask, kernel, *states)
            return outputs, states

        return run


def forget_bias(initializer: Callable[..., Tensor], units: int) -> Callable[..., Tensor]:
    """An initializer of an LSTM's bias: 1 for the forget gate, `initializer` for the others."""

    def initialize(shape, dtype=None, **kwargs):
        input_gate = initializer((units,), dtype=dtype, **kwargs)
        others = initializer((2 * units,), dtype=dtype, **kwargs)
        # In the order of the gates: i, f, candidate, o.
        return jnp.concatenate([input_gate, jnp.ones((units,), dtype), others])

    return initialize


class LSTMCell(RecurrentCell):
    """One step of an `LSTM`, for use in `RNN`, in `StackedRNNCells` or in a loop of your own.

    Args:
        units: size of output and states, positive.
        activation: function of the candidate and of the cell state.
        recurrent_activation: function of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        unit_forget_bias: whether the forget gate's bias starts at 1 (Jozefowicz et al., 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that
            add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights
            after each update.
        dropout: fraction of the inputs to drop in training, in [0, 1].
        recurrent_dropout: fraction of the state to drop in training, in [0, 1]; each gate has its
            own noise then.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `call(inputs, states)`: inputs `(batch, features)`, states `[h, c]` of `(batch, units)`
        each; returns `(h, [h, c])`. Kernel `(features, 4 * units)`, recurrent kernel
        `(units, 4 * units)`, bias `(4 * units,)`: gates i, f, c, o.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> cell = fkeras.layers.LSTMCell(3)
        >>> h, states = cell(jnp.ones((2, 5)), cell.get_initial_state(2))
        >>> h.shape, len(states)
        ((2, 3), 2)
    """

    gates, state_count = 4, 2

    def __init__(
        self,
        units: int,
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
            units,
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
            **kwargs,
        )
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape: Shape) -> None:
        units = self.units
        bias_initializer = (
            forget_bias(self.bias_initializer, units) if self.unit_forget_bias else None
        )
        self._add_weights(
            (input_shape[-1], 4 * units), (units, 4 * units), (4 * units,), bias_initializer
        )

    def step(self) -> LSTMStep:
        return LSTMStep(self.activation, self.recurrent_activation)


class LSTM(CellLayer):
    """Long short-term memory: a recurrent layer that remembers over many steps.

    The gates' weights for the input and the state are each one matrix. Masked steps are skipped.
    The pre-activations of the gates are all that is kept for the gradient.

    Args:
        units: size of output and states, positive.
        activation: function of the candidate and of the cell state.
        recurrent_activation: function of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that
            add to the loss.
        activity_regularizer: function of the output that adds to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights
            after each update.
        dropout: fraction of the inputs to drop in training, in [0, 1]; the same at all steps of a
            sequence.
        recurrent_dropout: fraction of the state to drop in training, in [0, 1].
        seed: int; None for numbers that follow from the model's seed.
        return_sequences: whether the outputs of all steps are returned, or that of the last.
        return_state: whether the last states are returned too.
        go_backwards: whether the last step comes first; a returned sequence is in the order of
            computation.
        stateful: whether a batch starts from the last states of the batch before (the same batch
            size each time); see `reset_state`.
        unroll: whether the loop is written out: faster for a few steps, slow to compile for many.
        use_cudnn: kept for Keras's signature; XLA compiles the loop on all devices.

    Shape:
        `(batch, steps, features)` -> `(batch, units)`, or `(batch, steps, units)` with
        `return_sequences`; with `return_state` a tuple `(output, h, c)`. Kernel
        `(features, 4 * units)`, recurrent kernel `(units, 4 * units)`, bias `(4 * units,)`: gates
        i, f, c, o.

    Call arguments:
        sequences; `initial_state`: list `[h, c]`, None for zeros; `mask`: bool `(batch, steps)`,
        True where a step counts; `training`.

    Raises:
        UserInputError: `units` not positive, a rate outside of [0, 1], states of other shapes than
            `(batch, units)`.

    References:
        Hochreiter and Schmidhuber, 1997.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.LSTM(4, return_sequences=True, return_state=True)
        >>> outputs, h, c = layer(jnp.ones((2, 7, 3)))
        >>> outputs.shape, h.shape
        ((2, 7, 4), (2, 4))
        >>> jax.tree.map(jnp.shape, layer.init(jax.random.key(0), (2, 7, 3))["params"])
        {'cell': {'bias': (16,), 'kernel': (3, 16), 'recurrent_kernel': (4, 16)}}
    """

    units = CellSetting()
    recurrent_activation = CellSetting()
    unit_forget_bias = CellSetting()

    def __init__(
        self,
        units: int,
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
        unroll: bool | int = False,
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Unpack[CommonOptions],
    ):
        cell = LSTMCell(
            units,
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
            name="lstm_cell",
            **self.arguments_for_cell(kwargs),
        )
        super().__init__(
            cell,
            activity_regularizer=activity_regularizer,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
        self.use_cudnn = self.checked_use_cudnn(use_cudnn)
        self.input_spec = InputSpec(ndim=3)
