"""What the recurrent cells share: their weights, the noise of dropout, and one arithmetic for a
single step and for whole sequences.
"""

import dataclasses

import jax
import jax.numpy as jnp

from fkeras import constraints, initializers, ops, regularizers
from fkeras.core.randomness import seeds
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.scoped import Scoped
from fkeras.core.values import lending
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.regularization.dropout import check_rate
from fkeras.layers.rnn import recurrence


@dataclasses.dataclass(frozen=True)
class Step:
    """The arithmetic of a cell, hashable, without weights.

    Methods:
        project(x, weights, noise): what the inputs of one step, or of all steps (time first), add
        to the gates. advance(projected, states, weights, noise): the new states, of which the first
        is the output.
    """

    def run_whole(self, inputs, states, weights, noise, mask, **options):
        """What `recurrence.run` returns, where there is a faster way than step by step; else
        None.
        """

    def is_plain(self) -> bool:
        """Whether all functions in it depend on their arguments alone."""
        return all(recurrence.is_plain_function(v) for v in vars(self).values() if callable(v))


def product(x, kernel, noise):
    """`x @ kernel`, with dropout noise on `x`: None, (batch, features) for all gates alike, or
    (gates, batch, features).
    """
    if noise is None:
        return ops.matmul(x, kernel)
    if noise.ndim == 2:
        return ops.matmul(x * noise, kernel)
    gates, features = noise.shape[0], kernel.shape[0]
    made = jnp.einsum(
        "...gbf,fgu->...bgu", x[..., None, :, :] * noise, kernel.reshape(features, gates, -1)
    )
    return made.reshape(*x.shape[:-1], -1)


class RecurrentCell(Layer):
    """The base of the cells: a `Step`, its weights and its dropout.

    Attributes:
        gates: how many gates share the kernels.
        state_size, output_size: sizes of the last axes of the states and of the output.
    """

    gates = 1
    state_count = 1

    def __init__(
        self,
        units,
        *,
        use_bias,
        kernel_initializer,
        recurrent_initializer,
        bias_initializer,
        kernel_regularizer,
        recurrent_regularizer,
        bias_regularizer,
        kernel_constraint,
        recurrent_constraint,
        bias_constraint,
        dropout,
        recurrent_dropout,
        seed,
        implementation=2,
        **kwargs,
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
        check_rate(dropout, self, "dropout")
        check_rate(recurrent_dropout, self, "recurrent_dropout")
        self.dropout, self.recurrent_dropout = float(dropout), float(recurrent_dropout)
        self.implementation = 1 if recurrent_dropout and self.gates > 1 else implementation
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        if units is not None:
            if not isinstance(units, int) or isinstance(units, bool) or units <= 0:
                raise UserInputError(
                    "Received an invalid value for argument `units`, expected a positive integer, "
                    f"got {units}."
                )
            self.units = self.output_size = units
            self.state_size = units if self.state_count == 1 else [units] * self.state_count

    def build(self, input_shape):
        self._add_weights(
            (input_shape[-1], self.gates * self.units),
            (self.units, self.gates * self.units),
            (self.gates * self.units,),
        )

    def _add_weights(self, kernel_shape, recurrent_shape, bias_shape, bias_initializer=None):
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
        raise NotImplementedError

    def call(self, inputs, states, training=False):
        listed = isinstance(states, (list, tuple))
        states = list(states) if listed else [states]
        step, weights, noise = (
            self.step(),
            self.read_weights(),
            self.draw_noise(inputs, states[0], training),
        )
        new = step.advance(step.project(inputs, weights, noise), states, weights, noise)
        return new[0], new if listed else new[0]

    def get_initial_state(self, batch_size=None):
        """Zeros: a list of arrays (batch_size, units)."""
        return [
            jnp.zeros((batch_size, self.units), self.compute_dtype) for _ in range(self.state_count)
        ]

    def read_weights(self) -> dict:
        """The weights' values in the cell's compute dtype."""
        cast = (
            self.compute_dtype
            if self.autocast and self.compute_dtype != self.variable_dtype
            else None
        )
        with lending.autocast(cast):
            return {
                "kernel": self.kernel.value,
                "recurrent_kernel": self.recurrent_kernel.value,
                "bias": None if self.bias is None else self.bias.value,
            }

    def draw_noise(self, inputs, state, training) -> dict:
        """Factors of dropout for inputs and state, the same at all steps of a sequence; None where
        there is no dropout.
        """
        rates = {"inputs": self.dropout, "state": self.recurrent_dropout}
        if not training or not any(rates.values()):
            return dict.fromkeys(rates)
        seed = held_seed(self)
        keys = jax.random.split(
            jax.random.wrap_key_data(seeds.draw_seed(self.seed_generator) if seed is None else seed)
        )
        lead = (self.gates,) if self.implementation == 1 and self.gates > 1 else ()
        return {
            name: _factors(key, rates[name], (*lead, *x.shape), x.dtype)
            for key, (name, x) in zip(keys, (("inputs", inputs), ("state", state)))
        }

    def get_config(self):
        return {
            name: value for name, value in super().get_config().items() if name != "implementation"
        }

    def runs_fused(self) -> bool:
        """Whether the cell's own arithmetic may run in the place of its `call`, which a subclass
        may have overridden.
        """
        cls = type(self)
        return (
            cls.call is RecurrentCell.call
            and "call" not in vars(self)
            and cls.__call__ is Layer.__call__
            and self._info.remat is None
        )


def _factors(key, rate, shape, dtype):
    if rate == 0:
        return None
    if rate == 1:  # 0 / 0 would be NaN
        return jnp.zeros(shape, dtype)
    return jax.random.bernoulli(key, 1 - rate, shape).astype(dtype) / (1 - rate)


_held_seeds: Scoped[dict] = Scoped({})  # id of a cell -> its seed; never changed in place


def held_seed(cell):
    return _held_seeds.value.get(id(cell))


def holding_seeds(cells, training):
    """Context manager: each cell has one seed inside. A loop over time, where no generator can
    count, draws the same noise at each step.
    """
    drawn = {
        id(c): seeds.draw_seed(c.seed_generator)
        for c in cells
        if training and (c.dropout or c.recurrent_dropout)
    }
    return _held_seeds.inside(_held_seeds.value | drawn)
