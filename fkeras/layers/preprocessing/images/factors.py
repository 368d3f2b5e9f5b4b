"""Arguments of layers for images: ranges that numbers are drawn from, and names of choices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Real
from typing import Any

import jax

from fkeras.errors import UserInputError

Range = tuple[float, float]


def as_range(
    layer: str, name: str, value: float | Sequence[float], bounds: Range, both_ways: bool = True
) -> Range:
    """The lower and the upper end of the range that a number is drawn from.

    Args:
        layer, name: whose argument it is, for messages.
        value: a pair of numbers, or one number for a range around 0, or from 0 on.
        bounds: what the ends must lie in.
        both_ways: whether one number `x` stands for (-x, x), as far as the bounds go, or for
            (0, x).

    Raises:
        UserInputError: something else, numbers out of bounds, or a range upside down. (A range may
            also be given from the end that is nearer to 0, `(-0.2, -0.3)`.)
    """
    message = (
        f"{layer}: The `{name}` argument should be a number (or a list of two numbers) in the "
        f"range [{bounds[0]}, {bounds[1]}]. Received: {name}={value!r}"
    )
    if isinstance(value, (list, tuple)):
        if len(value) != 2 or not all(map(_is_number, value)):
            raise UserInputError(message)
        first, last = value
        if first > last and not first <= 0:
            raise UserInputError(
                f"{layer}: the range of `{name}` is upside down: write the smaller number first, "
                f"`{name}={(last, first)}`. Received: {name}={value!r}"
            )
        lower, upper = min(first, last), max(first, last)
    elif _is_number(value):
        if not bounds[0] <= value <= bounds[1]:
            raise UserInputError(message)
        upper = abs(value)
        lower = max(-upper, bounds[0]) if both_ways else 0.0
    else:
        raise UserInputError(message)
    if not bounds[0] <= lower <= upper <= bounds[1]:
        raise UserInputError(message)
    return lower, upper


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def one_of(layer: str, name: str, value: Any, choices: Collection[str]) -> None:
    """Raises where an argument is none of the names that it may be.

    Args:
        layer, name: whose argument it is.
        value: what was given.
        choices: what is known.

    Raises:
        UserInputError: another one.
    """
    if value not in choices:
        raise UserInputError(
            f"{layer}: unknown `{name}`. Expected one of {tuple(choices)}. Received: "
            f"{name}={value!r}"
        )


def size(layer: str, name: str, value: int) -> int:
    """A height or width in pixels.

    Args:
        layer, name: whose argument it is.
        value: what was given.

    Raises:
        UserInputError: no positive integer.
    """
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not is_whole or value.__index__() <= 0:
        raise UserInputError(
            f"{layer}: `{name}` must be a positive integer, in pixels. Received: {name}={value!r}"
        )
    return value.__index__()


def value_range(layer: str, value: Sequence[float]) -> Range:
    """The lowest and the highest value that images may have.

    Args:
        layer: whose argument it is, for messages.
        value: what was given; in either order.

    Raises:
        UserInputError: not two different numbers.
    """
    is_pair = isinstance(value, (list, tuple)) and len(value) == 2
    if not is_pair or not all(map(_is_number, value)) or value[0] == value[1]:
        raise UserInputError(
            f"{layer}: The `value_range` argument should be a list of two numbers. They are the "
            "lowest and the highest value of the images, for example (0, 255) or (0, 1). Received: "
            f"value_range={value!r}"
        )
    return min(value), max(value)


def is_chosen(key: jax.Array, probabilities: Range) -> jax.Array:
    """Whether an image is changed, with a probability that is drawn itself.

    Args:
        key: the image's own.
        probabilities: the range of it.
    """
    drawn, threshold = jax.random.uniform(key, (2,))
    lower, upper = probabilities
    return threshold < lower + drawn * (upper - lower)
