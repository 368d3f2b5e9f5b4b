"""`TextLineDataset`: the lines of text files."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.data.pipeline.dataset import Dataset
from fkeras.data.pipeline.files import Lines, names_of
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
        if compression_type not in _COMPRESSIONS:
            raise UserInputError(
                "TextLineDataset: `compression_type` must be None, 'GZIP' or 'ZLIB'. Received: "
                f"{compression_type!r}"
            )
        if not isinstance(filenames, Dataset):
            names = names_of(filenames, "TextLineDataset: `filenames`")
            filenames = Dataset.from_tensor_slices(np.array(names, object))
        super().__init__(Lines(filenames.node, compression_type or None))
