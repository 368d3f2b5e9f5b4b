"""GRU: gated recurrent unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal, Unpack

import jax.numpy as jnp

from fkeras import activations
from fkeras.core import broadcasting
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import CommonOptions, LayerOptions
from fkeras.layers.rnn import gru_loop, recurrence
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
class GRUStep(Step):
    """Gates in the order update, reset, candidate.

    With `reset_after`, the bias has two rows: for the inputs and for the state.
    """

    activation: Callable
    recurrent_activation: Callable
    reset_after: bool

    def project(self, x: Tensor, weights: CellWeights, noise: CellNoise) -> Tensor:
        z = multiply_with_noise(x, weights["kernel"], noise["inputs"])
        bias = weights["bias"]
        if bias is None:
            return z
        return broadcasting.add(z, bias[0] if self.reset_after else bias)

    def advance(
        self, projected: Tensor, states: list[Tensor], weights: CellWeights, noise: CellNoise
    ) -> list[Tensor]:
        h = states[0]
        if self.reset_after:
            update, candidate = self._reset_after(projected, h, weights, noise["state"])
        else:
            update, candidate = self._reset_before(projected, h, weights, noise["state"])
        return [update * h + (1 - update) * candidate]

    def _reset_after(
        self, projected: Tensor, h: Tensor, weights: CellWeights, noise: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(update, candidate), where the reset gate multiplies a product with the state."""
        gates_end = 2 * h.shape[-1]  # update and reset gates come before the candidate
        # One product for the gates and the candidate: the reset gate acts on its result.
        inner = multiply_with_noise(h, weights["recurrent_kernel"], noise)
        if weights["bias"] is not None:
            inner = broadcasting.add(inner, weights["bias"][1])
        gates = recurrence.keep_for_gradient(projected[:, :gates_end] + inner[:, :gates_end])
        inner = recurrence.keep_for_gradient(inner[:, gates_end:])
        update, reset = jnp.split(self.recurrent_activation(gates), 2, axis=-1)
        return update, self.activation(projected[:, gates_end:] + reset * inner)

    def _reset_before(
        self, projected: Tensor, h: Tensor, weights: CellWeights, noise: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(update, candidate), where the reset gate multiplies the state itself."""
        gates_end = 2 * h.shape[-1]
        kernel = weights["recurrent_kernel"]
        gates_noise = candidate_noise = noise
        if noise is not None and noise.ndim == 3:  # (gates, batch, units)
            gates_noise, candidate_noise = noise[:2], noise[2]
        inner = multiply_with_noise(h, kernel[:, :gates_end], gates_noise)
        gates = recurrence.keep_for_gradient(projected[:, :gates_end] + inner)
        update, reset = jnp.split(self.recurrent_activation(gates), 2, axis=-1)
        # A second product, which must wait for the reset gate.
        inner = multiply_with_noise(reset * h, kernel[:, gates_end:], candidate_noise)
        inner = recurrence.keep_for_gradient(inner)
        return update, self.activation(projected[:, gates_end:] + inner)

    def loop(self, weights: CellWeights, noise: CellNoise) -> Loop | None:
        # What `gru_loop` knows the derivative of: Keras's defaults, no noise inside the product.
        is_plain_gru = (
            self.reset_after
            and self.activation is activations.tanh
            and self.recurrent_activation is activations.sigmoid
        )
        if not is_plain_gru or noise["state"] is not None:
            return None

        def run(projected, mask, states, *, sequences, unroll):
            kernel = weights["recurrent_kernel"]
            bias = weights["bias"]
            bias = jnp.zeros(kernel.shape[1], kernel.dtype) if bias is None else bias[1]
            outputs, h = gru_loop.run(sequences, unroll, projected, mask, kernel, bias, *states)
            return outputs, [h]

        return run


class GRUCell(RecurrentCell):
    """One step of a `GRU`, for use in `RNN`, in `StackedRNNCells` or in a loop of your own.

    Args:
        units: size of output and state, positive.
        activation: function of the candidate.
        recurrent_activation: function of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights that
            add to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights
            after each update.
        dropout: fraction of the inputs to drop in training, in [0, 1].
        recurrent_dropout: fraction of the state to drop in training, in [0, 1]; each gate has its
            own noise then.
        reset_after: whether the reset gate acts after the product with the recurrent kernel (as
            cuDNN has it) or before (the paper).
        seed: int; None for numbers that follow from the model's seed.

    Shape:
        `call(inputs, states)`: inputs `(batch, features)`, states `[h]` or `h` of `(batch, units)`;
        returns `(h, states)`. Kernel `(features, 3 * units)`, recurrent kernel
        `(units, 3 * units)`: gates z, r, h. Bias `(2, 3 * units)`, or `(3 * units,)` without
        `reset_after`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> cell = fkeras.layers.GRUCell(3)
        >>> h, _ = cell(jnp.ones((2, 5)), cell.get_initial_state(2))
        >>> h.shape
        (2, 3)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        recurrent_activation: Identifier | None = "sigmoid",
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
        reset_after: bool = True,
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
        self.reset_after = reset_after

    def build(self, input_shape: Shape) -> None:
        units = self.units
        self._add_weights(
            (input_shape[-1], 3 * units),
            (units, 3 * units),
            (2, 3 * units) if self.reset_after else (3 * units,),
        )

    def step(self) -> GRUStep:
        return GRUStep(self.activation, self.recurrent_activation, bool(self.reset_after))


class GRU(CellLayer):
    """Gated recurrent unit: a recurrent layer with one state and fewer weights than an `LSTM`.

    Args:
        units: size of output and state, positive.
        activation: function of the candidate.
        recurrent_activation: function of the gates.
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
        seed: int; None for numbers that follow from the model's seed.
        return_sequences: whether the outputs of all steps are returned, or that of the last.
        return_state: whether the last state is returned too.
        go_backwards: whether the last step comes first; a returned sequence is in the order of
            computation.
        stateful: whether a batch starts from the last state of the batch before (the same batch
            size each time); see `reset_state`.
        unroll: whether the loop is written out: faster for a few steps, slow to compile for many.
        reset_after: whether the reset gate acts after the product with the recurrent kernel (as
            cuDNN has it) or before (the paper).
        use_cudnn: kept for Keras's signature; XLA compiles the loop on all devices.

    Shape:
        `(batch, steps, features)` -> `(batch, units)`, or `(batch, steps, units)` with
        `return_sequences`; with `return_state` a tuple `(output, h)`. Kernel
        `(features, 3 * units)`, recurrent kernel `(units, 3 * units)`: gates z, r, h. Bias
        `(2, 3 * units)`, or `(3 * units,)` without `reset_after`.

    Call arguments:
        sequences; `initial_state`: `h` or `[h]`, None for zeros; `mask`: bool `(batch, steps)`,
        True where a step counts; `training`.

    Raises:
        UserInputError: `units` not positive, a rate outside of [0, 1], a state of another shape
            than `(batch, units)`.

    References:
        Cho et al., 2014, https://arxiv.org/abs/1406.1078

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.GRU(4, return_sequences=True)(jnp.ones((2, 7, 3))).shape
        (2, 7, 4)
    """

    units = CellSetting()
    recurrent_activation = CellSetting()
    reset_after = CellSetting()

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        recurrent_activation: Identifier | None = "sigmoid",
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
        seed: SeedLike | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool | int = False,
        reset_after: bool = True,
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Unpack[CommonOptions],
    ):
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
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
            reset_after=reset_after,
            seed=seed,
            name="gru_cell",
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
