"""Batches as tuples `x`, `(x, y)`, `(x, y, sample_weight)`."""

from __future__ import annotations

from typing import Any

from fkeras.errors import UserInputError


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` from a batch; None for what is missing.

    Args:
        data: a tuple or list of one to three, or x alone.

    Raises:
        UserInputError: a tuple or list of none, or of more than three.

    Examples:
        >>> import fkeras
        >>> fkeras.utils.unpack_x_y_sample_weight(([1.0], [0]))
        ([1.0], [0], None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise UserInputError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, "
            f"found: {len(data)} entries."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest tuple that holds what is not None; `x` alone where it is no tuple or list.

    Examples:
        >>> import fkeras
        >>> fkeras.utils.pack_x_y_sample_weight(1, 2), fkeras.utils.pack_x_y_sample_weight([1])
        ((1, 2), ([1],))
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
