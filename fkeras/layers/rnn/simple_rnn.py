"""SimpleRNN: the output is fed back as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Unpack

from fkeras import activations
from fkeras.core import broadcasting
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import CommonOptions, LayerOptions
from fkeras.layers.rnn import recurrence, simple_rnn_loop
from fkeras.layers.rnn.cell import RecurrentCell
from fkeras.layers.rnn.cell_layer import CellLayer, CellSetting
from fkeras.layers.rnn.cell_step import (
    CellNoise,
    CellWeights,
    Loop,
    Step,
    multiply_with_noise,
)
from fkeras.types import Identifier, SeedLike, Tensor


@dataclasses.dataclass(frozen=True)
class SimpleRNNStep(Step):
    """The output is the state: one activation of what inputs and state add up to."""

    activation: Callable

    def project(self, x: Tensor, weights: CellWeights, noise: CellNoise) -> Tensor:
        z = multiply_with_noise(x, weights["kernel"], noise["inputs"])
        return z if weights["bias"] is None else broadcasting.add(z, weights["bias"])

    def advance(
        self, projected: Tensor, states: list[Tensor], weights: CellWeights, noise: CellNoise
    ) -> list[Tensor]:
        h = states[0]
        z = projected + multiply_with_noise(h, weights["recurrent_kernel"], noise["state"])
        return [self.activation(recurrence.keep_for_gradient(z))]

    def loop(self, weights: CellWeights, noise: CellNoise) -> Loop | None:
        activation = _IN_LOOP.get(self.activation)
        if activation is None or noise["state"] is not None:
            return None

        def run(projected, mask, states, *, sequences, unroll):
            outputs, h = simple_rnn_loop.run(
                activation, sequences, unroll, projected, mask, weights["recurrent_kernel"], *states
            )
            return outputs, [h]

        return run


# Those whose derivative `simple_rnn_loop` knows.
_IN_LOOP = {
    activations.tanh: simple_rnn_loop.TANH,
    activations.relu: simple_rnn_loop.RELU,
}


class SimpleRNNCell(RecurrentCell):
    """One step of a `SimpleRNN`: `activation(inputs @ kernel + bias + h @ recurrent_kernel)`.

    Args:
        units: size of output and state, positive.
        activation: name or function; None for none.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that
            add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights
            after each update.
        dropout: fraction of the inputs to drop in training, in [0, 1].
        recurrent_dropout: fraction of the state to drop in training, in [0, 1].
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `call(inputs, states)`: inputs `(batch, features)`, states `[h]` or `h` of `(batch, units)`;
        returns `(h, states)`. Kernel `(features, units)`, recurrent kernel `(units, units)`, bias
        `(units,)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> cell = fkeras.layers.SimpleRNNCell(3)
        >>> h, _ = cell(jnp.ones((2, 5)), cell.get_initial_state(2))
        >>> h.shape
        (2, 3)
    """

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: Identifier | None = "glorot_uniform",
        recurrent_initializer: Identifier | None = "orthogonal",
        bias_initializer: Identifier | None = "zeros",
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

    def step(self) -> SimpleRNNStep:
        return SimpleRNNStep(self.activation)


class SimpleRNN(CellLayer):
    """A fully connected recurrent layer.

    At each step, `h = activation(x @ kernel + bias + h @ recurrent_kernel)`.

    Args:
        units: size of output and state, positive.
        activation: name or function; None for none.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that
            add to the loss.
        activity_regularizer: function of the output that adds to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights
            after each update.
        dropout: fraction of the inputs to drop in training, in [0, 1]; the same at all steps of a
            sequence.
        recurrent_dropout: fraction of the state to drop in training, in [0, 1].
        return_sequences: whether the outputs of all steps are returned, or that of the last.
        return_state: whether the last state is returned too.
        go_backwards: whether the last step comes first; a returned sequence is in the order of
            computation.
        stateful: whether a batch starts from the last state of the batch before (the same batch
            size each time); see `reset_state`.
        unroll: whether the loop is written out: faster for a few steps, slow to compile for many.
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `(batch, steps, features)` -> `(batch, units)`, or `(batch, steps, units)` with
        `return_sequences`; with `return_state` a tuple `(output, h)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.SimpleRNN(4)(jnp.ones((2, 7, 3))).shape
        (2, 4)
    """

    units = CellSetting()

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: Identifier | None = "glorot_uniform",
        recurrent_initializer: Identifier | None = "orthogonal",
        bias_initializer: Identifier | None = "zeros",
        kernel_regularizer: Identifier | None = None,
        recurrent_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        recurrent_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool | int = False,
        seed: SeedLike | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        cell = SimpleRNNCell(
            units,
            activation=activation,
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
            name="simple_rnn_cell",
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
        self.input_spec = InputSpec(ndim=3)
