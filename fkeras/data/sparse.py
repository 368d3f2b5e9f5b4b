"""Sparse matrices as inputs: kept sparse as a whole, dense batch by batch, so that one compiled
step fits all batches.
"""

import numpy as np

from fkeras.core import settings


def is_sparse(value) -> bool:
    """Whether a value is a scipy.sparse matrix or a two-dimensional JAX BCOO."""
    module = type(value).__module__
    return (
        module.startswith("scipy.sparse")
        and hasattr(value, "tocoo")
        or _is_bcoo(value)
        and value.ndim == 2
    )


def _is_bcoo(value) -> bool:
    return (
        type(value).__module__.startswith("jax.experimental.sparse")
        and hasattr(value, "indices")
        and hasattr(value, "data")
    )


def dense(value) -> np.ndarray:
    """All of a sparse matrix as an array."""
    rows = SparseRows(value)
    return rows.take(np.arange(len(rows)))


class SparseRows:
    """The rows of a sparse matrix, to be taken as dense arrays.

    Its dtype is `object`: nothing that could lie on a device as it is.
    """

    dtype = np.dtype(object)

    def __init__(self, matrix):
        if _is_bcoo(matrix):
            row, column = np.asarray(matrix.indices).T
            data, inside = (
                np.asarray(matrix.data),
                (row < matrix.shape[0]) & (column < matrix.shape[1]),
            )
            row, column, data = (
                row[inside],
                column[inside],
                data[inside],
            )  # BCOO pads with indices out of range
        else:
            matrix = matrix.tocoo()
            row, column, data = matrix.row, matrix.col, matrix.data
        order = np.argsort(row, kind="stable")
        self.shape = tuple(int(n) for n in matrix.shape)
        self._column, self._data = (
            column[order],
            data[order].astype(settings.floatx() if data.dtype.kind == "f" else data.dtype),
        )
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=self.shape[0]))])

    def __len__(self):
        return self.shape[0]

    def take(self, rows) -> np.ndarray:
        """(len(rows), columns) dense."""
        starts, counts = self._starts[rows], self._starts[rows + 1] - self._starts[rows]
        out_row = np.repeat(np.arange(len(rows)), counts)
        entry = (
            np.arange(counts.sum())
            - np.repeat(np.cumsum(counts) - counts, counts)
            + np.repeat(starts, counts)
        )
        out = np.zeros((len(rows), self.shape[1]), self._data.dtype)
        np.add.at(
            out, (out_row, self._column[entry]), self._data[entry]
        )  # entries given twice count twice
        return out
