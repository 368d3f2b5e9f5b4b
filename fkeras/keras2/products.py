"""`dot` and `batch_dot`."""

from __future__ import annotations

from fkeras import ops
from fkeras.errors import UserInputError


def dot(x, y):
    """The matrix product; beyond two axes, sums over the last of `x` and the last but one of
    `y`.
    """
    return ops.dot(x, y)


def batch_dot(x, y, axes=None):
    """Dot products sample by sample.

    Args:
        x, y: arrays of at least two axes, the first of which is the batch.
        axes: an int for both or a pair, the axes to sum over; None for the last of `x` and the last
            but one of `y` (the last, if it has two axes).

    Returns:
        (batch, the rest of `x`, the rest of `y`); (batch, 1) where both are two-dimensional.
    """
    nx, ny = len(x.shape), len(y.shape)
    if nx < 2 or ny < 2:
        raise UserInputError(
            f"batch_dot: expected arrays of at least 2 axes. Received shapes {x.shape} and "
            f"{y.shape}."
        )
    if axes is None:
        axes = (nx - 1, ny - 1 if ny == 2 else ny - 2)
    ax, ay = (axes, axes) if isinstance(axes, int) else axes
    ax, ay = ax % nx, ay % ny
    if 0 in (ax, ay):
        raise UserInputError(
            "Cannot perform batch_dot over axis 0, the batch. Add one with K.expand_dims(x, 0) if "
            "there is none."
        )
    letters = "abcdefghijklmnopqrstuvw"
    of_x = ["z", *letters[: nx - 1]]
    of_y = ["z", *letters[nx - 1 : nx + ny - 2]]
    of_x[ax] = of_y[ay] = "y"
    rest = [c for c in of_x[1:] + of_y[1:] if c != "y"]
    product = ops.einsum(f"{''.join(of_x)},{''.join(of_y)}->z{''.join(rest)}", x, y)
    return product if rest else ops.expand_dims(product, -1)
