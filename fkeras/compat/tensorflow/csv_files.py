"""`tf.data.experimental.CsvDataset` and `make_csv_dataset`: tables in files of text."""

from __future__ import annotations

import csv
import gzip
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from fkeras import data
from fkeras.compat.tensorflow.files import CsvColumn, glob
from fkeras.compat.tensorflow.strings import to_text
from fkeras.errors import UserInputError

_INT32 = np.iinfo(np.int32)


class CsvDataset(data.Dataset):
    """The rows of CSV files, each a tuple of scalars. They are read anew in each pass.

    Args:
        filenames: a name or a list of names; read one after the other.
        record_defaults: for each column a value for where it is empty, or a dtype where it must
            not be.
        compression_type: None, or `'GZIP'`.
        buffer_size: not used.
        header: whether the first line of each file is left out.
        field_delim: what stands between columns.
        use_quote_delim: whether `"` begins and ends a text.
        na_value: what counts as empty, beside nothing.
        select_cols: which columns, as rising numbers; None: all.
        exclude_cols: which columns not, instead.
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Sequence[Any],
        compression_type: str | None = None,
        buffer_size: int | None = None,
        header: bool = False,
        field_delim: str = ",",
        use_quote_delim: bool = True,
        na_value: str = "",
        select_cols: Sequence[int] | None = None,
        exclude_cols: Sequence[int] | None = None,
    ) -> None:
        names = [to_text(name) for name in np.ravel(np.asarray(filenames, object))]
        table = _Table(names, field_delim, use_quote_delim, compression_type, header)
        columns = [CsvColumn(default, na_value) for default in record_defaults]

        def rows() -> Iterator[tuple[Any, ...]]:
            for row in table.rows():
                kept = select_cols
                if exclude_cols is not None:
                    kept = [i for i in range(len(row)) if i not in exclude_cols]
                places = range(len(columns)) if kept is None else kept
                yield tuple(column.value(row, i) for column, i in zip(columns, places))

        specs = tuple(data.TensorSpec((), column.dtype_name) for column in columns)
        super().__init__(data.Dataset.from_generator(rows, output_signature=specs).node)


def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> data.Dataset:
    """Batches of the rows of CSV files: dicts of columns, and a label beside them.

    The files are read once, when it is called.

    Args:
        file_pattern: a pattern or name, or a list of them.
        batch_size: rows a batch.
        column_names: of all columns; None for the first line of the first file.
        column_defaults: for each column that is kept a value for where it is empty, or a dtype;
            None to look at the first rows: whole numbers, numbers, else texts.
        label_name: of the column that goes beside the dict; None for none.
        select_columns: names or numbers of the columns that are kept; None for all.
        field_delim: what stands between columns.
        use_quote_delim: whether `"` begins and ends a text.
        na_value: what counts as empty, beside nothing.
        header: whether the first line of each file is no row.
        num_epochs: passes over the rows; None for no end.
        shuffle: whether rows come in another order in each pass.
        shuffle_buffer_size: among how many rows.
        shuffle_seed: of the order.
        prefetch_buffer_size, num_parallel_reads, sloppy: not used.
        num_rows_for_inference: how many rows are looked at; None for all.
        compression_type: None, or `'GZIP'`.
        ignore_errors: whether rows that cannot be read are left out.
        encoding: of the files.

    Raises:
        UserInputError: no file matches, or a name is not one of a column.
    """
    names = sorted(glob(file_pattern))
    if not names:
        raise UserInputError(f"make_csv_dataset: no file matches {file_pattern!r}.")
    table = _Table(names, field_delim, use_quote_delim, compression_type, header, encoding)
    all_names = list(column_names) if column_names is not None else table.first_row()
    places = [_place(column, all_names) for column in select_columns or range(len(all_names))]
    kept = [all_names[i] for i in places]
    if label_name is not None and label_name not in kept:
        raise UserInputError(
            f"make_csv_dataset: `label_name` must be one of the columns. Received: {label_name!r}. "
            f"Columns: {kept}"
        )
    rows = [row for row in table.rows() if not ignore_errors or len(row) == len(all_names)]
    looked_at = rows[:num_rows_for_inference]
    defaults = column_defaults or [
        _default([row[i] for row in looked_at], na_value) for i in places
    ]
    columns = {
        name: CsvColumn(default, na_value).array(rows, i)
        for name, i, default in zip(kept, places, defaults)
    }
    labels = () if label_name is None else (columns.pop(label_name),)
    dataset = data.Dataset.from_tensor_slices((columns, *labels) if labels else columns)
    if shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    return dataset.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)


class _Table:
    """The rows of files, as lists of texts."""

    def __init__(
        self,
        names: Sequence[str],
        delimiter: str,
        quotes: bool,
        compression: str | None,
        has_header: bool,
        encoding: str = "utf-8",
    ) -> None:
        if compression not in (None, "", "GZIP"):
            raise UserInputError(
                f"`compression_type` must be None or 'GZIP'. Received: {compression!r}"
            )
        self._names = names
        self._delimiter = delimiter
        self._quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
        self._is_packed = compression == "GZIP"
        self._has_header = has_header
        self._encoding = encoding

    def rows(self) -> Iterator[list[str]]:
        """All but headers and empty lines."""
        for name in self._names:
            with self._open(name) as file:
                lines = csv.reader(file, delimiter=self._delimiter, quoting=self._quoting)
                yield from filter(None, itertools.islice(lines, int(self._has_header), None))

    def first_row(self) -> list[str]:
        """Of the first file."""
        with self._open(self._names[0]) as file:
            return next(csv.reader(file, delimiter=self._delimiter, quoting=self._quoting), [])

    def _open(self, name: str) -> IO[str]:
        opened = gzip.open if self._is_packed else open
        return opened(os.fspath(name), "rt", encoding=self._encoding, newline="")


def _place(column: str | int, names: Sequence[str]) -> int:
    if isinstance(column, str):
        if column not in names:
            raise UserInputError(
                f"make_csv_dataset: `select_columns` has {column!r}, which is no column. Columns: "
                f"{list(names)}"
            )
        return names.index(column)
    return int(column)


def _default(texts: Sequence[str], na_value: str) -> Any:
    """What an empty cell becomes, in the narrowest dtype that takes all of these."""
    texts = [text for text in texts if text not in ("", na_value)]
    try:
        numbers = [int(text) for text in texts]
        if all(_INT32.min <= number <= _INT32.max for number in numbers):
            return np.int32(0)
        return np.int64(0)
    except ValueError:
        pass
    try:
        [float(text) for text in texts]
    except ValueError:
        return b""
    return np.float32(0)


EXPERIMENTAL: dict[str, Any] = {
    "CsvDataset": CsvDataset,
    "make_csv_dataset": make_csv_dataset,
}
