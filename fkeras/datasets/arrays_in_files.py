"""Arrays out of files of data sets, some of which are pickled: only arrays come out of those.

Lists of reviews are arrays of objects, which NumPy writes as a pickle, and the CIFAR files are
pickles. Loading any other pickle can run any code, so all else is refused.
"""

import pickle
import zipfile
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from fkeras.errors import CorruptFileError, UnsafeFileError

_MAKE_EMPTY_ARRAY = cast(tuple, np.empty(0).__reduce__())[0]
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _MAKE_EMPTY_ARRAY,
    ("numpy._core.multiarray", "_reconstruct"): _MAKE_EMPTY_ARRAY,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of arrays, numbers, strings, lists and dicts; refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name.

        Raises:
            UnsafeFileError: anything but what an array is made of.
        """
        found = _ALLOWED.get((module, name))
        if found is None:
            raise UnsafeFileError(
                f"A pickle in a file of a data set names `{module}.{name}`, which is no array, and "
                "was not loaded: it could run any code. The file is damaged or not the one that "
                "was meant; remove it, so that it is downloaded again."
            )
        return found


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file, also those of objects.

    Args:
        path: the file.

    Raises:
        CorruptFileError: it is no such file.
        UnsafeFileError: it would run code.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            arrays = {}
            for name in names:
                with archive.open(name) as member:
                    arrays[name.removesuffix(".npy")] = _read_npy(member)
            return arrays
    except (zipfile.BadZipFile, EOFError, pickle.UnpicklingError, ValueError) as error:
        if isinstance(error, UnsafeFileError):
            raise
        raise _damaged(path, error) from error


def read_pickled_dict(path: Path) -> dict[str, Any]:
    """A dict that Python 2 pickled, with its keys as text.

    Args:
        path: the file.

    Raises:
        CorruptFileError: it is no such file.
        UnsafeFileError: it would run code.
    """
    try:
        with open(path, "rb") as file:
            content = ArrayUnpickler(file, encoding="bytes").load()
        return {
            key.decode("utf-8") if isinstance(key, bytes) else key: value
            for key, value in content.items()
        }
    except (EOFError, pickle.UnpicklingError, AttributeError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def _read_npy(file: IO[bytes]) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    # Version 3 differs from 2 in the encoding of names of fields only.
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject:
        return ArrayUnpickler(file).load()
    flat = np.frombuffer(bytearray(file.read()), dtype=dtype)
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _damaged(path: Path, error: Exception) -> CorruptFileError:
    return CorruptFileError(
        f"'{path}' is damaged or not a file of this data set ({error}). Remove it, so that it is "
        "downloaded again."
    )
