"""Files of events, as TensorBoard reads them: scalars, histograms, images, sounds and texts by name
and step.

A file is a row of records (`io/record_files.py`), each a protocol buffer.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fkeras.io import record_files
from fkeras.types import ArrayLike

_STRING = 7  # the dtype of texts in TensorFlow's protocol buffers
_WAV_HEADER = 44  # bytes before the samples


class EventFile:
    """A new file of events in a folder. What is written can be read at once.

    Args:
        folder: where; made where it is missing.

    Examples:
        >>> import os
        >>> file = EventFile("logs/train")
        >>> file.write_scalars({"loss": 0.5}, step=1)
        >>> file.close()
        >>> os.listdir("logs/train")[0].startswith("events.out.tfevents.")
        True
    """

    _count = 0  # of files of this process, since names go by the second

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        now = time.time()
        host, number = socket.gethostname(), EventFile._count
        EventFile._count += 1
        name = f"events.out.tfevents.{int(now):010d}.{host}.{os.getpid()}.{number}.v2"
        self._file: BinaryIO = open(Path(folder, name), "ab")
        self._write(_double(1, now) + _bytes(3, b"brain.Event:2"))

    def write_scalars(self, values: dict[str, float], step: int) -> None:
        """Writes numbers under their names.

        Args:
            values: by name.
            step: which epoch or batch they are of.
        """
        self._write_values([(n, _float(2, float(value))) for n, value in values.items()], step)

    def write_histogram(self, name: str, values: ArrayLike, step: int, buckets: int = 30) -> None:
        """Writes how numbers are distributed.

        Args:
            name: of the values.
            values: of any shape. What is not finite is left out.
            step: which epoch or batch they are of.
            buckets: how many equal ones.
        """
        numbers = np.asarray(values, np.float64).ravel()
        numbers = numbers[np.isfinite(numbers)]
        numbers = numbers if numbers.size else np.zeros(1)
        # Between numbers that are next to each other there are no limits of buckets.
        is_one = np.ptp(numbers) <= 1e3 * np.spacing(np.abs(numbers).max())
        counts, edges = np.histogram(numbers, 1 if is_one else max(int(buckets), 1))
        content = (
            _double(1, numbers.min())
            + _double(2, numbers.max())
            + _double(3, numbers.size)
            + _double(4, numbers.sum())
            + _double(5, (numbers**2).sum())
            + _bytes(6, edges[1:].astype("<f8").tobytes())
            + _bytes(7, counts.astype("<f8").tobytes())
        )
        self._write_values([(name, _bytes(5, content))], step)

    def write_images(
        self, name: str, encoded: Sequence[bytes], shape: Sequence[int], step: int
    ) -> None:
        """Writes pictures; several get numbers behind the name.

        Args:
            name: of the pictures.
            encoded: the bytes of a PNG file for each.
            shape: (height, width, channels) of all of them.
            step: which epoch or batch they are of.
        """
        height, width, channels = shape
        size = _integer(1, height) + _integer(2, width) + _integer(3, channels)
        suffixes = [f"/{i}" for i in range(len(encoded))] if len(encoded) > 1 else [""]
        pairs = zip(suffixes, encoded)
        self._write_values([(name + s, _bytes(4, size + _bytes(4, e))) for s, e in pairs], step)

    def write_sounds(
        self, name: str, encoded: Sequence[bytes], sample_rate: float, channels: int, step: int
    ) -> None:
        """Writes sounds; several get numbers behind the name.

        Args:
            name: of the sounds.
            encoded: the bytes of a WAV file of 16 bits for each.
            sample_rate: samples a second.
            channels: 1 for mono, 2 for stereo.
            step: which epoch or batch they are of.
        """
        values = []
        for i, sound in enumerate(encoded):
            length = (len(sound) - _WAV_HEADER) // (2 * channels)
            content = _float(1, sample_rate) + _integer(2, channels) + _integer(3, length)
            content += _bytes(4, sound) + _bytes(5, b"audio/wav")
            values.append((f"{name}/{i}" if len(encoded) > 1 else name, _bytes(6, content)))
        self._write_values(values, step)

    def write_texts(self, name: str, texts: Sequence[bytes], step: int) -> None:
        """Writes texts under one name.

        Args:
            name: of the texts.
            texts: in UTF-8.
            step: which epoch or batch they are of.
        """
        length = _bytes(2, _bytes(2, _integer(1, len(texts))))  # the shape: one axis
        content = _integer(1, _STRING) + length + b"".join(_bytes(8, text) for text in texts)
        plugin = _bytes(9, _bytes(1, _bytes(1, b"text")))
        self._write_values([(name, _bytes(8, content) + plugin)], step)

    def write_graph(self, config: str, step: int) -> None:
        """Writes the graph of a model's layers.

        Args:
            config: what `model.to_json()` gives.
            step: which epoch or batch it is of.
        """
        content = _integer(1, _STRING) + _bytes(2, b"") + _bytes(8, config.encode())
        plugin = _bytes(9, _bytes(1, _bytes(1, b"graph_keras_model") + _bytes(2, b"1")))
        self._write_values([("keras", _bytes(8, content) + plugin)], step)

    def write_graph_of_run(self, nodes: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        """Writes what the page on graphs shows first.

        Args:
            nodes: names, kinds, and the names of the nodes that give a node its inputs.
        """
        graph = b""
        for name, kind, inputs in nodes:
            node = _bytes(1, name.encode()) + _bytes(2, kind.encode())
            graph += _bytes(1, node + b"".join(_bytes(3, source.encode()) for source in inputs))
        self._write(_double(1, time.time()) + _bytes(4, graph))
        self._file.flush()

    def _write_values(self, values: Sequence[tuple[str, bytes]], step: int) -> None:
        summary = b"".join(_bytes(1, _bytes(1, n.encode()) + content) for n, content in values)
        self._write(_double(1, time.time()) + _integer(2, step) + _bytes(5, summary))
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, record: bytes) -> None:
        self._file.write(record_files.framed(record))


# -- protocol buffers: the number of the field, what kind it is, the value ---------------------


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)
