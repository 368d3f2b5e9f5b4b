"""RNN: a cell over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.config import scopes
from fkeras.core.nested import flatten, map_structure, unflatten_like
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.nested import replace_shapes
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.rnn import recurrence
from fkeras.layers.rnn.cell import RecurrentCell, holding_seeds
from fkeras.layers.rnn.stacked_rnn_cells import (
    Cell,
    StackedRNNCells,
    build_cell,
    check_cell,
    first_states_of,
    output_size_of,
    takes_training,
)
from fkeras.types import Config, Nested, Shape, Tensor


class RNN(Layer):
    """Runs a cell over the steps of a sequence.

    The loop is one `jax.lax.scan`: compile time does not depend on the number of steps. Cells of
    this library get their fast path here as in `LSTM`; a cell of your own is called once at each
    step. A cell may not change state Variables inside the loop.

    Args:
        cell: a cell, or a list of cells that are stacked. A cell is an object, usually a `Layer`,
            with `state_size` (int, or list of ints and shapes), a method
            `call(inputs, states) -> (output, new_states)`, and optionally `output_size` and
            `get_initial_state(batch_size)`.
        return_sequences: whether the outputs of all steps are returned, or that of the last.
        return_state: whether the last states are returned too.
        go_backwards: whether the last step comes first; a returned sequence is in the order of
            computation.
        stateful: whether a batch starts from the last states of the batch before. The batch size
            must be known and stay the same.
        unroll: whether the loop is written out: faster for a few steps, slow to compile for many.
            An int: that many steps at a time.
        zero_output_for_mask: whether the output at a masked step is 0. False: it is the output of
            the step before (the first state, at the start).

    Shape:
        `(batch, steps, ...)` -> `(batch, ...)`, or `(batch, steps, ...)` with `return_sequences`;
        with `return_state` a tuple of the output and the states. Sequences may be a tuple, list or
        dict of arrays, for a cell that takes such inputs; its output may be one, too.

    Call arguments:
        sequences; `initial_state`: one array or a list in the order of the cell's states, None for
        the cell's own; `mask`: bool `(batch, steps)`, True where a step counts; `training`;
        `constants`: arrays that the cell's `call` gets at each step under this name.

    Raises:
        UserInputError: something that is no cell; states of the wrong number or shape; with
            `stateful`, another batch size.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> class Sum(fkeras.layers.Layer):
        ...     state_size = 3
        ...     def call(self, inputs, states):
        ...         return inputs + states[0], [inputs + states[0]]
        >>> fkeras.layers.RNN(Sum())(jnp.ones((2, 5, 3)))[0].tolist()
        [5.0, 5.0, 5.0]
    """

    _takes_steps = True

    def __init__(
        self,
        cell: Cell | Sequence[Cell],
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool | int = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerOptions],
    ):
        # Cells in a list are stacked.
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        check_cell(cell)
        if not isinstance(cell.state_size, (list, tuple, int, np.integer)):
            raise UserInputError(
                "state_size must be an integer, or a list/tuple of integers (one for each state "
                f"tensor). Received: state_size={cell.state_size!r} of {cell!r}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.single_state = isinstance(cell.state_size, (int, np.integer))
        self.state_size = [cell.state_size] if self.single_state else list(cell.state_size)
        self.states: Nested[Variable] | None = None
        self.supports_masking = True

    # -- weights and states ----------------------------------------------------

    def build(
        self, sequences_shape: Shape, initial_state_shape: Nested[Shape] | None = None
    ) -> None:
        # A cell sees one step: no axis of time.
        build_cell(self.cell, replace_shapes(lambda s: (s[0], *s[2:]), sequences_shape))
        if self.stateful and self.states is None:
            batch = _first_shape(sequences_shape)[0]
            if batch is None:
                raise UserInputError(
                    f"RNN '{self.name}' is `stateful`, so that the batch size must be known. "
                    f"Received: sequence.shape={sequences_shape}. Give it to the input: "
                    "`Input(shape, batch_size=...)` or `Input(batch_shape=...)`."
                )
            # Built inside a trace, the Variables outlive it: their values are computed now.
            with jax.ensure_compile_time_eval():
                states = self.get_initial_state(batch)
            self.states = map_structure(self._state_variable, states)

    def _state_variable(self, value: Tensor) -> Variable:
        return Variable(
            value, dtype=self.variable_dtype, trainable=False, name="rnn_state", kind="rnn_state"
        )

    def get_initial_state(self, batch_size: int | None) -> list[Nested[Tensor]]:
        """The states before the first step.

        A list of arrays; of lists of arrays, one for each cell, for stacked cells.
        """
        return first_states_of(self.cell, batch_size)

    def reset_state(self) -> None:
        """Sets the states of a `stateful` layer to 0: the next batch starts anew."""
        for variable in flatten(self.states):
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    def reset_states(self) -> None:
        """The same as `reset_state`, under an older name."""
        self.reset_state()

    def _first_states(
        self, batch: int, initial_state: Nested[Tensor] | None
    ) -> list[Nested[Tensor]]:
        """The states to start from: those given, those of the last batch, or the cell's own."""
        if self.stateful:
            expected = flatten(self.states)[0].shape[0]
            if batch != expected:
                raise UserInputError(
                    f"RNN '{self.name}' is `stateful`: the batch size of its inputs must be the "
                    f"same as the batch size of its states. Expected batch size: {expected}. "
                    f"Received batch size: {batch}"
                )
        if initial_state is not None:
            states = self._like_own_states(initial_state, self.get_initial_state(batch))
        elif self.stateful:
            states = map_structure(lambda variable: variable.value, self.states)
        else:
            states = self.get_initial_state(batch)
        # States of the cell's dtype: the loop's carry keeps its dtype from step to step.
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return map_structure(lambda x: jnp.asarray(x, dtype), states)

    def _like_own_states(
        self, states: Nested[Tensor], own: list[Nested[Tensor]]
    ) -> list[Nested[Tensor]]:
        """`states` in the structure of the cell's own, if their number and shapes are right."""
        leaves = flatten(states)
        shapes = [tuple(jnp.shape(x)) for x in leaves]
        expected = [x.shape for x in flatten(own)]
        if shapes != expected:
            raise UserInputError(
                f"RNN '{self.name}': `initial_state` does not fit. Expected states of shapes "
                f"{expected}. Received: {shapes}"
            )
        return unflatten_like(own, leaves)

    # -- the loop --------------------------------------------------------------

    def call(
        self,
        sequences: Nested[Tensor],
        initial_state: Nested[Tensor] | None = None,
        mask: Nested[Tensor] | None = None,
        training: bool | None = False,
        constants: Nested[Tensor] | None = None,
    ) -> Nested[Tensor]:
        batch_and_steps = flatten(sequences)[0].shape[:2]
        states = self._first_states(batch_and_steps[0], initial_state)
        inputs = map_structure(_swap_batch_and_steps, sequences)
        mask = _mask_by_step(mask, batch_and_steps)
        last, outputs, states = self._loop(inputs, states, mask, training, constants)
        states = map_structure(lambda x: x.astype(self.compute_dtype), states)
        if self.stateful:
            for variable, state in zip(flatten(self.states), flatten(states)):
                variable.assign(state)
        output = last
        if self.return_sequences:
            # The loop puts outputs at their places in time; here the order is that of computation.
            step = -1 if self.go_backwards else 1
            output = map_structure(lambda x: _swap_batch_and_steps(x[::step]), outputs)
        output = map_structure(lambda x: x.astype(self.compute_dtype), output)
        return (output, *states) if self.return_state else output

    def _loop(
        self,
        inputs: Nested[Tensor],
        states: list[Nested[Tensor]],
        mask: Tensor | None,
        training: bool | None,
        constants: Nested[Tensor] | None,
    ) -> tuple[Nested[Tensor], Nested[Tensor] | None, list[Nested[Tensor]]]:
        """The last output, all outputs or None, and the last states.

        Time comes first in `inputs`, `mask` and all outputs.
        """
        options = {
            "reverse": bool(self.go_backwards),
            "unroll": self.unroll,
            "zero_masked": bool(self.zero_output_for_mask),
        }
        is_stack = type(self.cell) is StackedRNNCells
        # Not for subclasses of `StackedRNNCells`, whose `call` may be another.
        cells = self.cell.cells if is_stack else [self.cell]
        own_cells = [cell for cell in cells if isinstance(cell, RecurrentCell)]
        if constants is None and len(own_cells) == len(cells):
            # `constants` go to the `call` of a cell of one's own; the library's have none.
            if all(cell.runs_fused() for cell in own_cells):
                return self._loop_fused(cells, inputs, states, mask, training, options)
        arguments = {"training": training} if takes_training(self.cell) else {}
        if constants is not None:
            arguments["constants"] = constants
        call_cell = self.cell if callable(self.cell) else self.cell.call

        def step(inputs_now, states):
            output, new_states = call_cell(inputs_now, states, **arguments)
            return output, new_states if isinstance(new_states, (list, tuple)) else [new_states]

        def previous_outputs(states):  # the first states, of the last of stacked cells
            return flatten(states[-1] if is_stack else states)

        # A generator cannot count inside `lax.scan`: all steps have the same noise, as in the
        # fused loop.
        with holding_seeds(own_cells, training):
            return recurrence.run(
                step, inputs, states, mask, previous_outputs=previous_outputs, **options
            )

    def _loop_fused(
        self,
        cells: list[RecurrentCell],
        inputs: Tensor,
        states: list[Nested[Tensor]],
        mask: Tensor | None,
        training: bool | None,
        options: dict[str, Any],
    ) -> tuple[Tensor, Tensor | None, list[Nested[Tensor]]]:
        """`_loop` for cells of this library: one after the other over the whole sequence."""
        is_stack = cells[0] is not self.cell
        new_states = []
        last = outputs = None
        for cell, cell_states in zip(cells, states if is_stack else [states], strict=True):
            inputs = (inputs if outputs is None else outputs).astype(cell.compute_dtype)
            one_step = jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype)  # (batch, features)
            noise = cell.draw_noise(one_step, cell_states[0], training)
            last, outputs, new = recurrence.run_cell(
                cell.step(),
                inputs,
                list(cell_states),
                cell.read_weights(),
                noise,
                mask,
                # A cell below another gives it the outputs of all steps.
                sequences=bool(self.return_sequences) or cell is not cells[-1],
                **options,
            )
            new_states.append(new)
        return last, outputs, new_states if is_stack else new_states[0]

    # -- shapes and masks ------------------------------------------------------

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Nested[Shape] | None = None
    ) -> Nested[Shape]:
        batch, steps, *_ = _first_shape(sequences_shape)  # either may be None
        around = (batch, steps) if self.return_sequences else (batch,)
        size = output_size_of(self.cell)
        if type(size) in (list, tuple):  # an output that is several arrays
            output = tuple(_with_axes(around, inner) for inner in size)
        else:
            output = _with_axes(around, size)
        if not self.return_state:
            return output
        is_stack = isinstance(self.cell, StackedRNNCells)  # a list of sizes for each cell
        states = tuple(
            [(batch, inner) for inner in size]
            if is_stack and isinstance(size, (list, tuple))
            else _with_axes((batch,), size)
            for size in self.state_size
        )
        return (output, *states)

    def compute_mask(
        self, inputs: Nested[Tensor], mask: Nested[Tensor | None]
    ) -> Nested[Tensor | None]:
        mask = next(iter(flatten(mask)), None) if self.return_sequences else None
        if mask is not None and self.go_backwards:  # as the outputs: in the order of computation
            mask = jnp.flip(mask, axis=1)
        return [mask] + [None] * len(self.state_size) if self.return_state else mask

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> RNN:
        with scopes.custom_object_scope(custom_objects):
            return super().from_config(config)


def _with_axes(around: Shape, size: int | Shape) -> Shape:
    """A shape: axes in front, and a size, which is one further axis or several."""
    return (*around, *size) if isinstance(size, (list, tuple)) else (*around, size)


def _first_shape(shapes: Nested[Shape]) -> Shape:
    found: list[Shape] = []
    replace_shapes(found.append, shapes)
    return found[0]


def _swap_batch_and_steps(x: Tensor) -> Tensor:
    return jnp.swapaxes(x, 0, 1)  # (steps, batch, ...), or back


def _mask_by_step(mask: Nested[Tensor] | None, batch_and_steps: Shape) -> Tensor | None:
    """A mask as bool (steps, batch), or None.

    Of a mask (batch, steps, ...), a step counts where anything of it does.
    """
    mask = next(iter(flatten(mask)), None)
    if mask is None:
        return None
    mask = jnp.asarray(mask, bool)
    if mask.ndim < 2 or mask.shape[:2] != batch_and_steps:
        raise UserInputError(
            f"The mask of an RNN must be of shape (batch, steps) = {batch_and_steps}. "
            f"Received: mask.shape={mask.shape}"
        )
    # (steps, batch), as the loop takes it
    return mask.any(axis=tuple(range(2, mask.ndim))).T
