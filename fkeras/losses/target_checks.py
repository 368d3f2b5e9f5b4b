"""What can be seen from targets on the host, before the first compiled step.

The training loop calls `check_targets` on NumPy arrays; inside a compiled step values cannot be
looked at, and a class id out of range would simply be a loss of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fkeras.core.warn_once import warn_user_once
from fkeras.errors import UserInputError
from fkeras.losses.expectation import TargetKind, expectation_of, loss_function

if TYPE_CHECKING:
    from fkeras.losses.loss import Loss
    from fkeras.types import Shape


def check_targets(
    loss: Loss | Callable[..., Any],
    y_true: Any,
    y_pred_shape: Shape,
    output_name: str | None = None,
    sample_weight: Any = None,
) -> None:
    """Raises where targets cannot be right for what a loss expects.

    Args:
        loss: a `Loss` or a loss function; one without an expectation is not checked.
        y_true: targets. Anything but a NumPy array of numbers is skipped.
        y_pred_shape: of the output, batch first; None for a free dimension.
        output_name: for the message; None for a model with one output.
        sample_weight: NumPy array; targets of weight 0 may be anything. None for ones.

    Raises:
        UserInputError: shapes that do not fit; class ids out of range, fractional or one-based;
            binary targets outside [0, 1], by more than noise.

    Examples:
        >>> import numpy as np, fkeras
        >>> from fkeras.losses.target_checks import check_targets
        >>> loss = fkeras.losses.SparseCategoricalCrossentropy()
        >>> check_targets(loss, np.array([0, 2]), (None, 3))
        >>> check_targets(loss, np.array([1, 3]), (None, 3))
        Traceback (most recent call last):
        fkeras.errors.UserInputError: Loss 'sparse_categorical_crossentropy': class ids must lie in
        [0, 3), for an output of 3 classes. \
