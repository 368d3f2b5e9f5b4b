"""`tf.io`: files as texts, `tf.io.gfile`, rows of CSV, numbers in bytes."""

from __future__ import annotations

import base64
import csv
import glob as globbing
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from fkeras.compat.tensorflow import image_files
from fkeras.compat.tensorflow.calls import known
from fkeras.compat.tensorflow.dtypes import numpy_dtype
from fkeras.compat.tensorflow.image_files import as_bytes
from fkeras.compat.tensorflow.strings import to_text
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike


def _path(path: Any) -> str:
    return os.fspath(path) if isinstance(path, os.PathLike) else to_text(path)


def read_file(filename: Any, name: str | None = None) -> HostArray:
    """The bytes of a file."""
    with open(_path(filename), "rb") as file:
        return host_array(file.read())


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Writes bytes or a text to a file; folders are made where they are missing."""
    path = _path(filename)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "wb") as file:
        file.write(as_bytes(contents))


def matching_files(pattern: Any, name: str | None = None) -> HostArray:
    """The files that a pattern such as `'data/*.png'` matches, in order."""
    return host_array(np.array(sorted(glob(pattern)), object))


def decode_raw(
    input_bytes: Any, out_type: DTypeLike, little_endian: bool = True, name: str | None = None
) -> HostArray:
    """The numbers that bytes hold, one after the other."""
    dtype = numpy_dtype(out_type).newbyteorder("<" if little_endian else ">")
    texts = known(input_bytes, "tf.io.decode_raw")
    rows = [np.frombuffer(text, dtype).astype(numpy_dtype(out_type)) for text in texts.ravel()]
    return host_array(np.stack(rows).reshape(*texts.shape, -1))


def decode_csv(
    records: ArrayLike,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
    name: str | None = None,
) -> list[HostArray]:
    """The columns of rows of CSV.

    Args:
        records: texts, one for each row.
        record_defaults: for each column a value for where it is empty, or a dtype where it must
            not be.
        field_delim: what stands between columns.
        use_quote_delim: whether `"` begins and ends a text.
        na_value: what counts as empty, beside nothing.
        select_cols: which columns; None: all.
        name: not used.
    """
    texts = known(records, "tf.io.decode_csv")
    quoting = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
    lines = [to_text(text) for text in texts.ravel()]
    rows = list(csv.reader(lines, delimiter=field_delim, quoting=quoting))
    columns = range(len(record_defaults)) if select_cols is None else select_cols
    return [
        host_array(CsvColumn(default, na_value).array(rows, i).reshape(texts.shape))
        for i, default in zip(columns, record_defaults)
    ]


class CsvColumn:
    """What the cells of a column of CSV become.

    Args:
        default: a value for empty cells, or a dtype where there are none.
        na_value: what counts as empty, beside nothing.

    Attributes:
        dtype: of NumPy. dtype_name: as specs have it.
    """

    def __init__(self, default: Any, na_value: str = "") -> None:
        if isinstance(default, str) and default in _CSV_DTYPES:
            self.dtype, self._fill = numpy_dtype(default), None
        else:
            array = known(default, "tf.io.decode_csv")
            self.dtype = array.dtype
            self._fill = array.ravel()[0] if array.size else None
        self.dtype_name = "string" if self.dtype.kind == "O" else self.dtype.name
        self._na_value = na_value

    def value(self, row: Sequence[str], column: int) -> Any:
        """Of the cell of a row.

        Raises:
            UserInputError: it is empty and there is no default, or no number.
        """
        text = row[column] if column < len(row) else ""
        if text == "" or (self._na_value and text == self._na_value):
            if self._fill is None:
                raise UserInputError(f"CSV: column {column} is empty and has no default: {row}.")
            return self._fill
        try:
            if self.dtype.kind == "O":
                return text.encode()
            return float(text) if self.dtype.kind == "f" else int(text)
        except ValueError:
            raise UserInputError(
                f"CSV: column {column} has {text!r}, which is no number of dtype {self.dtype}."
            ) from None

    def array(self, rows: Sequence[Sequence[str]], column: int) -> np.ndarray:
        """Of a column of rows."""
        return np.array([self.value(row, column) for row in rows], self.dtype)


_CSV_DTYPES = ("float32", "float64", "int32", "int64", "string")


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> HostArray:
    """Bytes as a text of letters that addresses may have."""
    text = base64.urlsafe_b64encode(as_bytes(input))
    return host_array(text if pad else text.rstrip(b"="))


def decode_base64(input: Any, name: str | None = None) -> HostArray:
    """The bytes of such a text."""
    text = as_bytes(input)
    return host_array(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))


# -- gfile: Python's own files under other names ---------------------------------------------------


class GFile:
    """A file as `open` gives it, which is opened when it is first used.

    Args:
        name: its path.
        mode: as for `open`.
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.name = _path(name)
        self.mode = mode
        self._opened: IO | None = None

    @property
    def _file(self) -> IO:
        if self._opened is None:
            encoding = None if "b" in self.mode else "utf-8"
            self._opened = open(self.name, self.mode, encoding=encoding)
        return self._opened

    def size(self) -> int:
        """In bytes."""
        return os.path.getsize(self.name)

    def close(self) -> None:
        """Closes the file."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> GFile:
        self._file  # noqa: B018  a file that is not there is told here
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:  # read, write, readline, seek, ...
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._file, name)


def glob(pattern: Any) -> list[str]:
    """The paths that a pattern, or one of several, matches."""
    patterns = pattern if isinstance(pattern, (list, tuple)) else [pattern]
    return [path for one in patterns for path in globbing.glob(_path(one))]


def makedirs(path: Any) -> None:
    """Makes a folder and those around it, where they are missing."""
    os.makedirs(_path(path), exist_ok=True)


def listdir(path: Any) -> list[str]:
    """The names in a folder."""
    return os.listdir(_path(path))


def remove(path: Any) -> None:
    """Deletes a file."""
    os.remove(_path(path))


def rmtree(path: Any) -> None:
    """Deletes a folder and all in it."""
    shutil.rmtree(_path(path))


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copies a file.

    Raises:
        FileExistsError: there is one, and it is not to be overwritten.
    """
    _check_free(dst, overwrite)
    shutil.copyfile(_path(src), _path(dst))


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Moves a file.

    Raises:
        FileExistsError: there is one, and it is not to be overwritten.
    """
    _check_free(dst, overwrite)
    os.replace(_path(src), _path(dst))


def _check_free(path: Any, overwrite: bool) -> None:
    if not overwrite and os.path.exists(_path(path)):
        raise FileExistsError(f"{_path(path)} exists; pass `overwrite=True`.")


class FileStatistics:
    """What `tf.io.gfile.stat` gives.

    Args:
        path: of a file or folder.

    Attributes:
        length: in bytes. mtime_nsec: when it was changed, in nanoseconds. is_directory: whether it
            is a folder.
    """

    def __init__(self, path: str) -> None:
        found = os.stat(path)
        self.length = found.st_size
        self.mtime_nsec = found.st_mtime_ns
        self.is_directory = os.path.isdir(path)


GFILE: dict[str, Any] = {
    "GFile": GFile,
    "copy": copy,
    "exists": lambda path: os.path.exists(_path(path)),
    "get_registered_schemes": lambda: [""],
    "glob": glob,
    "isdir": lambda path: os.path.isdir(_path(path)),
    "join": lambda path, *paths: os.path.join(_path(path), *map(_path, paths)),
    "listdir": listdir,
    "makedirs": makedirs,
    "mkdir": lambda path: os.mkdir(_path(path)),
    "remove": remove,
    "rename": rename,
    "rmtree": rmtree,
    "stat": lambda path: FileStatistics(_path(path)),
    "walk": lambda top, topdown=True, onerror=None: os.walk(_path(top), topdown, onerror),
}
_OF_IMAGES = (
    "decode_and_crop_jpeg decode_bmp decode_gif decode_image decode_jpeg decode_png encode_jpeg "
    "encode_png is_jpeg"
).split()
NAMES: dict[str, Any] = {
    **{name: image_files.NAMES[name] for name in _OF_IMAGES},
    "decode_base64": decode_base64,
    "decode_csv": decode_csv,
    "decode_raw": decode_raw,
    "encode_base64": encode_base64,
    "extract_jpeg_shape": lambda contents: host_array(
        np.array(image_files.decode_jpeg(contents).shape, np.int32)
    ),
    "matching_files": matching_files,
    "read_file": read_file,
    "write_file": write_file,
}
