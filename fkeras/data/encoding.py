"""Class ids as one-hot rows, and rows of unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import Tensor, TensorLike


def to_categorical(x: TensorLike, num_classes: int | None = None) -> np.ndarray | Tensor:
    """Integer class ids as one-hot vectors.

    Args:
        x: ids in [0, num_classes), shape (...,) or (..., 1).
        num_classes: length of the vectors; None for the largest id plus one.

    Returns:
        float64 NumPy array of shape (..., num_classes), or a JAX array in `floatx()` where `x` is
        one.

    Raises:
        UserInputError: an id is negative, too large or not a whole number.

    Examples:
        >>> import fkeras
        >>> fkeras.utils.to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])
    """
    if isinstance(x, KerasTensor) or ops.is_tensor(x):
        if num_classes is None and not isinstance(x, KerasTensor):
            num_classes = int(ops.max(x)) + 1
        return ops.one_hot(ops.squeeze(x, -1) if _is_column(x) else x, num_classes)
    ids = _whole_numbers(np.asarray(x))
    ids = ids[..., 0] if _is_column(ids) else ids
    num_classes = int(num_classes) if num_classes else int(ids.max(initial=-1)) + 1
    if ids.size and not 0 <= ids.min() <= ids.max() < num_classes:
        raise UserInputError(
            f"to_categorical: class ids must be in [0, {num_classes}). Received ids from "
            f"{ids.min()} to {ids.max()}."
        )
    one_hot = np.zeros((ids.size, num_classes))
    one_hot[np.arange(ids.size), ids.ravel()] = 1
    return one_hot.reshape(*ids.shape, num_classes)


def _whole_numbers(ids: np.ndarray) -> np.ndarray:
    if ids.dtype.kind == "f":
        is_whole = np.isfinite(ids) & (ids == np.trunc(ids))
        if not is_whole.all():
            raise UserInputError(
                f"to_categorical: class ids must be whole numbers. Received {ids.dtype} values "
                f"such as {ids[~is_whole][0]}."
            )
    return ids.astype("int64")


def _is_column(x: Any) -> bool:
    """Whether the last axis is of length 1, behind others: class ids as a column."""
    return len(x.shape) > 1 and x.shape[-1] == 1


def normalize(x: TensorLike, axis: int | None = -1, order: float = 2) -> np.ndarray | Tensor:
    """`x` divided by its norm along an axis; vectors of norm 0 stay 0.

    Args:
        x: array; NumPy in, NumPy out.
        axis: axis of the vectors; None for the norm of all of it.
        order: of the norm: 1, 2, ..., or infinity.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.utils.normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    if not isinstance(x, np.ndarray):
        return ops.normalize(x, axis=axis, order=order)
    norm = np.linalg.norm(x, order, axis, keepdims=axis is not None)
    return x / np.where(norm == 0, 1, norm)
