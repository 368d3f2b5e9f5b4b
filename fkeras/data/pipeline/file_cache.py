"""`FileCache`: the elements of a pass in a file, for later programs."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from fkeras.data.pipeline import elements
from fkeras.data.pipeline.node import Node, Run
from fkeras.errors import UserInputError

_LAYOUT = "layout.json"


class FileCache(Node):
    """The elements of the first whole pass, kept in a file.

    The file is a zip archive of NumPy's own format, with a description of the structure: nothing
    in it is code.
    """

    label = "cache"

    def __init__(self, node: Node, path: Any) -> None:
        self.inputs = (node,)
        self.path = os.fspath(path)

    def elements(self, run: Run) -> Iterator[Any]:
        if os.path.exists(self.path):
            yield from _read(self.path)
            return
        unfinished = f"{self.path}.{os.getpid()}.part"
        try:
            with zipfile.ZipFile(unfinished, "w", allowZip64=True) as archive:
                layout: list[Any] = []
                for element in self.inputs[0].open(run):
                    layout.append(_write(archive, element, len(layout)))
                    yield element
                archive.writestr(_LAYOUT, json.dumps(layout))
            os.replace(unfinished, self.path)  # only a whole pass counts
        finally:
            if os.path.exists(unfinished):
                os.remove(unfinished)

    def skip_pass(self, run: Run) -> None:
        """What is cached draws nothing again."""
        if not os.path.exists(self.path):
            super().skip_pass(run)


def _write(archive: zipfile.ZipFile, element: Any, number: int) -> Any:
    """Writes the values of an element; returns its structure, in which values are their names."""
    names: list[str] = []

    def write(value: Any) -> str:
        name = f"{number}/{len(names)}"
        names.append(name)
        array = np.asarray(value)
        kind = "s" if array.dtype.kind in "OS" else "n"
        if kind == "s":  # bytes one by one: NumPy would cut them at trailing zeros
            listed = np.array(value, object).ravel().tolist()
            lengths = np.array([len(v) for v in listed])
            with archive.open(f"{name}.lengths", "w") as file:
                np.lib.format.write_array(file, lengths.reshape(np.shape(value)))
            archive.writestr(f"{name}.bytes", b"".join(listed))
        else:
            with archive.open(name, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
        return f"{kind}:{name}"

    return _structure(elements.map_values(write, element))


def _structure(named: Any) -> Any:
    if isinstance(named, tuple):
        return ["tuple", *map(_structure, named)]
    if isinstance(named, dict):
        return ["dict", *[[key, _structure(value)] for key, value in named.items()]]
    return named


def _read(path: str) -> Iterator[Any]:
    with zipfile.ZipFile(path) as archive:
        if _LAYOUT not in archive.namelist():
            raise UserInputError(
                f"Dataset.cache: {path!r} is not a file that `cache` wrote. Use another name."
            )
        for layout in json.loads(archive.read(_LAYOUT)):
            yield _read_element(archive, layout)


def _read_element(archive: zipfile.ZipFile, layout: Any) -> Any:
    if layout is None:
        return None
    if isinstance(layout, list):
        kind, *parts = layout
        if kind == "dict":
            return {key: _read_element(archive, value) for key, value in parts}
        return tuple([_read_element(archive, part) for part in parts])
    kind, name = layout.split(":", 1)
    if kind == "n":
        with archive.open(name) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
        return array if array.ndim else array[()]
    with archive.open(f"{name}.lengths") as file:
        lengths = np.lib.format.read_array(file, allow_pickle=False)
    ends = np.cumsum(lengths.ravel()).tolist()
    content = archive.read(f"{name}.bytes")
    strings = np.empty(lengths.shape, object)
    strings.flat[:] = [content[end - n : end] for end, n in zip(ends, lengths.ravel().tolist())]
    return strings if strings.ndim else strings[()]
