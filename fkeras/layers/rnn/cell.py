"""What the recurrent cells share: their weights, the noise of dropout, and their `call`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Unpack

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import constraints, initializers, regularizers
from fkeras.core.randomness import keys, seeds
from fkeras.core.randomness.key_scopes import LAYERS_STREAM
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.scoped import Scoped
from fkeras.core.values import lending
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.regularization.dropout import check_rate
from fkeras.layers.rnn.cell_step import CellNoise, CellWeights, Step
from fkeras.types import Config, DTypeLike, Identifier, SeedLike, Shape, Tensor


class RecurrentCell(Layer):
    """The base of the cells: a `Step`, its weights and its dropout.

    Attributes:
        gates: how many gates share the kernels.
        state_count: how many states there are; the output is the first of them.
        state_size, output_size: sizes of the last axes of the states and of the output.
    """

    gates: int = 1
    state_count: int = 1

    def __init__(
        self,
        units: int | None,
        *,
        use_bias: bool,
        kernel_initializer: Identifier | None,
        recurrent_initializer: Identifier | None,
        bias_initializer: Identifier | None,
        kernel_regularizer: Identifier | None,
        recurrent_regularizer: Identifier | None,
        bias_regularizer: Identifier | None,
        kernel_constraint: Identifier | None,
        recurrent_constraint: Identifier | None,
        bias_constraint: Identifier | None,
        dropout: float,
        recurrent_dropout: float,
        seed: SeedLike | None,
        implementation: int = 2,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        # Keras clips rates; outside of [0, 1] they are mistakes here, as in `Dropout`.
        check_rate(dropout, self, "dropout")
        check_rate(recurrent_dropout, self, "recurrent_dropout")
        self.dropout = float(dropout)
        self.recurrent_dropout = float(recurrent_dropout)
        # 1: each gate has its own noise, as Keras has it where the state is dropped too.
        self.implementation = 1 if recurrent_dropout and self.gates > 1 else implementation
        self.seed = seed
        self.seed_generator = SeedGenerator(seed, stream=LAYERS_STREAM)
        # None: a subclass whose states are no vectors sets its own sizes.
        if units is not None:
            self.units = checked_count("units", units)
            self.output_size = self.units
            sizes = [self.units] * self.state_count
            self.state_size = self.units if self.state_count == 1 else sizes

    def build(self, input_shape: Shape) -> None:
        self._add_weights(
            (input_shape[-1], self.gates * self.units),
            (self.units, self.gates * self.units),
            (self.gates * self.units,),
        )

    def _add_weights(
        self,
        kernel_shape: Shape,
        recurrent_shape: Shape,
        bias_shape: Shape,
        bias_initializer: Identifier | None = None,
    ) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel_shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=recurrent_shape,
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=bias_shape,
                initializer=bias_initializer or self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def step(self) -> Step:
        """The cell's arithmetic."""
        raise NotImplementedError(f"{type(self).__name__} must define `step()`.")

    def call(
        self, inputs: Tensor, states: Tensor | Sequence[Tensor], training: bool | None = False
    ) -> tuple[Tensor, Tensor | list[Tensor]]:
        is_list = isinstance(states, (list, tuple))
        states = list(states) if is_list else [states]
        step = self.step()
        weights = self.read_weights()
        noise = self.draw_noise(inputs, states[0], training)
        projected = step.project(inputs, weights, noise)
        new_states = step.advance(projected, states, weights, noise)
        return new_states[0], new_states if is_list else new_states[0]

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros: a list of arrays (batch_size, units)."""
        return [
            jnp.zeros((batch_size, self.units), self.compute_dtype) for _ in range(self.state_count)
        ]

    def read_weights(self) -> CellWeights:
        """The weights' values in the cell's compute dtype."""
        # `RNN` reads them outside of the cell's own call, which would have set this dtype.
        casts = self.autocast and self.compute_dtype != self.variable_dtype
        with lending.autocast(self.compute_dtype if casts else None):
            return {
                "kernel": self.kernel.value,
                "recurrent_kernel": self.recurrent_kernel.value,
                "bias": None if self.bias is None else self.bias.value,
            }

    def draw_noise(
        self, inputs: Tensor | jax.ShapeDtypeStruct, state: Tensor, training: bool | None
    ) -> CellNoise:
        """Factors of dropout for inputs and state, the same at all steps of a sequence.

        Args:
            inputs: those of one step, or what has their shape and dtype.
            state: the first of the states.
            training: whether there is any dropout.
        """
        rates = {"inputs": self.dropout, "state": self.recurrent_dropout}
        if not training or not any(rates.values()):
            return {"inputs": None, "state": None}
        seed = held_seed(self)
        if seed is None:
            seed = seeds.draw_seed(self.seed_generator)
        of_inputs_and_state = jax.random.split(keys.key_from_data(seed))
        # (gates, batch, features) or (batch, features)
        by_gate = (self.gates,) if self.implementation == 1 and self.gates > 1 else ()
        return {
            name: _dropout_factors(key, rates[name], (*by_gate, *x.shape), x.dtype)
            for key, name, x in zip(of_inputs_and_state, rates, (inputs, state))
        }

    def get_dropout_mask(self, step_input: Tensor) -> Tensor | list[Tensor] | None:
        """Factors of dropout for inputs of one step, drawn anew at each call: nothing is kept
        between calls.

        Args:
            step_input: `(batch, features)`.

        Returns:
            0 or 1 / (1 - dropout) for each feature, for each gate where gates differ; None where
            nothing is dropped.
        """
        return _by_gate(self.draw_noise(step_input, step_input, True)["inputs"], step_input)

    def get_recurrent_dropout_mask(self, step_input: Tensor) -> Tensor | list[Tensor] | None:
        """The same as `get_dropout_mask` for a state of one step."""
        return _by_gate(self.draw_noise(step_input, step_input, True)["state"], step_input)

    def reset_dropout_mask(self) -> None:
        """Does nothing: there is no mask that outlives a call. In Keras it ends a sequence."""

    def reset_recurrent_dropout_mask(self) -> None:
        """Does nothing, as `reset_dropout_mask`."""

    def get_config(self) -> Config:
        config = super().get_config()
        config.pop("implementation", None)
        return config

    def runs_fused(self) -> bool:
        """Whether `step()` may run in the place of `call`, which a subclass may have overridden."""
        # An override on the class or on the object, or `remat`, wants its own call at each step.
        cls = type(self)
        return (
            cls.call is RecurrentCell.call
            and "call" not in vars(self)
            and cls.__call__ is Layer.__call__
            and self._info.remat is None
        )


def checked_count(name: str, value: int) -> int:
    """`value` as an int, if it is a positive one."""
    value = arguments.whole(value)
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value <= 0:
        raise UserInputError(
            f"Received an invalid value for argument `{name}`, expected a positive integer, got "
            f"{value}."
        )
    return int(value)


def _dropout_factors(
    key: jax.Array, rate: float, shape: tuple[int, ...], dtype: DTypeLike
) -> Tensor | None:
    """0 with probability `rate`, else 1 / (1 - rate); None for a rate of 0."""
    if rate == 0:
        return None
    if rate == 1:  # 0 / 0 would be NaN
        return jnp.zeros(shape, dtype)
    return jax.random.bernoulli(key, 1 - rate, shape).astype(dtype) / (1 - rate)


def _by_gate(factors: Tensor | None, step_input: Tensor) -> Tensor | list[Tensor] | None:
    is_one = factors is None or factors.ndim == jnp.ndim(step_input)
    return factors if is_one else list(factors)


_held_seeds: Scoped[dict] = Scoped({})  # id of a cell -> its seed; never changed in place


def held_seed(cell):
    return _held_seeds.value.get(id(cell))


def holding_seeds(cells: Sequence[Layer], training: bool | None) -> AbstractContextManager:
    """Context manager: each cell has one seed inside. A loop over time, where no generator can
    count, draws the same noise at each step.
    """
    drawn = {
        id(c): seeds.draw_seed(c.seed_generator)
        for c in cells
        if training and (c.dropout or c.recurrent_dropout)
    }
    return _held_seeds.inside(_held_seeds.value | drawn)
