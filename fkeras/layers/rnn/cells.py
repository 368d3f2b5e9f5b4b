"""Cells: one step of a recurrence. `project` does all that does not depend on the state, for all time steps at once."""

import jax
import jax.numpy as jnp

from fkeras import activations, constraints, initializers, regularizers
from fkeras.core import seeds
from fkeras.core.seed_generator import SeedGenerator
from fkeras.core.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer


class ForgetBias(initializers.Initializer):
    """Ones for the forget gate, `initializer` for the others: an LSTM that remembers at first."""

    def __init__(self, initializer, units):
        self.initializer, self.units = initializer, units

    def __call__(self, shape, dtype=None):
        part = lambda n: self.initializer((n,), dtype=dtype)  # noqa: E731
        return jnp.concatenate([part(self.units), jnp.ones((self.units,), dtype), part(2 * self.units)])

    def get_config(self):
        return {"initializer": initializers.serialize(self.initializer), "units": self.units}


class Cell(Layer):
    """What the three cells share: weights of `gates` blocks of `units`, and dropout masks.

    A subclass has `gates` and a `step(projected, states)`, where `projected` is one time step of `project`.
    """

    gates = 1

    def __init__(self, units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
                 recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
                 seed, **kwargs):
        if not isinstance(units, int) or units <= 0:
            raise UserInputError(f"Received an invalid value for argument `units`, expected a positive integer, got {units}.")
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
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
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        if self.dropout > 0 or self.recurrent_dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        self.state_size = [units] * self.states
        self.output_size = units

    states = 1

    def build(self, input_shape):
        width = self.gates * self.units
        self.kernel = self.add_weight(shape=(input_shape[-1], width), name="kernel", initializer=self.kernel_initializer,
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        self.recurrent_kernel = self.add_weight(shape=(self.units, width), name="recurrent_kernel", initializer=self.recurrent_initializer,
                                                regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=self._bias_shape(width), name="bias", initializer=self._bias_start(),
                                        regularizer=self.bias_regularizer, constraint=self.bias_constraint)

    def _bias_shape(self, width):
        return (width,)

    def _bias_start(self):
        return self.bias_initializer

    def get_initial_state(self, batch_size=None):
        return [jnp.zeros((batch_size, n), self.compute_dtype) for n in self.state_size]

    # -- for the scan -----------------------------------------------------------

    def dropout_masks(self, x, batch, training):
        """(mask for the inputs, mask for the state), None where there is none: the same at all time steps."""
        masks = []
        for rate, width in ((self.dropout, x.shape[-1]), (self.recurrent_dropout, self.units)):
            if not training or not rate:
                masks.append(None)
                continue
            key = jax.random.wrap_key_data(seeds.draw_seed(self.seed_generator))
            kept = jax.random.bernoulli(key, 1 - rate, (batch, width)) if rate < 1 else jnp.zeros((batch, width), bool)
            masks.append(kept.astype(x.dtype) / max(1 - rate, 1e-7))
        return masks

    def weights_now(self):
        """The weights as arrays: read once, outside of the scan."""
        read = lambda v: v.value if isinstance(v, Variable) else v  # noqa: E731
        return read(self.kernel), read(self.recurrent_kernel), read(self.bias)

    def project(self, x, weights):
        """What the inputs contribute, for any number of leading axes."""
        kernel, _, bias = weights
        x = x @ kernel
        return x if bias is None else x + bias

    def step(self, projected, states, weights, recurrent_mask=None):
        raise TypeError(f"{type(self).__name__} must define `step`.")

    def call(self, inputs, states, training=False):
        """One time step: `(outputs, new states)`."""
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        input_mask, recurrent_mask = self.dropout_masks(inputs, inputs.shape[0], training)
        weights = self.weights_now()
        x = inputs if input_mask is None else inputs * input_mask
        return self.step(self.project(x, weights), states, weights, recurrent_mask)




class SimpleRNNCell(Cell):
    """One step of `h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: size of the state. activation, use_bias: of the step.
        kernel_initializer and the like: of the three weights.
        dropout, recurrent_dropout: fractions in [0, 1] of inputs and state that are dropped, the same at all time steps.
        seed: for dropout; None for the model's.
    """

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal",
                 bias_initializer="zeros", kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None,
                 recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs):
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
                         recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
                         recurrent_dropout, seed, **kwargs)

    def step(self, projected, states, weights, recurrent_mask=None):
        h = states[0] if recurrent_mask is None else states[0] * recurrent_mask
        h = self.activation(projected + h @ weights[1])
        return h, [h]


class LSTMCell(Cell):
    """One step of a long short-term memory; gates in the order input, forget, candidate, output.

    Args:
        units: size of the two states. activation, recurrent_activation: of candidate and output, and of the gates.
        use_bias, unit_forget_bias: whether there is a bias, and whether the forget gate's starts at 1.
        kernel_initializer and the like: of the three weights. dropout, recurrent_dropout, seed: as in `SimpleRNNCell`.
    """

    gates, states = 4, 2

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", unit_forget_bias=True, kernel_regularizer=None,
                 recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
                 dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs):
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
                         recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
                         recurrent_dropout, seed, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _bias_start(self):
        return ForgetBias(self.bias_initializer, self.units) if self.unit_forget_bias else self.bias_initializer

    def step(self, projected, states, weights, recurrent_mask=None):
        h, c = states
        if recurrent_mask is not None:
            h = h * recurrent_mask
        i, f, candidate, o = jnp.split(projected + h @ weights[1], 4, axis=-1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(candidate)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]


class GRUCell(Cell):
    """One step of a gated recurrent unit; gates in the order update, reset, candidate.

    Args:
        units: size of the state. activation, recurrent_activation: of the candidate and of the gates.
        reset_after: whether the reset gate acts after the state's matrix product (two biases) or before.
        kernel_initializer and the like: of the three weights. dropout, recurrent_dropout, seed: as in `SimpleRNNCell`.
    """

    gates = 3

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None, recurrent_regularizer=None,
                 bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, reset_after=True, seed=None, **kwargs):
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
                         recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
                         recurrent_dropout, seed, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self, width):
        return (2, width) if self.reset_after else (width,)

    def project(self, x, weights):
        kernel, _, bias = weights
        x = x @ kernel
        return x if bias is None else x + (bias[0] if self.reset_after else bias)

    def step(self, projected, states, weights, recurrent_mask=None):
        h = previous = states[0]
        if recurrent_mask is not None:
            h = h * recurrent_mask
        _, recurrent, bias = weights
        u = self.units
        x_gates, x_candidate = projected[..., :2 * u], projected[..., 2 * u:]
        if self.reset_after:
            inner = h @ recurrent
            if bias is not None:
                inner = inner + bias[1]
            z, r = jnp.split(self.recurrent_activation(x_gates + inner[..., :2 * u]), 2, axis=-1)
            candidate = self.activation(x_candidate + r * inner[..., 2 * u:])
        else:
            z, r = jnp.split(self.recurrent_activation(x_gates + h @ recurrent[:, :2 * u]), 2, axis=-1)
            candidate = self.activation(x_candidate + (r * h) @ recurrent[:, 2 * u:])
        h = z * previous + (1 - z) * candidate
        return h, [h]
