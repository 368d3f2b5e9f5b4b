"""Rows of inputs that are computed batch by batch, where all of them would not fit in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.nested import flatten, map_structure

if TYPE_CHECKING:
    from fkeras.types import Nested

_ROWS_TRIED = 256
_MOST_BYTES = 2 << 30  # of computed inputs that are kept for the length of a training


class ComputedRows:
    """What a function makes of the rows of arrays.

    Its dtype is `object`: nothing that could lie on a device as it is.

    Args:
        function: of nested arrays, which treats each row by itself.
        arrays: nested NumPy arrays, rows first.

    Attributes:
        shape: (rows,).
    """

    dtype = np.dtype(object)

    def __init__(self, function: Callable[[Nested[Any]], Any], arrays: Nested[Any]) -> None:
        self._function = function
        self._arrays = arrays
        self.shape = (len(flatten(arrays)[0]),)

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, rows: slice | np.ndarray) -> Any:
        """What the function makes of some rows: a slice of them, or their numbers."""
        return self._function(map_structure(lambda array: array[rows], self._arrays))


def computed(function: Callable[[Nested[Any]], Any], arrays: Nested[Any]) -> Any:
    """What a function makes of all rows, or `ComputedRows` where that would be too large.

    Args:
        function: of nested arrays, which treats each row by itself.
        arrays: nested arrays, rows first.
    """
    if isinstance(arrays, ComputedRows):
        return arrays
    rows = ComputedRows(function, arrays)
    if len(rows) <= _ROWS_TRIED:
        return function(arrays)
    tried = rows.take(slice(0, _ROWS_TRIED))
    size = sum(array.nbytes for array in flatten(tried) if hasattr(array, "nbytes"))
    return function(arrays) if size / _ROWS_TRIED * len(rows) <= _MOST_BYTES else rows
