"""NumPy arrays of Python objects: numbers become numbers, strings stay, anything else is an error
that says what and where.
"""

import numbers as abstract

import numpy as np

from fkeras.errors import UserInputError


def numbers(array: np.ndarray, name: str) -> np.ndarray:
    """The same values in a dtype that holds them without loss; an array of strings stays as it is.

    Raises:
        UserInputError: for missing values, rows of different lengths, and for objects that are
            neither numbers nor strings.
    """
    values = array.ravel().tolist()
    kinds = {type(v) for v in values}
    missing = sum(v is None or type(v).__name__ in ("NAType", "NaTType") for v in values)
    if missing:
        raise UserInputError(
            f"{name} has {missing} missing value{'s' if missing > 1 else ''} (None). Fill or drop "
            "them."
        )
    if all(issubclass(k, (str, bytes)) for k in kinds):
        return array
    if all(issubclass(k, (bool, np.bool_)) for k in kinds):
        return array.astype(bool)
    if all(issubclass(k, (abstract.Integral, bool, np.bool_)) for k in kinds):
        return _as(array, np.int64, name)
    if all(
        issubclass(k, (abstract.Real, bool, np.bool_)) or k.__name__ == "Decimal" for k in kinds
    ):
        return _as(array, np.float64, name)
    if all(issubclass(k, (abstract.Complex, bool, np.bool_)) for k in kinds):
        return _as(array, np.complex128, name)
    if all(hasattr(v, "__len__") and not isinstance(v, (str, bytes, dict)) for v in values):
        return _stacked(array, values, name)
    index, odd = next(
        (i, v) for i, v in enumerate(values) if not isinstance(v, (abstract.Number, np.bool_))
    )
    raise UserInputError(
        f"{name} is an array of dtype object that is not all numbers: entry {index} is the "
        f"{type(odd).__name__} {repr(odd)[:40]}. Convert it to numbers first."
    )


def _as(array, dtype, name):
    try:
        return array.astype(dtype)
    except (OverflowError, ValueError) as error:
        raise UserInputError(
            f"{name} holds numbers that do not fit into {np.dtype(dtype).name}: {error}."
        ) from None


def _stacked(array, values, name):
    """A column of lists or arrays as one array with an axis more."""
    made = [np.asarray(v) for v in values]
    shapes = sorted({m.shape for m in made})
    if len(shapes) > 1:
        raise UserInputError(
            f"{name} holds rows of different shapes: {', '.join(map(str, shapes[:4]))}. Pad them "
            "to one length, for example with `fkeras.utils.pad_sequences`."
        )
    return np.stack(made).reshape(array.shape + made[0].shape)
