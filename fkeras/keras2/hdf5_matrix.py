"""`HDF5Matrix`: rows of a data set in an HDF5 file, as older scripts pass them to `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, PathLike


class HDF5Matrix:
    """A data set of a file, or a range of its rows. An index reads what it asks for, `fit` all.

    Args:
        datapath: of the file. dataset: name of the data set in it.
        start, end: the range of rows; None for the end of the data set.
        normalizer: function of the rows that were read.

    Raises:
        UserInputError: there is no such data set; an index outside of the range.
    """

    def __init__(
        self,
        datapath: PathLike,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[np.ndarray], Any] | None = None,
    ) -> None:
        import h5py

        self.file = h5py.File(datapath, "r")
        if not isinstance(self.file.get(dataset), h5py.Dataset):
            raise UserInputError(
                f"HDF5Matrix: '{datapath}' has no data set {dataset!r}. It has: {sorted(self.file)}"
            )
        self.data = self.file[dataset]
        self.start = start
        self.end = len(self.data) if end is None else end
        self.normalizer = normalizer

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        """Rows by an int, a slice, or a list or array of ints, in its order and with repeats."""
        if isinstance(key, slice):
            first, stop, step = key.indices(len(self))
            rows = np.arange(first, stop, step)
        else:
            rows = np.asarray(key)
            if rows.dtype == bool:
                rows = np.flatnonzero(rows)
            rows = np.where(rows < 0, rows + len(self), rows)
        if rows.size and not (0 <= rows.min() and rows.max() < len(self)):
            raise UserInputError(f"HDF5Matrix: rows {key!r} of {len(self)} rows.")
        # Files are read in rising order, each row once.
        distinct, places = np.unique(rows + self.start, return_inverse=True)
        read = self.data[distinct] if distinct.size else self.data[:0]
        read = read[places.reshape(rows.shape)] if rows.ndim else read[0]
        return read if self.normalizer is None else self.normalizer(read)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the range, as the normalizer leaves its rows."""
        return (len(self), *np.shape(self[:1])[1:])

    @property
    def dtype(self) -> np.dtype:
        """Of the rows, as the normalizer leaves them."""
        return np.asarray(self[:1]).dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))
