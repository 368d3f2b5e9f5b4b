"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DTypeLike


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str | bytes = 0.0,
) -> np.ndarray:
    """Sequences filled up, or cut, to one length.

    Args:
        sequences: list of lists or arrays, each (steps, ...) with the same shape behind its steps.
        maxlen: length of the result; None for that of the longest.
        dtype: of the result. Use `'float32'` for floats and `object` for strings of any length.
        padding: 'pre' to fill up at the start, 'post' at the end.
        truncating: 'pre' to cut off at the start, 'post' at the end.
        value: what to fill up with.

    Returns:
        (sequences, maxlen, ...) NumPy array.

    Raises:
        UserInputError: for values that the dtype cannot hold, and sequences of different shapes
            behind their steps.

    Examples:
        >>> import fkeras
        >>> fkeras.utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)
    """
    _check_sequences(sequences)
    _check_side("padding", padding)
    _check_side("truncating", truncating)
    is_numeric = np.dtype(dtype).kind not in "OUS"
    if isinstance(value, str) and is_numeric:
        raise UserInputError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set "
            "`dtype=object` for variable length strings."
        )
    maxlen = max(map(len, sequences), default=0) if maxlen is None else maxlen
    step_shape = next((np.shape(s)[1:] for s in sequences if len(s)), ())
    padded = np.full((len(sequences), maxlen, *step_shape), value, dtype)
    for i, sequence in enumerate(sequences):
        start = max(len(sequence) - maxlen, 0) if truncating == "pre" else 0
        # Numbers in a dtype of their own first, so that fractions can be seen.
        steps = np.asarray(sequence[start : start + maxlen], None if is_numeric else dtype)
        if not len(steps):
            continue
        _check_steps(steps, step_shape, padded.dtype, i)
        place = slice(maxlen - len(steps), maxlen) if padding == "pre" else slice(len(steps))
        padded[i, place] = steps
    return padded


def _check_sequences(sequences: Any) -> None:
    if not hasattr(sequences, "__len__"):
        raise UserInputError(f"`sequences` must be iterable. Received: {type(sequences).__name__}")
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise UserInputError(
                f"`sequences` must be a list of iterables. Found non-iterable: {sequence!r} at "
                f"position {i}"
            )


def _check_side(argument: str, side: str) -> None:
    if side not in ("pre", "post"):
        raise UserInputError(
            f"{argument.title()} type {side!r} not understood: `{argument}` must be 'pre' or "
            "'post'."
        )


def _check_steps(
    steps: np.ndarray, step_shape: tuple[int, ...], dtype: np.dtype, position: int
) -> None:
    if steps.shape[1:] != step_shape:
        raise UserInputError(
            f"Shape of sample {steps.shape[1:]} of sequence at position {position} is different "
            f"from expected shape {step_shape}"
        )
    has_fractions = steps.dtype.kind == "f" and not np.array_equal(steps, np.trunc(steps))
    if has_fractions and dtype.kind in "iu":
        raise UserInputError(
            f"`pad_sequences`: the sequence at position {position} holds fractions, which dtype "
            f"{dtype} would cut off. Pass dtype='float32'."
        )
