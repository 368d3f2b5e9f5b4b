"""Questions that the training loop asks about data before the first step. Each costs one pass over
arrays on the host, or less.
"""

import jax
import numpy as np

from fkeras.data import structure
from fkeras.errors import UserInputError

_PARTS = ("x", "y", "sample_weight")


def check_finite(source, parts=_PARTS) -> None:
    """Raises where data in memory holds NaN or infinite numbers, which would make the loss and then
    all weights NaN.

    Args:
        source: an `ArraySource`, or its `arrays`. Streams are not looked at.
        parts: which of `x`, `y` and `sample_weight` to look at.

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
    arrays = getattr(source, "arrays", source)
    if not isinstance(arrays, tuple):
        return
    found = []
    for part, name, label in zip(arrays, _PARTS, getattr(source, "names", _PARTS)):
        if name in parts:
            found += [
                text
                for path, array in structure.named(part, label)
                if (text := _not_finite(array, path))
            ]
    if found:
        raise UserInputError(
            "; ".join(found) + ": the loss would be NaN. Remove those rows, or fill the values in: "
            "`np.nan_to_num(...)`, `df.fillna(...)`."
        )


def _not_finite(array, name):
    if not jax.numpy.issubdtype(getattr(array, "dtype", np.dtype(object)), np.inexact):
        return None
    if isinstance(array, jax.Array):
        if bool(jax.numpy.isfinite(array).all()):
            return None
    else:
        with np.errstate(all="ignore"):
            if np.isfinite(np.sum(array)):  # one fast pass; only an odd sum needs a closer look
                return None
    array = np.asarray(array)
    nan, bad = int(np.isnan(array).sum()), ~np.isfinite(array)
    if not bad.any():
        return None
    row = int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
    counts = [
        f"{count} {what}"
        for count, what in ((nan, "NaN"), (int(bad.sum()) - nan, "infinite values"))
        if count
    ]
    return f"{name} holds {' and '.join(counts)} (first in row {row})"


def check_columns(expected: dict, source, what: str = "predict") -> None:
    """Raises where a frame has other columns, or another order of them, than the one that the model
    was trained on.

    Args:
        expected: `columns` of the source that the model was trained on.
        source: the new source.
        what: the method that was called, for the message.

    Raises:
        UserInputError: with the missing and unknown columns, or the line that puts them in order.
    """
    for place, now in getattr(source, "columns", {}).items():
        before, name = expected.get(place), source.names[0] + place.removeprefix("x")
        if before is None or tuple(now) == tuple(before):
            continue
        missing, unknown = [c for c in before if c not in now], [c for c in now if c not in before]
        if missing or unknown:
            told = [
                f"{word} {', '.join(map(repr, cols[:5]))}"
                for word, cols in (("missing:", missing), ("unknown:", unknown))
                if cols
            ]
            raise UserInputError(
                f"`{what}`: {name} has other columns than the table that the model was trained on; "
                f"{'; '.join(told)}."
            )
        shown = f"{list(before)[:8]!r}{' + [...]' if len(before) > 8 else ''}"
        raise UserInputError(
            f"`{what}`: the columns of {name} are in another order than those that the model was "
            f"trained on. Put them in order: {name} = {name}[{shown}]. If names do not matter "
            f"here, pass {name}.to_numpy()."
        )


def unscaled_images(source) -> list[str]:
    """Names of inputs in memory that are uint8 with values above 1 and look like images: a model
    usually wants them divided by 255.
    """
    found = []
    for name, array in structure.named(getattr(source, "arrays", (None,))[0], "x"):
        if (
            getattr(array, "dtype", None) == np.uint8
            and array.ndim >= 3
            and np.asarray(array[:8]).max(initial=0) > 1
        ):
            found.append(name)
    return found
