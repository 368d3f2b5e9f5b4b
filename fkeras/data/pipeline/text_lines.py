"""`TextLineDataset` and `TFRecordDataset`: the lines of text files, and the records of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.data.pipeline.dataset import Dataset
from fkeras.data.pipeline.files import Contents, Lines, Records, names_of
from fkeras.errors import UserInputError

_COMPRESSIONS = (None, "", "GZIP", "ZLIB")


class TextLineDataset(Dataset):
    """The lines of text files, as bytes without line ends.

    Args:
        filenames: a name, a list of names, or a dataset of names; read one after the other.
        compression_type: None, `'GZIP'` or `'ZLIB'`.
        buffer_size, num_parallel_reads, name: accepted; without effect.

    Examples:
        >>> import pathlib, tempfile
        >>> from fkeras import data
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "names.txt"
        >>> _ = file.write_text("Ada\\nGrace\\n")
        >>> [line.numpy() for line in data.TextLineDataset(file)]
        [b'Ada', b'Grace']
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_contents(Lines, filenames, compression_type))


class TFRecordDataset(Dataset):
    """The records of TFRecord files, as bytes. `tf.io.parse_single_example` of the command
    `python -m fkeras` reads what they mean.

    Args:
        filenames: a name, a list of names, or a dataset of names; read one after the other.
        compression_type: None, `'GZIP'` or `'ZLIB'`.
        buffer_size, num_parallel_reads, name: accepted; without effect.

    Examples:
        >>> import pathlib, tempfile
        >>> from fkeras import data
        >>> from fkeras.io.record_files import framed
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "two.tfrecord"
        >>> _ = file.write_bytes(framed(b"first") + framed(b"second"))
        >>> [record.numpy() for record in data.TFRecordDataset(file)]
        [b'first', b'second']
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_contents(Records, filenames, compression_type))


def _contents(kind: type[Contents], filenames: Any, compression: str | None) -> Contents:
    if compression not in _COMPRESSIONS:
        raise UserInputError(
            f"{kind.label}: `compression_type` must be None, 'GZIP' or 'ZLIB'. Received: "
            f"{compression!r}"
        )
    if not isinstance(filenames, Dataset):
        names = names_of(filenames, f"{kind.label}: `filenames`")
        filenames = Dataset.from_tensor_slices(np.array(names, object))
    return kind(filenames.node, compression or None)