Received: 3 in row 1. The labels look one-based: subtract 1.
    """
    expectation = expectation_of(loss)
    check = None if expectation is None else _CHECKS.get(expectation.targets)
    if check is None or not isinstance(y_true, np.ndarray):
        return
    if y_true.dtype.kind not in "biuf" or not y_true.ndim:
        return
    fn_name = getattr(loss_function(loss), "__name__", "")
    check(
        _Targets(
            subject=f"Loss {fn_name!r}" + (f" of output {output_name!r}" if output_name else ""),
            values=y_true,
            shape=(len(y_true), *y_pred_shape[1:]),
            options=getattr(loss, "_fn_kwargs", {}),
            counted=_where_weighted(y_true, sample_weight),
        )
    )


ANY_NUMBER = (-np.inf, np.inf)


def bounds_of(
    loss: Loss | Callable[..., Any], y_true: np.ndarray, y_pred_shape: Shape
) -> tuple[float, float] | None:
    """Numbers between which all targets pass `check_targets`, of the shape and dtype of some that
    passed. None where bounds do not tell.

    Args:
        loss, y_true, y_pred_shape: as for `check_targets`.
    """
    expectation = expectation_of(loss)
    kind = None if expectation is None else expectation.targets
    if y_true.dtype.kind not in "biuf" or not y_true.size:
        return None
    if kind in ("unit_interval", "distribution"):
        return 0, 1
    if kind == "class_ids" and y_true.dtype.kind != "f":
        axis = getattr(loss, "_fn_kwargs", {}).get("axis", -1)
        classes = y_pred_shape[axis]
        return None if classes is None else (0, classes - 1)
    return {"same_shape": ANY_NUMBER, "not_negative": (0, np.inf)}.get(kind)


class _Targets(NamedTuple):
    """Targets, and what a check has to know beside them."""

    subject: str  # whose targets, for messages
    values: np.ndarray
    shape: Shape  # of the predictions, batch included
    options: Mapping[str, Any]  # that the loss function is called with
    counted: np.ndarray | None  # boolean, of the targets' shape; None where all count

    def first(self, is_bad: np.ndarray) -> tuple[int, ...] | None:
        """Index of the first bad value that counts."""
        if self.counted is not None:
            is_bad = is_bad & self.counted
        return tuple(int(i) for i in np.argwhere(is_bad)[0]) if is_bad.any() else None


def _where_weighted(y_true: np.ndarray, sample_weight: Any) -> np.ndarray | None:
    """Where weights are not zero, in the shape of the targets; None where all count."""
    if not isinstance(sample_weight, np.ndarray) or sample_weight.all():
        return None
    weighted = sample_weight != 0
    while weighted.ndim > y_true.ndim and weighted.shape[-1] == 1:
        weighted = weighted[..., 0]
    if weighted.ndim > y_true.ndim or weighted.shape[:1] != y_true.shape[:1]:
        return None  # weights that do not fit are the reduction's to refuse
    missing = (1,) * (y_true.ndim - weighted.ndim)
    return np.broadcast_to(weighted.reshape(weighted.shape + missing), y_true.shape)


def _place(index: tuple[int, ...]) -> str:
    return f"in row {index[0]}" + (f", position {index[1:]}" if any(index[1:]) else "")


def _check_same_shape(targets: _Targets) -> None:
    true_shape, shape = targets.values.shape, targets.shape
    if true_shape == shape or true_shape + (1,) == shape or true_shape == shape + (1,):
        return
    raise UserInputError(
        f"{targets.subject}: targets and predictions must have the same shape. Received: targets "
        f"of shape {true_shape}, predictions of shape {shape}. Change the number of units of the "
        "output layer, or the targets."
    )


# Scripts of GANs add noise to the labels 0 and 1, or draw "real" from 0.7 to 1.2.
_LABEL_NOISE = 0.25


def _check_unit_interval(targets: _Targets) -> None:
    _check_same_shape(targets)
    y_true = targets.values
    if y_true.dtype.kind == "b" or not y_true.size:
        return
    low, high = -_LABEL_NOISE, 1 + _LABEL_NOISE
    if low <= y_true.min() <= y_true.max() <= high:
        return
    index = targets.first(~((y_true >= low) & (y_true <= high)))  # NaN too
    if index is None:
        return
    raise UserInputError(
        f"{targets.subject}: targets must lie in [0, 1]. Received: {y_true[index]} "
        f"{_place(index)}. {_unit_interval_hint(y_true)}"
    )


def _unit_interval_hint(y_true: np.ndarray) -> str:
    """What targets outside of [0, 1] look like, and what to do with them."""
    high = np.nanmax(y_true)
    if high == 255:
        return "They look like 8-bit masks: divide by 255."
    if high > 1 and y_true.min() >= 0 and not np.any(y_true % 1):
        return (
            "For class ids use sparse_categorical_crossentropy and an output of "
            f"{int(high) + 1} units."
        )
    if y_true.min() == -1:
        return "For labels -1 and 1 use (y + 1) / 2, or the loss 'hinge'."
    return "Scale them, or use a regression loss."


def _check_signs(targets: _Targets) -> None:
    _check_same_shape(targets)
    y_true = targets.values
    if y_true.dtype.kind == "b" or not y_true.size:
        return
    # A batch of 0 and 1 is read as -1 and 1, one that holds -1, too, is not.
    low = 0 if targets.first(y_true == -1) is None else -1
    index = targets.first((y_true != low) & (y_true != 1))
    if index is not None:
        raise UserInputError(
            f"{targets.subject}: targets must be -1 and 1, or 0 and 1. Received: {y_true[index]:g} "
            f"{_place(index)}. For more than two classes use categorical_hinge with one-hot "
            "targets, for quantities a regression loss."
        )


def _check_not_negative(targets: _Targets) -> None:
    _check_same_shape(targets)
    _refuse_negative(targets, "it takes what lies below 0 for 0, or has no smallest value there")


def _refuse_negative(targets: _Targets, reason: str) -> None:
    y_true = targets.values
    if not y_true.size or y_true.min() >= 0:
        return
    index = targets.first(y_true < 0)
    if index is None:
        return
    raise UserInputError(
        f"{targets.subject}: targets must be 0 or more: {reason}. Received: {y_true[index]:g} "
        f"{_place(index)}."
    )


def _check_one_hot(targets: _Targets) -> None:
    y_true, shape = targets.values, targets.shape
    if y_true.shape == shape:
        _refuse_negative(targets, "a class with a weight below 0 makes the loss fall without end")
        _warn_of_sums(targets)
        return
    classes = shape[targets.options.get("axis", -1)]
    if y_true.ndim < len(shape) or y_true.shape[-1] == 1:
        raise UserInputError(
            f"{targets.subject}: targets must be one-hot, of the shape of the predictions. "
            f"Received: targets of shape {y_true.shape}, predictions of shape {shape}. For class "
            f"ids use sparse_categorical_crossentropy, or to_categorical(y, {classes})."
        )
    _check_same_shape(targets)


_SUM_TOLERANCE = 1e-2  # of labels in half precision


def _warn_of_sums(targets: _Targets) -> None:
    """Says where the weights of a row's classes are no probabilities. The loss of such targets is
    a number, and may be meant. Rows of zeros leave a row out.
    """
    sums = targets.values.sum(axis=targets.options.get("axis", -1), keepdims=True, dtype=float)
    is_off = (np.abs(sums - 1) > _SUM_TOLERANCE) & (sums != 0)
    if not is_off.any():
        return
    index = targets.first(np.broadcast_to(is_off, targets.values.shape))
    if index is None:
        return
    high = targets.values.max()
    hint = "Divide each row by its sum"
    if high == 1 and not np.any(targets.values % 1):
        hint = "For several classes at once use binary_crossentropy and a sigmoid"
    elif high > 1 and not np.any(targets.values % 1):
        hint = "For class ids use sparse_categorical_crossentropy; counts divide by their sum"
    row = sums[(index[0], *[0] * (sums.ndim - 1))]
    warn_user_once(
        f"{targets.subject}: targets must be one-hot or the probabilities of the classes, which "
        f"add up to 1. They add up to {row:g} in row {index[0]} (and are {high:g} at most): the "
        f"loss has no minimum of 0, and rows count by their sums. {hint}.",
        key=("sums", targets.subject),
    )


def _check_class_ids(targets: _Targets) -> None:
    y_true, shape = targets.values, targets.shape
    axis = targets.options.get("axis", -1) % len(shape)
    classes = shape[axis]
    expected = shape[:axis] + shape[axis + 1 :]
    if y_true.shape == shape and classes != 1:
        raise UserInputError(
            f"{targets.subject}: targets must be class ids of shape {expected}. Received: shape "
            f"{y_true.shape}, that of the predictions, as one-hot targets have. Use "
            "categorical_crossentropy, or pass y.argmax(-1)."
        )
    if y_true.shape not in (expected, expected + (1,), shape[:axis] + (1,) + shape[axis + 1 :]):
        raise UserInputError(
            f"{targets.subject}: targets must be class ids of shape {expected}. Received: targets "
            f"of shape {y_true.shape}, predictions of shape {shape}."
        )
    ignored = targets.options.get("ignore_class")
    if ignored is not None:
        remaining = y_true != ignored
        if targets.counted is not None:
            remaining = remaining & targets.counted
        targets = targets._replace(counted=remaining)
    _check_range(targets, classes, f"for an output of {classes} classes")


def _check_label_sequences(targets: _Targets) -> None:
    if targets.values.ndim == 2 and len(targets.shape) == 3:
        classes = targets.shape[-1]
        _check_range(
            targets, classes, f"for an output of {classes} classes, of which 0 is the blank"
        )


def _check_range(targets: _Targets, classes: int | None, reason: str) -> None:
    """Raises for ids that are fractional or no class."""
    y_true = targets.values
    if not y_true.size or classes is None:
        return
    if y_true.dtype.kind == "f":
        index = targets.first(np.floor(y_true) != y_true)  # NaN too
        if index is not None:
            raise UserInputError(
                f"{targets.subject}: class ids must be whole numbers. Received: {y_true[index]} "
                f"{_place(index)}. Probabilities of classes belong to categorical_crossentropy, "
                "quantities to a regression loss."
            )
    elif 0 <= y_true.min() and y_true.max() < classes:
        return  # without a boolean array of the size of the targets
    index = targets.first((y_true < 0) | (y_true >= classes))
    if index is None:
        return
    counting = y_true if targets.counted is None else y_true[targets.counted]
    raise UserInputError(
        f"{targets.subject}: class ids must lie in [0, {classes}), {reason}. Received: "
        f"{y_true[index]:g} {_place(index)}.{_range_hint(counting, classes)}"
    )


def _range_hint(ids: np.ndarray, classes: int) -> str:
    """What ids out of range look like, and what to do with them."""
    low, high = int(ids.min()), int(ids.max())
    if low == 1 and high == classes:
        return " The labels look one-based: subtract 1."
    if low < 0:
        return (
            f" If {low} marks places to leave out, use "
            f"SparseCategoricalCrossentropy(ignore_class={low})."
        )
    return f" The output layer needs {high + 1} units, or the labels other ids."


_CHECKS: dict[TargetKind, Callable[[_Targets], None]] = {
    "same_shape": _check_same_shape,
    "not_negative": _check_not_negative,
    "unit_interval": _check_unit_interval,
    "signs": _check_signs,
    "distribution": _check_unit_interval,
    "one_hot": _check_one_hot,
    "class_ids": _check_class_ids,
    "label_sequences": _check_label_sequences,
}
