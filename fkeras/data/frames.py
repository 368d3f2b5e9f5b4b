"""pandas and polars, known by what they can do: neither is imported.

A frame is converted column by column, so that floats, ints, bools and nullable columns may stand
beside each other; what cannot be a number is reported with the column's name.
"""

import numpy as np

from fkeras.core import settings
from fkeras.data import objects
from fkeras.errors import UserInputError


def is_frame(value) -> bool:
    """Whether a value is a table with named columns."""
    return (
        hasattr(value, "columns")
        and hasattr(value, "dtypes")
        and (hasattr(value, "iloc") or hasattr(value, "get_columns"))
    )


def is_series(value) -> bool:
    """Whether a value is one column: a Series, an Index, or anything alike."""
    return hasattr(value, "to_numpy") and hasattr(value, "dtype") and not hasattr(value, "columns")


def columns_of(frame) -> tuple:
    """The names of the columns, in order."""
    return tuple(frame.columns)


def rows(value, start: int, stop: int):
    """Rows of a frame or series by position, whatever its index."""
    return value.iloc[start:stop] if hasattr(value, "iloc") else value[start:stop]


def array_of_series(series, name: str) -> np.ndarray:
    """(rows,) of the series' own kind; strings stay strings.

    Raises:
        UserInputError: for missing values in a column that has no NaN, and for what is neither
            number nor string.
    """
    count = _missing(series)
    if count:
        raise UserInputError(
            f"{name} has {count} missing value{'s' if count > 1 else ''} (NA). Fill or drop them: "
            "`fillna(...)`, `dropna()`."
        )
    numpy_dtype = getattr(series.dtype, "numpy_dtype", None)  # pandas' nullable and Arrow columns
    known = isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind in "biuf"
    array = np.asarray(series.to_numpy(dtype=numpy_dtype) if known else series.to_numpy())
    return objects.numbers(array, name) if array.dtype.kind == "O" else array


def array_of_frame(frame, name: str) -> np.ndarray:
    """(rows, columns): floats where any column holds floats, else ints, else bools.

    Raises:
        UserInputError: naming every column that holds strings, dates or missing values.
    """
    if (
        hasattr(frame, "iloc")
        and len(set(frame.dtypes)) == 1
        and isinstance(frame.dtypes.iloc[0], np.dtype)
        and frame.size
    ):
        array = frame.to_numpy()
        if array.dtype.kind in "biuf":
            return array
    columns, problems = [], []
    for label, series in zip(columns_of(frame), _each_column(frame)):
        where = f"column {label!r}"
        try:
            array = array_of_series(series, where)
        except UserInputError as error:
            problems.append(str(error))
            continue
        if array.dtype.kind not in "biufc":
            problems.append(f"{where} holds {_what(array)}")
        columns.append(array)
    if problems:
        more = f"\n  and {len(problems) - 5} columns more" if len(problems) > 5 else ""
        raise UserInputError(
            f"{name} is a table with columns that are not numbers:\n  "
            + "\n  ".join(problems[:5])
            + more
            + "\nLeave them out (`x.drop(columns=[...])`), or encode them: `pd.get_dummies(x)`, "
            "`.astype('category').cat.codes`."
        )
    table = np.empty((len(frame), len(columns)), _common_dtype(columns))
    for i, column in enumerate(columns):
        table[:, i] = column
    return table


def _each_column(frame):
    return (
        frame.get_columns()
        if hasattr(frame, "get_columns")
        else (frame.iloc[:, i] for i in range(len(frame.columns)))
    )


def _missing(series) -> int:
    """How many entries are missing. NaN in an ordinary float column is a number here:
    `check_finite` looks for it.
    """
    if hasattr(series, "null_count"):
        return int(series.null_count())
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufc" or not hasattr(series, "isna"):
        return 0
    return int(np.asarray(series.isna()).sum())


def _common_dtype(columns):
    kinds = {array.dtype.kind for array in columns}
    if "c" in kinds:
        return np.complex64
    if "f" in kinds or not kinds:
        return (
            settings.floatx()
            if settings.floatx() in ("float16", "float32", "float64")
            else "float32"
        )
    return np.result_type(*(array.dtype for array in columns))


def _what(array) -> str:
    if array.dtype.kind in "Mm":
        return "dates or times"
    return f"strings, such as {str(array.ravel()[0])[:40]!r}" if array.size else "no numbers"
