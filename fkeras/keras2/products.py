"""`dot` and `batch_dot`."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

from fkeras import ops
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Tensor, TensorLike


def dot(x: TensorLike, y: TensorLike) -> Tensor:
    """The matrix product; beyond two axes, the last of `x` with the last but one of `y`."""
    return ops.dot(x, y)


def batch_dot(x: Tensor, y: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """Dot products sample by sample.

    Args:
        x, y: arrays of at least two axes, the first of which is the batch.
        axes: an int for both or a pair, the axes to sum over; None for the last of `x` and the last
            but one of `y` (the last, if it has two axes).

    Returns:
        (batch, the rest of `x`, the rest of `y`); (batch, 1) where both are two-dimensional.

    Raises:
        UserInputError: an array of fewer than two axes, or a sum over the batch.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.backend.batch_dot(np.ones((5, 2, 3)), np.ones((5, 3, 4))).shape
        (5, 2, 4)
    """
    x_ndim, y_ndim = len(x.shape), len(y.shape)
    if x_ndim < 2 or y_ndim < 2:
        raise UserInputError(
            f"batch_dot: expected arrays of at least 2 axes. Received shapes {x.shape} and "
            f"{y.shape}."
        )
    if axes is None:
        axes = (x_ndim - 1, y_ndim - 1 if y_ndim == 2 else y_ndim - 2)
    x_axis, y_axis = (axes, axes) if isinstance(axes, Integral) else axes
    x_axis %= x_ndim
    y_axis %= y_ndim
    if 0 in (x_axis, y_axis):
        raise UserInputError(
            "Cannot perform batch_dot over axis 0, the batch. Add one with K.expand_dims(x, 0) if "
            "there is none."
        )
    # An einsum of all axes: z the batch, y the axes summed over, a letter for each of the others.
    letters = "abcdefghijklmnopqrstuvw"
    x_letters = ["z", *letters[: x_ndim - 1]]
    y_letters = ["z", *letters[x_ndim - 1 : x_ndim + y_ndim - 2]]
    x_letters[x_axis] = y_letters[y_axis] = "y"
    rest = [letter for letter in x_letters[1:] + y_letters[1:] if letter != "y"]
    equation = f"{''.join(x_letters)},{''.join(y_letters)}->z{''.join(rest)}"
    product = ops.einsum(equation, x, y)
    return product if rest else ops.expand_dims(product, -1)  # (batch, 1)
