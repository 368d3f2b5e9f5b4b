"""Datasets of names of files, and of the lines in them."""

from __future__ import annotations

import glob
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, ClassVar

import numpy as np

from fkeras.data.pipeline import elements, tensor_spec
from fkeras.data.pipeline.node import UNKNOWN_CARDINALITY, Node, Run
from fkeras.errors import UserInputError
from fkeras.io.record_files import read_records


def matching_files(patterns: Any) -> list[str]:
    """The files that match any of the patterns, sorted.

    Raises:
        UserInputError: none does.
    """
    names = names_of(patterns, "list_files")
    found = sorted({path for name in names for path in glob.glob(name)})
    if not found:
        raise UserInputError(f"Dataset.list_files: no files match {', '.join(names)}")
    return found


def names_of(value: Any, title: str) -> list[str]:
    """Names of files from a string, a path, or arrays and lists of those."""
    names = np.atleast_1d(elements.to_array(value, title)).ravel().tolist()
    return [os.fsdecode(name) for name in names]


class Contents(Node):
    """What stands in files, item by item.

    Args:
        files: gives names.
        compression: None, 'GZIP' or 'ZLIB'.

    Attributes:
        read: gives the items of a file that is open; takes its name, too.
    """

    read: ClassVar[Callable[[BinaryIO, str], Iterator[bytes]]]

    def __init__(self, files: Node, compression: str | None) -> None:
        self.inputs = (files,)
        self.compression = compression

    def elements(self, run: Run) -> Iterator[Any]:
        for names in self.inputs[0].open(run):
            for name in names_of(names, self.label):
                with self._opened(name) as file:
                    yield from type(self).read(file, name)

    def _opened(self, name: str) -> BinaryIO:
        if self.compression == "GZIP":
            return gzip.open(name)
        if self.compression == "ZLIB":
            with open(name, "rb") as file:
                return io.BytesIO(zlib.decompress(file.read()))
        return open(name, "rb")

    def count(self) -> int:
        return UNKNOWN_CARDINALITY

    def spec(self) -> Any:
        return tensor_spec.TensorSpec((), "string")


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    for line in file:
        yield line.removesuffix(b"\n").removesuffix(b"\r")


class Lines(Contents):
    """The lines of files, without their ends."""

    label = "TextLineDataset"
    read = staticmethod(_lines)


class Records(Contents):
    """The records of TFRecord files."""

    label = "TFRecordDataset"
    read = staticmethod(read_records)
