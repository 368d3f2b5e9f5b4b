"""Sequences of different lengths as one array."""

import numpy as np

from fkeras.errors import UserInputError


def pad_sequences(
    sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0
):
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
    if not hasattr(sequences, "__len__"):
        raise UserInputError(f"`sequences` must be iterable. Received: {type(sequences).__name__}")
    for name, given, label in (
        ("padding", padding, "Padding"),
        ("truncating", truncating, "Truncating"),
    ):
        if given not in ("pre", "post"):
            raise UserInputError(
                f"{label} type {given!r} not understood: `{name}` must be 'pre' or 'post'."
            )
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise UserInputError(
                f"`sequences` must be a list of iterables. Found non-iterable: {sequence!r} at "
                f"position {i}"
            )
    numeric = np.dtype(dtype).kind not in "OUS"
    if isinstance(value, str) and numeric:
        raise UserInputError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set "
            f"`dtype=object` for "
            "variable length strings."
        )
    maxlen = max(map(len, sequences), default=0) if maxlen is None else maxlen
    shape = next((np.shape(s)[1:] for s in sequences if len(s)), ())
    padded = np.full((len(sequences), maxlen, *shape), value, dtype)
    for i, sequence in enumerate(sequences):
        steps = len(sequence)
        start = max(steps - maxlen, 0) if truncating == "pre" else 0
        kept = np.asarray(sequence[start : start + maxlen], dtype=None if numeric else dtype)
        if not len(kept):
            continue
        if kept.shape[1:] != shape:
            raise UserInputError(
                f"Shape of sample {kept.shape[1:]} of sequence at position {i} is different from "
                f"expected shape {shape}"
            )
        if (
            kept.dtype.kind == "f"
            and padded.dtype.kind in "iu"
            and not np.array_equal(kept, np.trunc(kept))
        ):
            raise UserInputError(
                f"`pad_sequences`: the sequence at position {i} holds fractions, which dtype "
                f"{padded.dtype} would cut off. Pass dtype='float32'."
            )
        place = slice(maxlen - len(kept), maxlen) if padding == "pre" else slice(0, len(kept))
        padded[i, place] = kept
    return padded
