"""StackedRNNCells: several cells as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Unpack

import jax.numpy as jnp
import numpy as np

from fkeras.core.nested import flatten
from fkeras.errors import UserInputError
from fkeras.layers.base import signature
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.types import Nested, Shape, Tensor


class Cell(Protocol):
    """What `RNN` needs of a cell, a `Layer` or not.

    A cell may also have `output_size`, `get_initial_state(batch_size)` and, if it is a layer,
    `build(input_shape)`.
    """

    @property
    def state_size(self) -> int | Sequence[int | Sequence[int]]: ...

    call: Callable[..., tuple[Tensor, Nested[Tensor]]]  # (inputs, states) -> (output, states)


def check_cell(cell: Any) -> None:
    """Raises where something lacks what `RNN` needs of a cell."""
    if not hasattr(cell, "call"):
        raise UserInputError(
            "An RNN cell must have a `call` method (inputs, states) -> (output, states). "
            f"Received: {cell!r}"
        )
    if not hasattr(cell, "state_size"):
        raise UserInputError(
            "An RNN cell must have a `state_size` attribute: an integer, or a list/tuple of "
            f"integers (one for each state tensor). Received: {cell!r}"
        )


def takes_training(cell: Cell) -> bool:
    """Whether a cell is a layer whose `call` has an argument `training`."""
    return isinstance(cell, Layer) and signature.of(cell).has_training


def output_size_of(cell: Cell) -> Any:
    """The size of a cell's output: its `output_size`, else that of its first state.

    An int; a shape, for an output of several axes; a list of these, for several outputs.
    """
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
        size = size[0] if isinstance(size, (list, tuple)) else size
    return size


def first_states_of(cell: Cell, batch_size: int | None) -> list[Nested[Tensor]]:
    """A cell's first states in a list: its own `get_initial_state`, else zeros of `state_size`."""
    if hasattr(cell, "get_initial_state"):
        states = cell.get_initial_state(batch_size=batch_size)
        return list(states) if isinstance(states, (list, tuple)) else [states]
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    dtype = getattr(cell, "compute_dtype", "float32")
    return [
        jnp.zeros((batch_size, *(size if isinstance(size, (list, tuple)) else (size,))), dtype)
        for size in sizes
    ]


def build_cell(cell: Cell, input_shape: Shape) -> None:
    """Builds a cell that is a layer; others have nothing to build."""
    if isinstance(cell, Layer) and not cell.built:
        cell.build(input_shape)


class StackedRNNCells(Layer):
    """Several RNN cells as one: each gets the output of the one before it.

    In `RNN`, cells of this library run one after the other over the whole sequence; others run
    together, step by step.

    Args:
        cells: list of cells.

    Shape:
        `call(inputs, states)`: inputs `(batch, features)`, states a list with one list of states
        for each cell; returns `(output, states)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> cells = [fkeras.layers.LSTMCell(4), fkeras.layers.GRUCell(3)]
        >>> stack = fkeras.layers.StackedRNNCells(cells)
        >>> fkeras.layers.RNN(stack)(jnp.ones((2, 7, 5))).shape
        (2, 3)
    """

    def __init__(self, cells: Sequence[Cell], **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        cells = list(cells)
        if not cells:
            raise UserInputError("StackedRNNCells: `cells` is empty. Expected at least one cell.")
        for cell in cells:
            check_cell(cell)
        self.cells = cells

    @property
    def state_size(self) -> list[int | list[int]]:
        """The state sizes of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of the last cell's output."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Nested[Tensor]]:
        """The first states of each cell: a list, or one array.

        One array is that of a cell with a single `state_size` and no `get_initial_state`.
        """
        return [self._first_states_of(cell, batch_size) for cell in self.cells]

    @staticmethod
    def _first_states_of(cell: Cell, batch_size: int | None) -> Nested[Tensor]:
        states = first_states_of(cell, batch_size)
        # Such a cell gets and returns one array, not a list.
        is_single = isinstance(cell.state_size, (int, np.integer))
        return states[0] if is_single and not hasattr(cell, "get_initial_state") else states

    def build(self, input_shape: Shape) -> None:
        batch = next(iter(flatten(input_shape)), None)
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (batch, output_size_of(cell))

    def call(
        self, inputs: Tensor, states: list[Nested[Tensor]], training: bool | None = False, **kwargs
    ) -> tuple[Tensor, list[Nested[Tensor]]]:
        new_states = []
        for cell, cell_states in zip(self.cells, states, strict=True):
            is_list = isinstance(cell_states, (list, tuple))
            # `kwargs`: constants, for all cells alike.
            arguments = {**kwargs, "training": training} if takes_training(cell) else kwargs
            call_cell = cell if callable(cell) else cell.call
            inputs, new = call_cell(
                inputs, list(cell_states) if is_list else [cell_states], **arguments
            )
            new = list(new) if isinstance(new, (list, tuple)) else [new]
            new_states.append(new if is_list else new[0])
        return inputs, new_states
