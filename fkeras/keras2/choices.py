"""Choices, gradients and loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras import ops
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.types import DTypeLike, Nested, Tensor, TensorLike


def switch(
    condition: Tensor,
    then_expression: Tensor | Callable[[], Tensor],
    else_expression: Tensor | Callable[[], Tensor],
) -> Tensor:
    """One of two arrays, or of two functions without arguments, by a condition.

    Args:
        condition: a scalar, or an array whose axes are the first of the expressions' (one choice
            for each element).
        then_expression, else_expression: arrays of one shape, or functions that return such.

    Raises:
        UserInputError: the condition has more axes than the expressions.
    """
    expressions = (then_expression, else_expression)
    if len(condition.shape) == 0:
        branches = [e if callable(e) else (lambda e=e: e) for e in expressions]
        return ops.cond(ops.cast(condition, "bool"), *branches)
    yes, no = (e() if callable(e) else e for e in expressions)
    missing = len(yes.shape) - len(condition.shape)
    if missing < 0:
        raise UserInputError(
            f"switch: the condition has more axes than the expressions: {condition.shape} and "
            f"{yes.shape}."
        )
    # The condition's axes are the first ones; NumPy's rules would align them with the last.
    shape = (*condition.shape, *[1] * missing)
    return ops.where(ops.reshape(ops.cast(condition, "bool"), shape), yes, no)


def stop_gradient(variables: TensorLike | Sequence[TensorLike]) -> Tensor | list[Tensor]:
    """An array, or each of a list, as constants for gradients."""
    if isinstance(variables, list | tuple):
        return [ops.stop_gradient(v) for v in variables]
    return ops.stop_gradient(variables)


def map_fn(
    fn: Callable[[Tensor], Any],
    elems: Nested[TensorLike],
    name: str | None = None,
    dtype: DTypeLike | None = None,
) -> Nested[Tensor]:
    """`fn` of each element along the first axis, stacked."""
    return ops.map(fn, elems)
