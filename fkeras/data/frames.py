"""pandas and polars, known by what they can do: neither is imported.

A frame is converted column by column, so that floats, ints, bools and nullable columns may stand
beside each other; what cannot be a number is reported with the column's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.data import object_arrays
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeVar

    from fkeras.data.source import Frame, InMemory, Series

    Rows = TypeVar("Rows", Frame, Series)

_MOST_LISTED = 5  # columns that an error names one by one


def is_frame(value: InMemory) -> bool:
    """Whether a value is a table with named columns."""
    return (
        hasattr(value, "columns")
        and hasattr(value, "dtypes")
        and (hasattr(value, "iloc") or hasattr(value, "get_columns"))
    )


def is_series(value: InMemory) -> bool:
    """Whether a value is one column: a Series, an Index, or anything alike."""
    return hasattr(value, "to_numpy") and hasattr(value, "dtype") and not hasattr(value, "columns")


def columns_of(frame: Frame) -> tuple[Any, ...]:
    """The names of the columns, in order."""
    return tuple(frame.columns)


def rows(value: Rows, start: int, stop: int) -> Rows:
    """Rows of a frame or series by position, whatever its index."""
    return value.iloc[start:stop] if hasattr(value, "iloc") else value[start:stop]


def array_of_series(series: Series, name: str) -> np.ndarray:
    """(rows,) of the series' own kind; strings stay strings.

    Raises:
        UserInputError: for missing values in a column that has no NaN, and for what is neither
            number nor string.
    """
    count = _missing(series)
    if count:
        plural = "s" if count > 1 else ""
        raise UserInputError(
            f"{name} has {count} missing value{plural} (NA). Fill or drop them: "
            "`fillna(...)`, `dropna()`."
        )
    numpy_dtype = getattr(series.dtype, "numpy_dtype", None)  # pandas' nullable and Arrow columns
    is_number = isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind in "biuf"
    array = np.asarray(series.to_numpy(dtype=numpy_dtype) if is_number else series.to_numpy())
    return object_arrays.to_numeric(array, name) if array.dtype.kind == "O" else array


def array_of_frame(frame: Frame, name: str) -> np.ndarray:
    """(rows, columns): floats where any column holds floats, else ints, else bools.

    Raises:
        UserInputError: naming every column that holds strings, dates or missing values.
    """
    if _is_uniform(frame):  # many times faster than column by column
        array = frame.to_numpy()
        if array.dtype.kind in "biuf":
            return array
    columns = _numeric_columns(frame, name)
    table = np.empty((len(frame), len(columns)), _common_dtype(columns))
    for i, column in enumerate(columns):
        table[:, i] = column
    return table


def _is_uniform(frame: Frame) -> bool:
    """Whether all columns have one dtype of NumPy's, so that pandas makes the array at once."""
    if not hasattr(frame, "iloc") or not frame.size or len(set(frame.dtypes)) > 1:
        return False
    return isinstance(frame.dtypes.iloc[0], np.dtype)


def _numeric_columns(frame: Frame, name: str) -> list[np.ndarray]:
    """The columns as arrays of numbers, or one error for all that are none."""
    columns: list[np.ndarray] = []
    problems: list[str] = []
    for label, series in zip(columns_of(frame), _each_column(frame)):
        title = f"column {label!r}"
        try:
            array = array_of_series(series, title)
        except UserInputError as error:
            problems.append(str(error))
            continue
        if array.dtype.kind not in "biufc":
            problems.append(f"{title} holds {_content_of(array)}")
        columns.append(array)
    # All at once, so that a table is mended in one go.
    if problems:
        rest = len(problems) - _MOST_LISTED
        lines = problems[:_MOST_LISTED] + ([f"and {rest} columns more"] if rest > 0 else [])
        raise UserInputError(
            f"{name} is a table with columns that are not numbers:\n  "
            + "\n  ".join(lines)
            + "\nLeave them out (`x.drop(columns=[...])`), or encode them: `pd.get_dummies(x)`, "
            "`.astype('category').cat.codes`."
        )
    return columns


def _each_column(frame: Frame) -> Iterable[Series]:
    if hasattr(frame, "get_columns"):  # polars
        return frame.get_columns()
    # By position: labels may occur twice.
    return (frame.iloc[:, i] for i in range(len(frame.columns)))


def _missing(series: Series) -> int:
    """How many entries are missing.

    NaN in an ordinary float column is a number here: `check_finite` looks for it.
    """
    if hasattr(series, "null_count"):  # polars
        return int(series.null_count())
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufc" or not hasattr(series, "isna"):
        return 0
    return int(np.asarray(series.isna()).sum())


def _common_dtype(columns: Sequence[np.ndarray]) -> np.dtype | type | str:
    """The dtype of a table, in which every column has a place."""
    kinds = {array.dtype.kind for array in columns}
    if "c" in kinds:
        return np.complex64
    if "f" in kinds or not kinds:
        floatx = settings.floatx()
        return "float32" if floatx == "bfloat16" else floatx  # NumPy has no bfloat16 of its own
    return np.result_type(*(array.dtype for array in columns))


def _content_of(array: np.ndarray) -> str:
    """What an array holds instead of numbers, for messages."""
    if array.dtype.kind in "Mm":
        return "dates or times"
    return f"strings, such as {str(array.ravel()[0])[:40]!r}" if array.size else "no numbers"
