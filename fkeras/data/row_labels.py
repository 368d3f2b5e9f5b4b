"""Labels of the rows of frames and series, which say whether x and y belong together.

Rows count by position. Where both x and y carry labels of their own, and these are the same ones in
another order, somebody has sorted or shuffled one of the two. A `RangeIndex` is what pandas counts
rows with by itself: it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fkeras.data import frames, structure
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.data.source import InMemory


def check_row_labels(parts: Iterable[InMemory], names: Sequence[str]) -> None:
    """Raises where two frames or series have the same row labels in another order.

    Args:
        parts: x, y and sample weights, as `fit` was given them.
        names: of the parts, for messages.

    Raises:
        UserInputError: with both names, the first rows that differ and the line that aligns them.

    Examples:
        >>> import pandas as pd
        >>> from fkeras.data.row_labels import check_row_labels
        >>> x = pd.DataFrame({"age": [20, 30]}, index=["ann", "bob"])
        >>> check_row_labels([x, x["age"]], ["x", "y"])
        >>> check_row_labels([x, x["age"].sort_values(ascending=False)], ["x", "y"])
        Traceback (most recent call last):
        fkeras.errors.UserInputError: y has the row labels of x in another order ...
    """
    labelled = [
        (path, value)
        for part, name in zip(parts, names)
        for path, value in structure.iterate_named(part, name)
        if _has_labels(value)
    ]
    for name, value in labelled[1:]:
        first_name, first = labelled[0]
        if _are_reordered(first.index, value.index):
            raise _reordered(name, value.index, first_name, first.index)


def _has_labels(value: Any) -> bool:
    """Whether a value is a frame or series of pandas whose rows were not merely counted."""
    if not (frames.is_frame(value) or frames.is_series(value)) or not hasattr(value, "iloc"):
        return False
    # By name, since pandas is not imported.
    return type(value.index).__name__ != "RangeIndex"


def _are_reordered(one: Any, other: Any) -> bool:
    if len(one) != len(other) or one.equals(other):
        return False
    return bool(one.isin(other).all() and other.isin(one).all())


def _reordered(name: str, index: Any, first_name: str, first_index: Any) -> UserInputError:
    row = next(i for i, (a, b) in enumerate(zip(first_index, index)) if a != b)
    return UserInputError(
        f"{name} has the row labels of {first_name} in another order (row {row}: "
        f"{first_index[row]!r} in {first_name}, {index[row]!r} in {name}), and rows count by "
        f"position: each sample would get another one's values. Align them: `{name} = "
        f"{name}.loc[{first_name}.index]`. If the labels mean nothing, pass `{name}.to_numpy()`."
    )
