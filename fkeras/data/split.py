"""The split of arrays into training and validation data."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from fkeras.core.warn_once import warn_user
from fkeras.data import frames, row_labels, sparse, structure
from fkeras.data.arrays import checked_length
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = ("x", "y", "sample_weight")


def train_validation_split(
    arrays: Sequence[Any], validation_split: float
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Cuts the last rows off, before any shuffling.

    Args:
        arrays: tuple `(x, y, sample_weight)` or fewer: arrays, lists, frames and structures of
            those; None stays None.
        validation_split: fraction in (0, 1) of the rows to cut off.

    Returns:
        Two tuples like `arrays`: the first rows and the last. Frames stay frames.

    Raises:
        UserInputError: for a fraction outside (0, 1), data that has no rows to count, and where one
            part would be empty.

    Examples:
        >>> import numpy as np
        >>> from fkeras.data import train_validation_split
        >>> (x, y), (x_val, y_val) = train_validation_split((np.arange(10), np.arange(10)), 0.2)
        >>> x_val
        array([8, 9])
    """
    if not _is_fraction(validation_split):
        raise UserInputError(
            "`validation_split` must be a fraction between 0 and 1. Received: "
            f"validation_split={validation_split!r}"
        )
    lengths = {
        name: _rows(array, name)
        for part, label in zip(arrays, _NAMES)
        for name, array in structure.iterate_named(part, label)
    }
    if not lengths:  # None alone
        return tuple(arrays), tuple(arrays)
    count = checked_length(lengths)
    row_labels.check_row_labels(arrays, _NAMES)  # the parts would no longer have the same labels
    at = math.floor(count * (1 - validation_split))
    if at in (0, count):
        raise UserInputError(
            f"Training data contains {count} samples, which is not sufficient to split it into a "
            f"validation and training set as specified by `validation_split={validation_split}`. "
            "Provide more data, or a different fraction."
        )
    if min(at, count - at) == 1:
        which = "training" if at == 1 else "validation"
        warn_user(
            f"`validation_split={validation_split}` of {count} samples leaves 1 sample for {which}."
        )
    first = tuple(_cut(part, 0, at) for part in arrays)
    return first, tuple(_cut(part, at, count) for part in arrays)


def _is_fraction(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 < value < 1


def _rows(value: Any, name: str) -> int:
    if not hasattr(value, "shape") and not isinstance(value, (list, tuple)):
        raise UserInputError(
            f"`validation_split` is only supported for arrays in memory. Received: {name} of type "
            f"{type(value).__name__}. Pass `validation_data` instead."
        )
    return structure.rows_of(value)


def _cut(part: Any, start: int, stop: int) -> Any:
    return structure.map_named(lambda value, _: _slice(value, start, stop), part, "")


def _slice(value: Any, start: int, stop: int) -> Any:
    # By position: the labels of a frame's index may be anything.
    if frames.is_frame(value) or frames.is_series(value):
        return frames.rows(value, start, stop)
    # Of SciPy's formats only some can be sliced.
    if sparse.is_sparse(value) and hasattr(value, "tocsr"):
        return value.tocsr()[start:stop]
    return value[start:stop]
