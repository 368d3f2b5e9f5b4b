"""NumPy arrays of Python objects: numbers become numbers, strings stay, anything else is an error
that says what and where.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOOLS = (bool, np.bool_)
_MISSING = ("NAType", "NaTType")  # pandas's; told by name, since pandas is not imported


def to_numeric(array: np.ndarray, name: str) -> np.ndarray:
    """The same values in a dtype that holds them without loss; an array of strings stays as it is.

    Args:
        array: of dtype object.
        name: what messages call it.

    Raises:
        UserInputError: for missing values, rows of different lengths, and for objects that are
            neither numbers nor strings.

    Examples:
        >>> import numpy as np
        >>> to_numeric(np.array([1, 2.5], object), "x").dtype.name
        'float64'
    """
    values = array.ravel().tolist()
    kinds = {type(value) for value in values}
    _refuse_missing(values, name)
    if _all_are(kinds, (str, bytes)):
        return array
    if _all_are(kinds, _BOOLS):
        return array.astype(bool)
    if _all_are(kinds, (numbers.Integral, *_BOOLS)):
        return _cast(array, np.int64, name)
    reals = {kind for kind in kinds if kind.__name__ != "Decimal"}
    if _all_are(reals, (numbers.Real, *_BOOLS)):
        return _cast(array, np.float64, name)
    if _all_are(kinds, (numbers.Complex, *_BOOLS)):
        return _cast(array, np.complex128, name)
    if all(_is_row(value) for value in values):
        return _stack_rows(array, values, name)
    index, odd = next(
        (i, value)
        for i, value in enumerate(values)
        if not isinstance(value, (numbers.Number, np.bool_))
    )
    raise UserInputError(
        f"{name} is an array of dtype object that is not all numbers: entry {index} is the "
        f"{type(odd).__name__} {repr(odd)[:40]}. Convert it to numbers first."
    )


def _all_are(kinds: set[type], bases: tuple[type, ...]) -> bool:
    return all(issubclass(kind, bases) for kind in kinds)


def _is_row(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, dict))


def _refuse_missing(values: Sequence[Any], name: str) -> None:
    missing = sum(value is None or type(value).__name__ in _MISSING for value in values)
    if missing:
        plural = "s" if missing > 1 else ""
        raise UserInputError(
            f"{name} has {missing} missing value{plural} (None). Fill or drop them."
        )


def _cast(array: np.ndarray, dtype: type[np.generic], name: str) -> np.ndarray:
    try:
        return array.astype(dtype)
    except (OverflowError, ValueError) as error:
        raise UserInputError(
            f"{name} holds numbers that do not fit into {np.dtype(dtype).name}: {error}."
        ) from None


def _stack_rows(array: np.ndarray, values: Sequence[Any], name: str) -> np.ndarray:
    """A column of lists or arrays as one array with an axis more."""
    rows = [np.asarray(value) for value in values]
    shapes = sorted({row.shape for row in rows})
    if len(shapes) > 1:
        raise UserInputError(
            f"{name} holds rows of different shapes: {', '.join(map(str, shapes[:4]))}. Pad them "
            "to one length, for example with `fkeras.utils.pad_sequences`."
        )
    return np.stack(rows).reshape(array.shape + rows[0].shape)
