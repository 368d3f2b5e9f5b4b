"""Checks of constructor arguments that many layers share: ints, ints per axis, padding names."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_int(value: Any) -> bool:
    """Whether a value is one whole number: Python's, NumPy's or an array's of no axes."""
    if isinstance(value, bool):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def whole(value: Any) -> Any:
    """NumPy's float that is a whole number as an int: its product of no sizes, or of halves. All
    else as it is.
    """
    is_whole = isinstance(value, np.floating) and float(value).is_integer()
    return int(value) if is_whole else value


def one_axis(layer: str, axis: int) -> int:
    """`axis` as Python's int, for layers that take a single one. Raises where it is no integer."""
    if not is_int(axis):
        raise UserTypeError(f"{layer}: `axis` must be an integer. Received: axis={axis!r}")
    return operator.index(axis)


def ints_per_axis(
    name: str, value: int | Sequence[int], count: int, allow_zero: bool = False
) -> tuple[int, ...]:
    """`value` as a tuple of `count` ints; one int stands for all. Positive, or 0 too with
    `allow_zero`.
    """
    text = f"The `{name}` argument must be a tuple of {count} integers. Received {name}={value}"
    try:
        values = (value,) * count if is_int(value) else tuple(value)
    except TypeError:
        raise UserInputError(text) from None
    if len(values) != count:
        raise UserInputError(text)
    for element in values:
        if not is_int(element):
            raise UserInputError(f"{text}, including element {element} of type {type(element)}")
    values = tuple(operator.index(element) for element in values)
    smallest = 0 if allow_zero else 1
    wrong = {size for size in values if size < smallest}
    if wrong:
        condition = "value >= 0" if allow_zero else "value > 0"
        raise UserInputError(f"{text}, including values {wrong} that do not satisfy `{condition}`")
    return values


def pairs(
    name: str, value: int | Sequence[int] | Sequence[Sequence[int]], count: int
) -> tuple[tuple[int, int], ...]:
    """Amounts before and after on each of `count` axes, from an int, one int per axis, or one pair
    per axis.
    """
    if is_int(value):
        if value < 0:
            raise UserInputError(f"`{name}` cannot be negative. Received: {name}={value}.")
        return ((operator.index(value),) * 2,) * count
    if not hasattr(value, "__len__"):
        raise UserInputError(
            f"`{name}` should be either an int, a tuple of {count} ints (one for each axis), or a "
            f"tuple of {count} tuples of 2 ints (before and after, for each axis). Received: "
            f"{name}={value}."
        )
    if len(value) != count:
        number = {2: "two", 3: "3"}[count]
        raise UserInputError(f"`{name}` should have {number} elements. Received: {name}={value}.")
    return tuple(
        ints_per_axis(f"{nth} entry of {name}", v, 2, allow_zero=True)
        for nth, v in zip(("1st", "2nd", "3rd"), value)
    )


def padding(value: str, causal: bool = False) -> str:
    """`'valid'` or `'same'` in lower case; `'causal'` too where that makes sense."""
    allowed = ("valid", "same", "causal") if causal else ("valid", "same")
    if not isinstance(value, str) or value.lower() not in allowed:
        raise UserInputError(
            f"The `padding` argument must be a list/tuple or one of {set(allowed)}. Received: "
            f"{value}"
        )
    return value.lower()
