"""Large arrays of HDF5 files with a seal, past the HDF5 library: written while their checksums are
summed up, and read by several threads into memory that JAX takes without a copy.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fkeras.saving.formats.checked_reading import aligned_empty, read_into
from fkeras.saving.formats.checksum import BLOCK, checksum
from fkeras.saving.formats.guarded_hdf5 import import_h5py
from fkeras.saving.formats.seal import SealedArray, damaged, seal_file

if TYPE_CHECKING:
    import h5py

_LARGE = BLOCK  # bytes from which an array has a checksum of its own


class SealedWriter:
    """An HDF5 file that is being written.

    Attributes:
        file: the file, for groups and attributes.
    """

    def __init__(self, file: h5py.File) -> None:
        h5py = import_h5py()
        self.file = file
        self._later: list[tuple[int, np.ndarray]] = []  # (where it begins in the file, its bytes)
        self._plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        self._plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        self._plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)

    def create_dataset(self, group: h5py.Group, name: str, value: np.ndarray) -> h5py.Dataset:
        """A dataset whose array, if it is large, is written once the HDF5 library has closed."""
        if value.nbytes < _LARGE or value.dtype.hasobject:
            return group.create_dataset(name, data=value)
        dataset = group.create_dataset(name, value.shape, value.dtype, dcpl=self._plan)
        content = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        self._later.append((dataset.id.get_offset(), content))
        return dataset

    def finish(self, path: Path) -> None:
        """Writes what is left into the closed file, and seals it."""
        # At once: the one waits for the kernel, the other computes.
        with (
            concurrent.futures.ThreadPoolExecutor(1) as pool,
            open(path, "r+b", buffering=0) as out,
        ):
            sums = [pool.submit(checksum, content) for _, content in self._later]
            for start, content in self._later:
                out.seek(start)
                left = memoryview(content)
                while left:
                    left = left[out.write(left) :]
            arrays = [
                SealedArray(start, content.nbytes, crc.result())
                for (start, content), crc in zip(self._later, sums, strict=True)
            ]
        seal_file(path, arrays)


@contextlib.contextmanager
def writing_sealed(path: Path) -> Iterator[SealedWriter]:
    """Gives an HDF5 file to write; at the end of the `with` it is whole, and has its seal."""
    with import_h5py().File(path, "w") as file:
        writer = SealedWriter(file)
        yield writer
    writer.finish(path)


class SealedReader:
    """Reads arrays of an open HDF5 file at once; they are there, and checked, after `finish`.

    Args:
        path: of the file.
        arrays: what its seal says of it.
        shown: how messages name it.
    """

    def __init__(self, path: Path, arrays: Sequence[SealedArray], shown: str) -> None:
        self._path = path
        self._shown = shown
        self._unread = {array.start: array for array in arrays}
        self._pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        self._reads: list[concurrent.futures.Future] = []

    def begin(self, dataset: h5py.Dataset) -> np.ndarray | None:
        """The array of a dataset, which may not be looked at yet; None where it is not sealed."""
        start = dataset.id.get_offset()
        sealed = self._unread.get(start) if start is not None else None
        if sealed is None or sealed.length != dataset.nbytes:
            return None
        array = aligned_empty(dataset.shape, dataset.dtype)
        self._begin(self._unread.pop(start), array)
        return array

    def finish(self) -> None:
        """Waits for all arrays, and checks those that nobody asked for.

        Raises:
            CorruptFileError: one of them is not what was written.
        """
        for array in self._unread.values():
            self._begin(array, np.empty(array.length, np.uint8))
        for read in self._reads:
            read.result()

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _begin(self, sealed: SealedArray, array: np.ndarray) -> None:
        def read() -> None:
            if read_into(array, self._path, sealed.start) != sealed.checksum:
                raise damaged(self._shown)

        self._reads.append(self._pool.submit(read))
