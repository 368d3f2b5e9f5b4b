"""What can be seen from targets and weights on the host, before the first compiled step.

The training loop calls these on NumPy arrays; inside a compiled step values cannot be looked at,
and a class id out of range would simply be a loss of 0.
"""

import warnings

import numpy as np

from fkeras.errors import UserInputError
from fkeras.losses import crossentropy, divergence, margin, overlap, regression, sequence


def check_targets(loss, y_true, y_pred_shape, output_name=None, sample_weight=None) -> None:
    """Raises where targets cannot be right for a built-in loss.

    Args:
        loss: a `Loss` or a loss function; a custom one is not checked.
        y_true: targets. Anything but a NumPy array of numbers is skipped.
        y_pred_shape: of the output, batch first; None for a free dimension.
        output_name: for the message; None for a model with one output.
        sample_weight: NumPy array; targets of weight 0 may be anything. None for ones.

    Raises:
        UserInputError: shapes that do not fit; class ids out of range, fractional or one-based;
            binary targets outside [0, 1].

    Examples:
        >>> import numpy as np, fkeras
        >>> from fkeras.losses.target_checks import check_targets
        >>> check_targets(fkeras.losses.SparseCategoricalCrossentropy(), np.array([0, 2]), (None, 3))
        >>> check_targets(fkeras.losses.SparseCategoricalCrossentropy(), np.array([1, 3]), (None, 3))
        Traceback (most recent call last):
        fkeras.errors.UserInputError: Loss 'sparse_categorical_crossentropy': class ids must lie in
        [0, 3), for an output of 3 classes. \
Received: 3 in row 1. The labels look one-based: subtract 1.
    """
    fn, options = _function_of(loss)
    check = _CHECKS.get(fn)
    if (
        check is None
        or not isinstance(y_true, np.ndarray)
        or y_true.dtype.kind not in "biuf"
        or not len(y_true.shape)
    ):
        return
    where = f"Loss {fn.__name__!r}" + (f" of output {output_name!r}" if output_name else "")
    shape = (len(y_true), *y_pred_shape[1:])
    check(where, y_true, shape, options, _counted(y_true, sample_weight))


def check_sample_weight(sample_weight, num_samples: int, name="sample_weight") -> None:
    """Raises for weights of the wrong length, warns where no example has any weight. Anything but a
    NumPy array is skipped.

    Args:
        sample_weight: (num_samples, ...) NumPy array.
        num_samples: how many examples there are.
        name: the argument's name, for messages.
    """
    if not isinstance(sample_weight, np.ndarray):
        return
    if sample_weight.ndim == 0 or len(sample_weight) != num_samples:
        raise UserInputError(
            f"`{name}` must hold one weight for each of the {num_samples} samples. Received: shape "
            f"{sample_weight.shape}."
        )
    if sample_weight.size and not sample_weight.any():
        warnings.warn(
            f"`{name}`: no sample has weight, all {num_samples} are 0. Nothing will be learnt.",
            UserWarning,
            stacklevel=2,
        )


def _function_of(loss):
    """The function of a loss and its options."""
    fn = getattr(loss, "fn", loss)
    return (fn if callable(fn) else None), getattr(loss, "_fn_kwargs", {})


def _counted(y_true, sample_weight):
    """Where the weights are not zero, broadcastable to the targets; None where all count."""
    if not isinstance(sample_weight, np.ndarray) or sample_weight.all():
        return None
    counted = sample_weight != 0
    while counted.ndim > y_true.ndim and counted.shape[-1] == 1:
        counted = counted[..., 0]
    if counted.ndim > y_true.ndim or counted.shape[:1] != y_true.shape[:1]:
        return None
    return np.broadcast_to(
        counted.reshape(counted.shape + (1,) * (y_true.ndim - counted.ndim)), y_true.shape
    )


def _first(bad, counted):
    """Index of the first bad value that counts, or None."""
    if counted is not None:
        bad = bad & counted
    return tuple(int(i) for i in np.argwhere(bad)[0]) if bad.any() else None


def _place(index):
    return f"in row {index[0]}" + (f", position {index[1:]}" if any(index[1:]) else "")


def _check_same_shape(where, y_true, shape, options, counted):
    true = y_true.shape
    if true == shape or true + (1,) == shape or true == shape + (1,):
        return
    raise UserInputError(
        f"{where}: targets and predictions must have the same shape. Received: targets of shape "
        f"{true}, predictions of shape {shape}. Change the number of units of the output layer, or "
        "the targets."
    )


