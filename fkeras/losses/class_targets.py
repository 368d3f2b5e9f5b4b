"""Class targets beside predicted distributions: one-hot or ids, and the axis of the classes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import jax
from numpy.lib.array_utils import normalize_axis_index

from fkeras.errors import UserInputError, UserTypeError
from fkeras.losses.alignment import shape_error
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import TensorLike


def smoothed(y_true: jax.Array, center: float, label_smoothing: float) -> jax.Array:
    """Targets moved towards `center`, by the part `label_smoothing` of the way."""
    if not label_smoothing:
        return y_true
    if not 0 <= label_smoothing <= 1:
        raise UserInputError(
            f"`label_smoothing` must be a fraction in [0, 1]. Received: {label_smoothing}"
        )
    return y_true * (1.0 - label_smoothing) + label_smoothing * center


def one_hot_pair(
    name: str, y_true: TensorLike, y_pred: jax.Array, axis: int
) -> tuple[jax.Array, int]:
    """One-hot or soft targets in the predictions' dtype, and the class axis from the left.

    Raises:
        UserInputError: shapes that differ.
        UserTypeError: an axis that is no int.
    """
    y_true = as_array(y_true, y_pred.dtype)
    axis = _class_axis(axis, y_pred)
    classes = y_pred.shape[axis]
    if y_true.shape != y_pred.shape:
        hint = ""
        if y_true.size * classes == y_pred.size:  # one id for each prediction
            hint = (
                "For class ids use `sparse_categorical_crossentropy`, or make them one-hot: "
                f"to_categorical(y, {classes})."
            )
        raise shape_error(name, y_true.shape, y_pred.shape, hint)
    if classes == 1:
        warnings.warn(
            f"In loss {name}, expected y_pred.shape to be (batch_size, num_classes) with "
            f"num_classes > 1. Received: y_pred.shape={y_pred.shape}. Consider using "
            "'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=5,
        )
    return y_true, axis


def id_pair(name: str, y_true: TensorLike, y_pred: jax.Array, axis: int) -> tuple[jax.Array, int]:
    """Class ids without an axis of 1 for the classes, and the class axis from the left.

    Raises:
        UserInputError: shapes that do not fit, as those of one-hot targets.
        UserTypeError: an axis that is no int.
    """
    y_true = as_array(y_true)
    axis = _class_axis(axis, y_pred)
    expected = y_pred.shape[:axis] + y_pred.shape[axis + 1 :]
    if y_true.shape == y_pred.shape and y_pred.shape[axis] > 1:
        raise UserInputError(
            f"{name}: the targets must have the same shape as the predictions up until the class "
            f"axis. Received: y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}, so "
            "that y_true looks one-hot. Use `categorical_crossentropy`, or pass class ids: "
            "y.argmax(-1)."
        )
    if y_true.ndim == y_pred.ndim:
        # (batch, 1, steps) with the classes on axis 1, or (batch, steps, 1): the first one wins.
        ones = [i for i in (axis, y_true.ndim - 1) if y_true.shape[i] == 1]
        y_true = y_true.squeeze(tuple(ones[:1]))
    if y_true.shape != expected:
        raise UserInputError(
            f"{name}: the class ids `y_true` must have shape {expected}, that of `y_pred` without "
            f"its class axis. Received: y_true of shape {y_true.shape}, y_pred of shape "
            f"{y_pred.shape}."
        )
    return y_true, axis


def _class_axis(axis: int, y_pred: jax.Array) -> int:
    """The axis from the left. True would pass for 1."""
    if isinstance(axis, bool):
        raise UserTypeError(
            f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}"
        )
    return normalize_axis_index(axis, y_pred.ndim)
