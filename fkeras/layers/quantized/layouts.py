"""What a scheme has to know of a weight: which of its axes share a scale, and how it lies as rows
and columns.

Rows are summed over when the weight is multiplied by; blocks are of neighbouring rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp

if TYPE_CHECKING:
    from typing import Any

    import jax

    from fkeras.types import Shape


class WeightLayout:
    """A kernel `(inputs, outputs)`.

    Args:
        name: of the weight.
        shape: its shape as floats.

    Attributes:
        attribute: where the layer keeps it.
        scale_axes: the axes that share a scale.
        packs_rows: whether neighbouring rows share a byte, rather than neighbouring columns.
        shares_blocks: whether the blocks are those of the layer's first weight.
    """

    scale_axes: tuple[int, ...] = (0,)
    packs_rows = False
    shares_blocks = False

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.attribute = f"_{name}"
        self.shape = tuple(shape)

    @property
    def is_matrix(self) -> bool:
        """Whether `as_columns` gives a column for each output."""
        return True

    @property
    def rows(self) -> int:
        """Number of rows."""
        return math.prod(self.shape[axis] for axis in self.scale_axes)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return math.prod(self.shape) // self.rows

    def as_columns(self, weight: Any) -> Any:
        """The weight as rows and columns."""
        return weight.reshape(self.rows, self.columns)

    def from_columns(self, columns: Any) -> Any:
        """What `as_columns` made of a weight as the weight."""
        return columns.reshape(self.shape)

    def stored(self, by_column: Any) -> Any:
        """Something with columns along its last axis as it is kept; its own inverse."""
        return by_column

    def kept_scale(self, scale: Any) -> Any:
        """A scale with 1 along `scale_axes` as it is kept: so that it fits the outputs."""
        return scale.reshape(self.columns)

    def scale_of_weight(self, scale: jax.Array) -> jax.Array:
        """A kept scale so that it fits the weight."""
        return scale

    def as_kernel(self, weight: jax.Array) -> jax.Array:
        """The weight as it is multiplied by."""
        return weight


class TableLayout(WeightLayout):
    """A table of rows that are looked up: `(ids, features)`. Its transpose may be multiplied by.

    What the other layouts call a column is a row of the table.
    """

    scale_axes = (1,)
    packs_rows = True

    def as_columns(self, weight: Any) -> Any:
        return weight.T

    def from_columns(self, columns: Any) -> Any:
        return columns.T

    def stored(self, by_column: Any) -> Any:
        return by_column.T

    def scale_of_weight(self, scale: jax.Array) -> jax.Array:
        return scale[:, None]

    def as_kernel(self, weight: jax.Array) -> jax.Array:
        return weight.T


class SecondLayout(WeightLayout):
    """The kernel of a projection back, beside a table: `(features, ids)`."""

    packs_rows = True
    shares_blocks = True

    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__(name, shape)
        self.attribute = name


class EinsumLayout(WeightLayout):
    """The kernel of an einsum equation.

    As columns it is reshaped and not transposed, which is how Keras's files have it: where the axes
    that are summed over do not come first, a column is a piece of several outputs.

    Args:
        name, shape: as `WeightLayout` has them.
        kernel: letters of the kernel's axes.
        outputs: letters of the output's axes.
    """

    def __init__(self, name: str, shape: Shape, kernel: str, outputs: str) -> None:
        super().__init__(name, shape)
        self.scale_axes = tuple(i for i, letter in enumerate(kernel) if letter not in outputs)
        self._kernel = kernel
        self._outputs = outputs

    @property
    def is_matrix(self) -> bool:
        return self.scale_axes == tuple(range(len(self.scale_axes)))

    def kept_scale(self, scale: Any) -> Any:
        return align(scale, self._kernel, self._outputs)

    def scale_of_weight(self, scale: jax.Array) -> jax.Array:
        return align(scale, self._outputs, self._kernel)


def align(x: Any, letters: str, wanted: str) -> Any:
    """An array with its axes in the order of other letters: 1 for those that it has not.

    Args:
        x: array, of size 1 along axes whose letters are not wanted.
        letters: of its axes.
        wanted: letters of the result's axes.

    Examples:
        >>> import jax.numpy as jnp
        >>> align(jnp.ones((1, 4, 5)), "dnh", "bnht").shape
        (1, 4, 5, 1)
    """
    kept = [letter for letter in wanted if letter in letters]
    sizes = dict(zip(letters, x.shape))
    squeezed = x.reshape([sizes[letter] for letter in letters if letter in wanted])
    order = [letter for letter in letters if letter in wanted]
    transposed = jnp.transpose(squeezed, [order.index(letter) for letter in kept])
    return transposed.reshape([sizes.get(letter, 1) for letter in wanted])
