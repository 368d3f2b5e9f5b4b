"""`RNN`: a cell over time."""

import inspect

import jax
import jax.numpy as jnp

from fkeras.core.symbolic import KerasTensor, leaves
from fkeras.core.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.rnn.cells import Cell


class RNN(Layer):
    """Runs a cell over the time axis.

    What the inputs contribute is one matrix product for all time steps; the scan carries the states alone.

    Args:
        cell: a layer with `call(inputs, states)` -> `(outputs, new states)` and `state_size`, or a list of such.
        return_sequences: whether all outputs are returned, or the last one.
        return_state: whether the last states follow the output.
        go_backwards: whether time runs from the end; outputs come in the order in which they are made.
        stateful: whether the last states are the next call's first.
        unroll: whether the loop is unrolled.
        zero_output_for_mask: whether masked steps give 0 instead of the output before.

    Shape:
        `(batch, time, features)` -> `(batch, units)`, or `(batch, time, units)`.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.RNN(fkeras.layers.GRUCell(4), return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    def __init__(self, cell, return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
                 zero_output_for_mask=False, **kwargs):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        for name in ("call", "state_size"):
            if not hasattr(cell, name):
                raise UserInputError(f"Argument `cell` should have a `{name}`. Received: cell={cell}")
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.zero_output_for_mask = stateful, unroll, zero_output_for_mask
        self.input_spec = [InputSpec(ndim=3)] if isinstance(cell, Cell) else None
        self.supports_masking = True
        self.held_states = None

    def build(self, sequences_shape, initial_state_shape=None):
        if not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            if sequences_shape[0] is None:
                raise UserInputError(f"The stateful layer '{self.name}' needs a fixed batch size: `Input(batch_shape=...)`. Received shape "
                                     f"{tuple(sequences_shape)}.")
            sizes = [s for s in leaves(self.cell.state_size)]
            self.held_states = [self.add_weight(shape=(sequences_shape[0], s), initializer="zeros", trainable=False, autocast=False,
                                                name=f"state_{i}") for i, s in enumerate(sizes)]

    @property
    def states(self):
        return self.held_states

    def get_initial_state(self, batch_size):
        if hasattr(self.cell, "get_initial_state"):
            return list(leaves(self.cell.get_initial_state(batch_size=batch_size)))
        return [jnp.zeros((batch_size, s), self.compute_dtype) for s in leaves(self.cell.state_size)]

    def __call__(self, sequences, initial_state=None, *args, **kwargs):
        if initial_state is None and isinstance(sequences, (list, tuple)):
            sequences, *initial_state = sequences
        if initial_state is not None and not (isinstance(initial_state, (list, tuple)) and not initial_state):
            kwargs["initial_state"] = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        return super().__call__(sequences, *args, **kwargs)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        states = initial_state
        if states is None:
            states = [v.value for v in self.held_states] if self.stateful else self.get_initial_state(sequences.shape[0])
        states = [s.value if isinstance(s, Variable) else s for s in states]
        outputs, last, states = self._over_time(sequences, states, mask, training)
        if self.stateful:
            for variable, value in zip(self.held_states, states):
                variable.assign(value)
        result = outputs if self.return_sequences else last
        return [result, *states] if self.return_state else result

    def _over_time(self, x, states, mask, training):
        """(outputs of all steps, the last output, the last states). Time is the first axis inside."""
        cell = self.cell
        length = x.shape[1]
        if isinstance(cell, Cell):
            weights = cell.weights_now()
            input_mask, recurrent_mask = cell.dropout_masks(x, x.shape[0], training)
            projected = cell.project(x if input_mask is None else x * input_mask[:, None], weights)
            step = lambda x, states: cell.step(x, states, weights, recurrent_mask)  # noqa: E731
        else:
            projected = x
            kwargs = {"training": training} if _takes_training(cell) else {}

            def step(x, states):
                packed = states if isinstance(cell.state_size, (list, tuple)) else states[0]
                outputs, new = cell(x, packed, **kwargs)
                return outputs, list(leaves(new))

        steps = jnp.swapaxes(projected, 0, 1)
        times = None if mask is None else jnp.swapaxes(jnp.asarray(mask, bool), 0, 1)
        carries_last = times is not None or not self.return_sequences
        last = None
        if carries_last:
            made = jax.eval_shape(lambda: step(steps[0], states)[0])
            last = jnp.zeros(made.shape, made.dtype)

        def body(carry, inputs):
            states, before = carry
            x, kept = inputs
            output, new = step(x, states)
            new = [n.astype(s.dtype) for n, s in zip(new, states)]
            shown = output
            if kept is not None:  # a masked step leaves everything as it was
                wide = lambda like: kept.reshape(kept.shape + (1,) * (like.ndim - 1))  # noqa: E731
                new = [jnp.where(wide(n), n, s) for n, s in zip(new, states)]
                shown = jnp.where(wide(output), output, jnp.zeros_like(output) if self.zero_output_for_mask else before)
                output = jnp.where(wide(output), output, before)
            return (new, output if carries_last else None), shown if self.return_sequences else None

        (states, last), outputs = jax.lax.scan(body, (list(states), last), (steps, times), reverse=self.go_backwards,
                                               unroll=length if self.unroll else 1)
        if self.return_sequences:
            if not carries_last:
                last = outputs[0] if self.go_backwards else outputs[-1]
            outputs = jnp.swapaxes(outputs[::-1] if self.go_backwards else outputs, 0, 1)
        return outputs, last, states

    def compute_mask(self, sequences, previous_mask=None):
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        output = mask if self.return_sequences else None
        return [output] + [None] * len(leaves(self.cell.state_size)) if self.return_state else output

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch, length = sequences_shape[0], sequences_shape[1]
        size = getattr(self.cell, "output_size", None) or leaves(self.cell.state_size)[0]
        output = (batch, length, size) if self.return_sequences else (batch, size)
        return [output, *((batch, s) for s in leaves(self.cell.state_size))] if self.return_state else output

    def compute_output_spec(self, sequences, initial_state=None, mask=None, training=None):
        shapes = self.compute_output_shape(tuple(sequences.shape))
        make = lambda shape: KerasTensor(shape, dtype=self.compute_dtype)  # noqa: E731
        return [make(s) for s in shapes] if self.return_state else make(shapes)

    def reset_state(self):
        """Sets held states to zero."""
        for variable in self.held_states or ():
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    reset_states = reset_state


def _takes_training(cell):
    return "training" in inspect.signature(cell.call).parameters


class StackedRNNCells(Layer):
    """Cells on top of each other as one cell.

    Args:
        cells: list of cells.
    """

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(cell, "state_size"):
                raise UserInputError(f"All cells must have a `state_size` attribute. Received cell without it: {cell}")
        self.cells = list(cells)

    @property
    def state_size(self):
        return [c.state_size for c in self.cells]

    @property
    def output_size(self):
        last = self.cells[-1]
        return getattr(last, "output_size", None) or leaves(last.state_size)[0]

    def get_initial_state(self, batch_size=None):
        return [cell.get_initial_state(batch_size=batch_size) for cell in self.cells]

    def build(self, input_shape):
        for cell in self.cells:
            if not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], getattr(cell, "output_size", None) or leaves(cell.state_size)[0])

    def call(self, inputs, states, training=False):
        flat, new = list(leaves(states)), []
        for cell in self.cells:
            count = len(leaves(cell.state_size))
            own, flat = flat[:count], flat[count:]
            packed = own if isinstance(cell.state_size, (list, tuple)) else own[0]
            inputs, after = cell(inputs, packed, **({"training": training} if _takes_training(cell) else {}))
            new += list(leaves(after))
        return inputs, new
