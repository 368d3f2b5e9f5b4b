"""Weights of classes, turned into weights of samples."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.types import ArrayLike


def checked(class_weight: Mapping[Any, Any]) -> dict[int, float]:
    """A dict from class ids to weights.

    Raises:
        UserTypeError: for keys that are no ints, weights that are no numbers, and what is no dict.
    """
    if not hasattr(class_weight, "items"):
        raise UserTypeError(
            "`class_weight` must be a dict from class ids to weights, such as {0: 1.0, 1: 5.0}. "
            f"Received: {type(class_weight).__name__}. For an array of one weight a class: "
            "`dict(enumerate(weights))`."
        )
    cleaned = {}
    for key, weight in class_weight.items():
        if not _is_class_id(key):
            raise UserTypeError(
                f"`class_weight`: keys must be class ids (ints of 0 or more). Received: {key!r} of "
                f"type {type(key).__name__}. Map the names of classes to their ids first."
            )
        if not isinstance(weight, numbers.Real) or not np.isfinite(weight) or weight < 0:
            raise UserTypeError(
                f"`class_weight`: the weight of class {key} must be a number of 0 or more. "
                f"Received: {weight!r}"
            )
        cleaned[int(key)] = float(weight)
    return cleaned


def _is_class_id(key: Any) -> bool:
    """Whether a key is a whole number of 0 or more; True and False are no ids."""
    if not isinstance(key, numbers.Real) or isinstance(key, (bool, np.bool_)):
        return False
    return float(key).is_integer() and key >= 0


def sample_weights(
    y: ArrayLike, class_weight: Mapping[int, float], *, complete: bool = False
) -> np.ndarray:
    """(samples,) float: the weight of each sample's class, 1 for classes that are not in the dict.

    Args:
        y: class ids (samples,) or (samples, 1), or one-hot rows (samples, classes).
        class_weight: what `checked` returned.
        complete: whether `y` is all of the data, so that a class that is missing in it does not
            exist.

    Raises:
        UserInputError: for targets that are no classes, and for a class that does not exist.
    """
    ids, classes = class_ids(np.asarray(y))
    present, indices = np.unique(ids, return_inverse=True)
    if classes is None and complete and len(present):
        # Two classes exist in any classification; one behind the largest id seen is a mistake in
        # the keys.
        classes = max(int(present[-1]) + 1, 2)
    unknown = sorted(k for k in class_weight if classes is not None and k >= classes)
    if unknown:
        raise UserInputError(
            f"`class_weight` has a weight for class {unknown[0]}, which does not exist: the "
            f"targets' classes are 0 to {classes - 1}."
        )
    weights = np.array([class_weight.get(int(k), 1.0) for k in present], settings.floatx())
    return weights[indices.reshape(-1)]


def warn_of_missing(y: ArrayLike, class_weight: Mapping[int, float]) -> bool:
    """Warns of classes among the targets that the dict has no weight for: they count as 1.

    Args:
        y: as for `sample_weights`.
        class_weight: what `checked` returned.

    Returns:
        Whether there were any.
    """
    ids, _ = class_ids(np.asarray(y))
    # A negative id marks what is left out.
    missing = [int(k) for k in np.unique(ids) if k >= 0 and int(k) not in class_weight]
    if missing:
        shown = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        plural = "es" if len(missing) > 1 else ""
        warn_user(
            f"`class_weight` has no weight for class{plural} {shown}, which the targets hold: 1 is "
            f"taken. Name every class, such as {{{missing[0]}: 1.0}}, to say that it is meant."
        )
    return bool(missing)


def class_ids(y: np.ndarray) -> tuple[np.ndarray, int | None]:
    """(samples,) ints, and the number of classes where one-hot rows tell."""
    if y.dtype.kind not in "biuf":
        raise UserInputError(
            "`class_weight` needs targets that are class ids or one-hot rows. Received: y of "
            f"dtype {y.dtype}."
        )
    if y.ndim == 2 and y.shape[1] > 1:  # one-hot rows, or probabilities
        # Soft labels pass, of which the largest counts; several classes at once do not.
        if y.size and (y.min() < 0 or y.sum(axis=1).max() > 1.001):
            raise UserInputError(
                f"`class_weight` needs one class for each sample; y of shape {y.shape} has rows "
                "that are not one-hot. Use `sample_weight`."
            )
        return y.argmax(axis=1), y.shape[1]
    if y.ndim > 2 or not y.ndim:
        raise UserInputError(
            f"`class_weight` needs one class for each sample. Received: y of shape {y.shape}. Use "
            "`sample_weight`."
        )
    ids = y.reshape(-1)  # (samples,) or (samples, 1)
    if ids.dtype.kind == "f" and not np.array_equal(ids, np.round(ids)):
        raise UserInputError(
            "`class_weight` needs targets that are class ids, but y holds fractions. Use "
            "`sample_weight`."
        )
    return ids.astype(np.int64), None


def multiplied(sample_weight: ArrayLike | None, by: np.ndarray) -> np.ndarray:
    """Weights of samples times weights of their classes.

    Args:
        sample_weight: (samples, ...), or None for ones.
        by: (samples,).
    """
    if sample_weight is None:
        return by
    weight = np.asarray(sample_weight)
    return weight * by.reshape(by.shape + (1,) * (weight.ndim - 1))
