"""Class ids as one-hot rows, and rows of unit length."""

import numpy as np

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError


def to_categorical(x, num_classes=None):
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
        >>> to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])
    """
    if isinstance(x, KerasTensor) or ops.is_tensor(x):
        if num_classes is None and not isinstance(x, KerasTensor):
            num_classes = int(ops.max(x)) + 1
        return ops.one_hot(ops.squeeze(x, -1) if _is_column(x) else x, num_classes)
    given = np.asarray(x)
    if given.dtype.kind == "f" and not (np.isfinite(given) & (given == np.trunc(given))).all():
        raise UserInputError(
            f"to_categorical: class ids must be whole numbers. Received {given.dtype} values such "
            f"as {given.flat[0]}."
        )
    ids = given.astype("int64")
    ids = ids[..., 0] if _is_column(ids) else ids
    num_classes = int(num_classes) if num_classes else int(ids.max(initial=-1)) + 1
    if ids.size and not 0 <= ids.min() <= ids.max() < num_classes:
        raise UserInputError(
            f"to_categorical: class ids must be in [0, {num_classes}). Received ids from "
            f"{ids.min()} to {ids.max()}."
        )
    made = np.zeros((ids.size, num_classes))
    made[np.arange(ids.size), ids.ravel()] = 1
    return made.reshape(*ids.shape, num_classes)


def _is_column(x):
    return len(x.shape) > 1 and x.shape[-1] == 1


def normalize(x, axis=-1, order=2):
    """`x` divided by its norm along an axis; vectors of norm 0 stay 0.

    Args:
        x: array; NumPy in, NumPy out.
        axis: axis of the vectors.
        order: of the norm: 1, 2, ..., or infinity.

    Examples:
        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    if not isinstance(x, np.ndarray):
        return ops.normalize(x, axis=axis, order=order)
    norm = np.linalg.norm(x, order, axis, keepdims=axis is not None)
    return x / np.where(norm == 0, 1, norm)
