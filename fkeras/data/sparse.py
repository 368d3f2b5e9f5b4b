"""Sparse matrices as inputs: kept sparse as a whole, dense batch by batch, so that one compiled
step fits all batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings

if TYPE_CHECKING:
    from fkeras.data.source import InMemory, SparseMatrix


def is_sparse(value: InMemory) -> bool:
    """Whether a value is a scipy.sparse matrix or a two-dimensional JAX BCOO."""
    if type(value).__module__.startswith("scipy.sparse"):
        return hasattr(value, "tocoo")
    return _is_bcoo(value) and value.ndim == 2


def _is_bcoo(value: Any) -> bool:
    if not type(value).__module__.startswith("jax.experimental.sparse"):
        return False
    return hasattr(value, "indices") and hasattr(value, "data")


def dense(value: SparseMatrix) -> np.ndarray:
    """All of a sparse matrix as an array."""
    rows = SparseRows(value)
    return rows.take(np.arange(len(rows)))


class SparseRows:
    """The rows of a sparse matrix, to be taken as dense arrays.

    Its dtype is `object`: nothing that could lie on a device as it is.

    Args:
        matrix: of SciPy, in any format, or a two-dimensional JAX BCOO.

    Attributes:
        shape: (rows, columns).
    """

    dtype = np.dtype(object)

    def __init__(self, matrix: SparseMatrix) -> None:
        row, column, data = _entries_of(matrix)
        order = np.argsort(row, kind="stable")
        self.shape: tuple[int, ...] = tuple(int(n) for n in matrix.shape)
        # Entries row by row: those of row i are from _starts[i] to _starts[i + 1].
        self._column = column[order]
        self._data = data[order].astype(settings.floatx() if data.dtype.kind == "f" else data.dtype)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=self.shape[0]))])

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def entries(self) -> np.ndarray:
        """The numbers that are not left out, row by row."""
        return self._data

    def row_of(self, entry: int) -> int:
        """The row of one of the entries."""
        return int(np.searchsorted(self._starts, entry, side="right")) - 1

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Some rows, dense.

        Args:
            rows: ints; a row may be asked for more than once.

        Returns:
            (len(rows), columns)
        """
        starts = self._starts[rows]
        counts = self._starts[rows + 1] - starts
        # For each entry that is needed: the row of the result, and its place among all entries.
        out_row = np.repeat(np.arange(len(rows)), counts)
        place_in_row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = np.repeat(starts, counts) + place_in_row
        out = np.zeros((len(rows), self.shape[1]), self._data.dtype)
        # Not `out[...] = `: entries of one cell add up.
        np.add.at(out, (out_row, self._column[entry]), self._data[entry])
        return out


def _entries_of(matrix: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the entries."""
    if not _is_bcoo(matrix):
        matrix = matrix.tocoo()
        return matrix.row, matrix.col, matrix.data
    row, column = np.asarray(matrix.indices).T
    inside = (row < matrix.shape[0]) & (column < matrix.shape[1])  # BCOO pads with others
    return row[inside], column[inside], np.asarray(matrix.data)[inside]
