"""Shapes out of shapes, None for unknown dimensions.

What abstract evaluation at trial sizes cannot tell.
"""

from __future__ import annotations

import math
import operator

import jax
import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.known_values import known_sizes
from fkeras.types import Shape, ShapeLike


def canonical_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the front; an error where there is no such axis."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise UserInputError(
            f"axis {axis} is out of bounds for an array with {ndim} dimensions: expected {-ndim} "
            f"to {ndim - 1}."
        )
    return axis % ndim


def reshape_target(newshape: ShapeLike) -> tuple:
    """The `newshape` argument of reshape as a tuple of ints (None allowed), checked."""
    symbolic = (KerasTensor, jax.core.Tracer)
    newshape = known_sizes(newshape)
    listed = isinstance(newshape, (tuple, list)) or (
        not isinstance(newshape, symbolic) and np.ndim(newshape) > 0
    )
    target = tuple(newshape) if listed else (newshape,)
    if any(isinstance(d, symbolic) for d in target):
        raise UserTypeError(
            "reshape: `newshape` must be plain integers; JAX needs shapes that do not depend on "
            "values."
        )
    target = tuple(d if d is None else operator.index(d) for d in target)
    if any(d is not None and d < -1 for d in target):
        raise UserInputError(
            "Each dimension in `newshape` must be a non-negative integer, or -1 once. Received: "
            f"newshape={target}."
        )
    if target.count(-1) > 1:
        raise UserInputError(
            "There must be at most one unknown dimension (-1) in `newshape`. Received: "
            f"newshape={target}."
        )
    return target


def reshaped(shape: Shape, newshape: ShapeLike) -> tuple:
    """The shape after `reshape(x, newshape)` for `x` of `shape`.

    None where it depends on an unknown dimension.
    """
    target = reshape_target(newshape)
    if None in shape or None in target:  # the -1 depends on what is not known
        return tuple(None if d == -1 else d for d in target)
    size = math.prod(shape)
    rest = math.prod(d for d in target if d != -1)
    if -1 not in target:
        if size != rest:
            raise UserInputError(
                f"reshape: the size must not change. Received: shape {tuple(shape)} ({size}), "
                f"newshape={target} ({rest})."
            )
        return target
    if rest == 0 or size % rest:
        raise UserInputError(
            f"reshape: shape {tuple(shape)} ({size} values) cannot be divided by newshape={target}."
        )
    return tuple(size // rest if d == -1 else d for d in target)
