"""HDF5 files that may come from strangers: what is read of one is checked first.

HDF5 can point to other files (external links, external and virtual datasets), to other places of
itself (soft links), and declare arrays that it does not hold. Here only hard links count, and what
a file declares must stand in proportion to its size before anything is allocated for it. Whoever
reads an HDF5 file does so through these functions, never by `file[path]`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from fkeras.errors import CorruptFileError, UnsafeFileError
from fkeras.saving.formats.checked_reading import aligned_empty

if TYPE_CHECKING:
    import h5py

_MAX_DEPTH = 64
_MAX_OBJECTS = 500_000
_MAX_EXPANSION = 64  # compressed arrays; Keras writes none
_FREE_BYTES = 1 << 24  # arrays of zeros shrink to nothing: so much is read in any case


def import_h5py() -> Any:
    """The library, which is loaded with the first file."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("`.h5` and `.keras` files need h5py: `pip install h5py`.") from error
    return h5py


@contextlib.contextmanager
def open_guarded(
    source: Path | BinaryIO, size: int, shown: str, reader: ArrayReader | None = None
) -> Iterator[GuardedFile]:
    """Opens an HDF5 file to read.

    Args:
        source: path or file object.
        size: bytes of the file, which limit what it may declare.
        shown: how messages name the file.
        reader: what is asked for arrays before the HDF5 library is.

    Raises:
        CorruptFileError: no HDF5 file, or one that is damaged; also for what goes wrong in the
            `with`.
    """
    h5py = import_h5py()
    try:
        file = h5py.File(source, "r")
    except (OSError, ValueError, RuntimeError) as error:
        raise CorruptFileError(
            f"{shown} is not a complete HDF5 file of {size} bytes ({error}). Save it again, or "
            "take another copy."
        ) from None
    with file:
        try:
            yield GuardedFile(file, size, shown, reader)
        except (OSError, RuntimeError, KeyError, UnicodeDecodeError, OverflowError) as error:
            # What h5py raises where the bytes inside make no sense.
            raise CorruptFileError(
                f"{shown} is damaged: {error}. Save it again, or take another copy."
            ) from None


class ArrayReader(Protocol):
    """Another way to the array of a dataset."""

    def begin(self, dataset: h5py.Dataset) -> np.ndarray | None:
        """The array, which may be filled later; None where it has to be read by the library."""


class GuardedFile:
    """An open HDF5 file; counts what has been read of it.

    Attributes:
        root: the root group. Attributes are safe to read; members are had by `children`.
        shown: how messages name the file.
    """

    def __init__(
        self, file: h5py.File, size: int, shown: str, reader: ArrayReader | None = None
    ) -> None:
        self.root = file
        self.shown = shown
        self._reader = reader
        self._objects = 0
        self._bytes_left = _MAX_EXPANSION * size + _FREE_BYTES

    def children(
        self, group: h5py.Group, depth: int
    ) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
        """(name, group or dataset) for the members of a group.

        Args:
            group: the group.
            depth: how many groups it was reached through; a group may be its own member.

        Raises:
            UnsafeFileError: a member that is a link to somewhere else, more members than a model
                has, or groups deeper in each other than in any.
        """
        h5py = import_h5py()
        if depth > _MAX_DEPTH:
            raise self._unsafe(str(group.name)[:200], f"groups more than {_MAX_DEPTH} deep")
        for name in group:
            self._objects += 1
            if self._objects > _MAX_OBJECTS:
                raise self._unsafe(group.name, f"more than {_MAX_OBJECTS} members")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                kind = type(link).__name__
                raise self._unsafe(f"{group.name}/{name}"[:200], f"a link of kind {kind}")
            yield name, group[name]

    def child(self, group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
        """The member at a path below a group, or None."""
        h5py = import_h5py()
        found: Any = group
        for name in path.split("/"):
            if not isinstance(found, h5py.Group) or not name or name in (".", ".."):
                return None
            link = found.get(name, getlink=True)
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise self._unsafe(f"{found.name}/{name}", f"a link of kind {type(link).__name__}")
            found = found[name]
        return found

    def read(self, dataset: h5py.Dataset, at_once: bool = False) -> np.ndarray:
        """The array of a dataset.

        Args:
            dataset: the dataset.
            at_once: whether its numbers are looked at before the file is closed.

        Raises:
            UnsafeFileError: one that stands in other files, or is larger than the file can hold.
            CorruptFileError: not an array of numbers.
        """
        if dataset.is_virtual or dataset.external:
            raise self._unsafe(dataset.name, "an array that stands in another file")
        dtype = _dtype_of(dataset)
        if dtype is None:
            raise CorruptFileError(
                f"{self.shown}, {dataset.name}: expected an array of numbers. Received one of "
                f"dtype {dataset.dtype}."
            )
        declared = math.prod(dataset.shape) * dtype.itemsize
        stored = dataset.id.get_storage_size()
        self._bytes_left -= declared
        if declared > _MAX_EXPANSION * stored + _FREE_BYTES or self._bytes_left < 0:
            raise self._unsafe(
                dataset.name, f"an array of {declared} bytes, of which {stored} are in the file"
            )
        array = None if at_once or self._reader is None else self._reader.begin(dataset)
        if array is None:
            array = aligned_empty(dataset.shape, dataset.dtype)
            if array.size:
                dataset.read_direct(array)
        return array.view(dtype) if array.dtype != dtype else array

    def _unsafe(self, member: str, reason: str) -> UnsafeFileError:
        return UnsafeFileError(
            f"{self.shown} is refused: {member} is or holds {reason}. Models do not need that: do "
            "not trust this file."
        )


def _dtype_of(dataset: h5py.Dataset) -> np.dtype | None:
    """The dtype that the bytes stand for; None for what is not numbers."""
    if dataset.dtype.kind == "V" and dataset.dtype.itemsize == 2 and not dataset.dtype.names:
        import ml_dtypes  # comes with JAX

        return np.dtype(ml_dtypes.bfloat16)  # as h5py writes what NumPy has no letter for
    return dataset.dtype if dataset.dtype.kind in "fiubc" else None
