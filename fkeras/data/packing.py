"""Batches as tuples `x`, `(x, y)`, `(x, y, sample_weight)`."""

from fkeras.errors import UserInputError


def unpack_x_y_sample_weight(data):
    """`(x, y, sample_weight)` from a tuple or list of one to three, or from x alone; None for what
    is missing.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise UserInputError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, "
            f"found: {len(data)} entries."
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """The shortest tuple that holds what is not None; `x` alone where it is no tuple or list."""
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