def _check_unit_interval(where, y_true, shape, options, counted):
    _check_same_shape(where, y_true, shape, options, counted)
    if y_true.dtype.kind == "b" or not y_true.size or 0 <= y_true.min() <= y_true.max() <= 1:
        return
    at = _first(~((y_true >= 0) & (y_true <= 1)), counted)
    if at is None:
        return
    high = np.nanmax(y_true)
    if high == 255:
        hint = "They look like 8-bit masks: divide by 255."
    elif high > 1 and y_true.min() >= 0 and not np.any(y_true % 1):
        hint = f"For class ids use sparse_categorical_crossentropy and an output of {int(high) + 1} units."
    elif y_true.min() == -1:
        hint = "For labels -1 and 1 use (y + 1) / 2, or the loss 'hinge'."
    else:
        hint = "Scale them, or use a regression loss."
    raise UserInputError(
        f"{where}: targets must lie in [0, 1]. Received: {y_true[at]} {_place(at)}. {hint}"
    )


def _check_one_hot(where, y_true, shape, options, counted):
    if y_true.shape == shape:
        return
    classes = shape[options.get("axis", -1)]
    if y_true.ndim < len(shape) or y_true.shape[-1] == 1:
        raise UserInputError(
            f"{where}: targets must be one-hot, of the shape of the predictions. Received: targets "
            f"of shape {y_true.shape}, predictions of shape {shape}. For class ids use "
            f"sparse_categorical_crossentropy, or to_categorical(y, {classes})."
        )
    _check_same_shape(where, y_true, shape, options, counted)


def _check_ids(where, y_true, shape, options, counted):
    axis = options.get("axis", -1) % len(shape)
    classes, expected = shape[axis], shape[:axis] + shape[axis + 1 :]
    if y_true.shape == shape and classes != 1:
        raise UserInputError(
            f"{where}: targets must be class ids of shape {expected}. Received: shape "
            f"{y_true.shape}, that of the predictions, as one-hot targets have. Use "
            "categorical_crossentropy, or pass y.argmax(-1)."
        )
    if y_true.shape not in (expected, expected + (1,), shape[:axis] + (1,) + shape[axis + 1 :]):
        raise UserInputError(
            f"{where}: targets must be class ids of shape {expected}. Received: targets of shape "
            f"{y_true.shape}, predictions of shape {shape}."
        )
    ignored = options.get("ignore_class")
    if ignored is not None:
        counted = y_true != ignored if counted is None else counted & (y_true != ignored)
    _check_range(where, y_true, classes, counted, f"for an output of {classes} classes")


def _check_sequences(where, y_true, shape, options, counted):
    if y_true.ndim == 2 and len(shape) == 3:
        _check_range(
            where,
            y_true,
            shape[-1],
            counted,
            f"for an output of {shape[-1]} classes, of which 0 is the blank",
        )


def _check_range(where, y_true, classes, counted, explained):
    if (
        not y_true.size
        or classes is None
        or y_true.dtype.kind != "f"
        and 0 <= y_true.min()
        and y_true.max() < classes
    ):
        return
    if y_true.dtype.kind == "f":
        at = _first(np.floor(y_true) != y_true, counted)  # NaN too
        if at is not None:
            raise UserInputError(
                f"{where}: class ids must be whole numbers. Received: {y_true[at]} {_place(at)}. "
                "Probabilities of classes belong to categorical_crossentropy, quantities to a "
                "regression loss."
            )
    at = _first((y_true < 0) | (y_true >= classes), counted)
    if at is None:
        return
    kept = y_true if counted is None else y_true[counted]
    hint = f" The output layer needs {int(kept.max()) + 1} units, or the labels other ids."
    if kept.min() == 1 and kept.max() == classes:
        hint = " The labels look one-based: subtract 1."
    elif kept.min() < 0:
        hint = f" If {int(kept.min())} marks places to leave out, use SparseCategoricalCrossentropy(ignore_class={int(kept.min())})."
    raise UserInputError(
        f"{where}: class ids must lie in [0, {classes}), {explained}. Received: {y_true[at]:g} "
        f"{_place(at)}.{hint}"
    )


_CHECKS = {
    **dict.fromkeys(
        (
            regression.mean_squared_error,
            regression.mean_absolute_error,
            regression.mean_absolute_percentage_error,
            regression.mean_squared_logarithmic_error,
            regression.huber,
            regression.log_cosh,
            regression.cosine_similarity,
            divergence.kl_divergence,
            divergence.poisson,
            margin.hinge,
            margin.squared_hinge,
            overlap.dice,
            overlap.tversky,
        ),
        _check_same_shape,
    ),
    crossentropy.binary_crossentropy: _check_unit_interval,
    crossentropy.binary_focal_crossentropy: _check_unit_interval,
    crossentropy.categorical_crossentropy: _check_one_hot,
    crossentropy.categorical_focal_crossentropy: _check_one_hot,
    margin.categorical_hinge: _check_one_hot,
    crossentropy.sparse_categorical_crossentropy: _check_ids,
    crossentropy.categorical_generalized_cross_entropy: _check_ids,
    sequence.ctc: _check_sequences,
}
