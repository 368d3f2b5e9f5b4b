"""Questions that the training loop asks about data before the first step. Each costs one pass over
arrays on the host, or less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.data import structure
from fkeras.data.source import Source
from fkeras.data.sparse import SparseRows
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_PARTS = ("x", "y", "sample_weight")


def check_finite(
    source: Source | tuple[Any, ...],
    parts: Collection[str] = _PARTS,
    names: Sequence[str] = _PARTS,
) -> None:
    """Raises where data in memory holds NaN or infinite numbers, which would make the loss and then
    all weights NaN.

    Args:
        source: an `ArraySource`, or its `arrays`. Streams are not looked at.
        parts: which of `x`, `y` and `sample_weight` to look at.
        names: of the three, for messages; a source has its own.

    Raises:
        UserInputError: naming each such array, how many bad values it holds, and the first row with
            one.

    Examples:
        >>> import numpy as np
        >>> from fkeras.data import check_finite
        >>> check_finite((np.ones((3, 2)), np.array([1.0, np.nan, 2.0])))
        Traceback (most recent call last):
        fkeras.errors.UserInputError: y holds 1 NaN (first in row 1): the loss would be NaN. ...
    """
    arrays = source
    if isinstance(source, Source):
        if not source.in_memory:
            return
        arrays, names = source.arrays, source.names
    problems = []
    for part, name, label in zip(arrays, _PARTS, names):
        if name in parts:
            for path, array in structure.iterate_named(part, label):
                problems += _not_finite(array, path)
    if problems:
        raise UserInputError(
            "; ".join(problems) + ": the loss would be NaN. Remove those rows, or fill the values "
            "in: `np.nan_to_num(...)`, `df.fillna(...)`."
        )


def _not_finite(array: Any, name: str) -> list[str]:
    """What NaN and infinite values an array holds: a line, or nothing."""
    if isinstance(array, SparseRows):
        row_of, array = array.row_of, array.entries
    else:
        row_of = int
    if not jax.numpy.issubdtype(getattr(array, "dtype", np.dtype(object)), np.inexact):
        return []
    if isinstance(array, jax.Array):
        if bool(jax.numpy.isfinite(array).all()):
            return []
    else:
        with np.errstate(all="ignore"):
            if np.isfinite(np.sum(array)):  # one fast pass; only an odd sum needs a closer look
                return []
    array = np.asarray(array)
    bad = ~np.isfinite(array)
    if not bad.any():  # the sum of finite numbers was too large
        return []
    nan = int(np.isnan(array).sum())
    infinite = int(bad.sum()) - nan
    row = row_of(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
    kinds = ((nan, "NaN"), (infinite, "infinite values"))
    counts = " and ".join(f"{count} {kind}" for count, kind in kinds if count)
    return [f"{name} holds {counts} (first in row {row})"]


def check_columns(
    expected: Mapping[str, Sequence[Any]], source: Source, what: str = "predict"
) -> None:
    """Raises where a frame has not the columns, in their order, that the model was trained on.

    Args:
        expected: `columns` of the source that the model was trained on.
        source: the new source.
        what: the method that was called, for the message.

    Raises:
        UserInputError: with the missing and unknown columns, or the line that puts them in order.
    """
    for place, now in source.columns.items():
        before = expected.get(place)
        name = source.names[0] + place.removeprefix("x")
        if before is None or tuple(now) == tuple(before):
            continue
        missing = [column for column in before if column not in now]
        unknown = [column for column in now if column not in before]
        if missing or unknown:
            lists = [
                f"{kind}: {', '.join(map(repr, columns[:5]))}"
                for kind, columns in (("missing", missing), ("unknown", unknown))
                if columns
            ]
            raise UserInputError(
                f"`{what}`: {name} has other columns than the table that the model was trained on; "
                f"{'; '.join(lists)}."
            )
        shown = f"{list(before)[:8]!r}{' + [...]' if len(before) > 8 else ''}"
        raise UserInputError(
            f"`{what}`: the columns of {name} are in another order than those that the model was "
            f"trained on. Put them in order: {name} = {name}[{shown}]. If names do not matter "
            f"here, pass {name}.to_numpy()."
        )


def unscaled_images(source: Source) -> list[str]:
    """Names of inputs in memory that look like images of bytes.

    They are uint8 with values above 1; a model usually wants them divided by 255.
    """
    if not source.in_memory:
        return []
    named = structure.iterate_named(source.arrays[0], "x")
    return [name for name, array in named if _looks_like_bytes(array)]


def _looks_like_bytes(array: Any) -> bool:
    if getattr(array, "dtype", None) != np.uint8 or array.ndim < 3:
        return False
    return bool(np.asarray(array[:8]).max(initial=0) > 1)
