"""Choices, gradients and loops."""

from __future__ import annotations

from fkeras import ops
from fkeras.errors import UserInputError


def switch(condition, then_expression, else_expression):
    """One of two arrays, or of two functions without arguments, by a condition.

    Args:
        condition: a scalar, or an array whose axes are the first of the expressions' (one choice
            for each element).
    """
    if len(condition.shape) == 0:
        branches = [
            e if callable(e) else (lambda e=e: e) for e in (then_expression, else_expression)
        ]
        return ops.cond(ops.cast(condition, "bool"), *branches)
    yes, no = (e() if callable(e) else e for e in (then_expression, else_expression))
    missing = len(yes.shape) - len(condition.shape)
    if missing < 0:
        raise UserInputError(
            f"switch: the condition has more axes than the expressions: {condition.shape} and "
            f"{yes.shape}."
        )
    return ops.where(
        ops.reshape(ops.cast(condition, "bool"), (*condition.shape, *[1] * missing)), yes, no
    )


def stop_gradient(variables):
    """An array, or each of a list, as constants for gradients."""
    return (
        [ops.stop_gradient(v) for v in variables]
        if isinstance(variables, list | tuple)
        else ops.stop_gradient(variables)
    )


def map_fn(fn, elems, name=None, dtype=None):
    """`fn` of each element along the first axis, stacked."""
    return ops.map(fn, elems)
