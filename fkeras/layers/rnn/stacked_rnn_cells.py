"""StackedRNNCells: several cells as one."""

from __future__ import annotations

import jax.numpy as jnp

from fkeras.core.nested import flatten
from fkeras.errors import UserInputError
from fkeras.layers.base import signature
from fkeras.layers.base.layer import Layer
from fkeras.types import Nested, Shape, Tensor


def check_cell(cell) -> None:
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


def takes_training(cell) -> bool:
    return isinstance(cell, Layer) and signature.of(cell).has_training


def output_size_of(cell) -> int:
    """The size of a cell's output: its `output_size`, else that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
        size = size[0] if isinstance(size, (list, tuple)) else size
    return size


def first_states_of(cell, batch_size: int | None) -> list:
    """A cell's first states in a list: its own `get_initial_state`, else zeros of `state_size`."""
    if hasattr(cell, "get_initial_state"):
        states = cell.get_initial_state(batch_size=batch_size)
        return list(states) if isinstance(states, (list, tuple)) else [states]
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    return [
        jnp.zeros(
            (batch_size, *(size if isinstance(size, (list, tuple)) else (size,))),
            getattr(cell, "compute_dtype", "float32"),
        )
        for size in sizes
    ]


def build_cell(cell, input_shape: Shape) -> None:
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
            for each cell; returns
        `(output, states)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> cells = fkeras.layers.StackedRNNCells([fkeras.layers.LSTMCell(4), fkeras.layers.GRUCell(3)])
        >>> fkeras.layers.RNN(cells)(jnp.ones((2, 7, 5))).shape
        (2, 3)
    """

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        cells = list(cells)
        if not cells:
            raise UserInputError("StackedRNNCells: `cells` is empty. Expected at least one cell.")
        for cell in cells:
            check_cell(cell)
        self.cells = cells

    @property
    def state_size(self):
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """A list with the first states of each cell: a list, or an array for a cell with a single
        `state_size`.
        """
        states = [first_states_of(cell, batch_size) for cell in self.cells]
        return [
            own[0]
            if isinstance(cell.state_size, int) and not hasattr(cell, "get_initial_state")
            else own
            for cell, own in zip(self.cells, states)
        ]

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (
                flatten(input_shape)[0] if flatten(input_shape) else None,
                output_size_of(cell),
            )

    def call(
        self, inputs: Tensor, states: Nested[Tensor], training: bool | None = False, **kwargs
    ) -> Tensor:
        new_states = []
        for cell, own in zip(self.cells, states, strict=True):
            listed = isinstance(own, (list, tuple))
            given = {**kwargs, "training": training} if takes_training(cell) else kwargs
            inputs, new = (cell if callable(cell) else cell.call)(
                inputs, list(own) if listed else [own], **given
            )
            new = list(new) if isinstance(new, (list, tuple)) else [new]
            new_states.append(new if listed else new[0])
        return inputs, new_states
