"""Small functions of `keras.utils` in Keras 1 and 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.warn_once import warn_user

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.types import ArrayLike


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
) -> None:
    """`model.summary(...)`."""
    model.summary(line_length=line_length, positions=positions, print_fn=print_fn)


def count_params(weights: Sequence[Any]) -> int:
    """The number of elements of weights, each counted once."""
    return sum(int(np.prod(w.shape)) for w in {id(w): w for w in weights}.values())


def multi_gpu_model(model: Any, gpus: int | Sequence[int] | None = None, **options: Any) -> Any:
    """The model itself: several devices are used by a distribution, which `fit` then follows."""
    warn_user(
        "`multi_gpu_model` gives the model itself. To train on all devices, call "
        "`keras.distribution.set_distribution(keras.distribution.DataParallel())` before the "
        "model is made."
    )
    return model


def probas_to_classes(y_pred: ArrayLike) -> np.ndarray:
    """The class of each row: the largest of several numbers, or whether one is above 0.5."""
    y_pred = np.asarray(y_pred)
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return y_pred.argmax(axis=1)
    return (y_pred > 0.5).astype(int).reshape(-1)


def convert_all_kernels_in_model(model: Any) -> None:
    """Does nothing: kernels that Theano flipped are flipped where such a file is read, by hand."""
    warn_user(
        "`convert_all_kernels_in_model` has no effect: kernels are those of TensorFlow's layout."
    )
