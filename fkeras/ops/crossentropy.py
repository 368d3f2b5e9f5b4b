"""Crossentropies of targets and predictions: one value for each prediction, not averaged."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from fkeras.core.settings import epsilon
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.known_values import known_values
from fkeras.ops.tensors import as_array
from fkeras.types import Tensor, TensorLike


def _log_probabilities(output: jax.Array, from_logits: bool, axis: int) -> jax.Array:
    """Logarithms of the classes' probabilities, which are made to sum to 1."""
    if from_logits:
        return jax.nn.log_softmax(output, axis)
    # As in Keras: divided by the sum before it is clipped, so that it need not sum to 1.
    output = output / jnp.sum(output, axis, keepdims=True)
    return jnp.log(jnp.clip(output, epsilon(), 1 - epsilon()))


@op
def binary_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False
) -> Tensor:
    """-(t log p + (1 - t) log(1 - p)) for each element.

    Args:
        target: numbers in [0, 1], same shape as `output`.
        output: probabilities, clipped to [epsilon, 1 - epsilon]; with `from_logits`, any numbers,
            before the sigmoid.

    Returns:
        One loss per element, same shape.

    Examples:
        >>> from fkeras import ops
        >>> ops.binary_crossentropy([1.0, 0.0], [0.5, 0.5])
        Array([0.6931472, 0.6931472], dtype=float32)
    """
    target, output = as_array(target), as_array(output)
    _same_shape(target, output)
    if from_logits:
        yes, no = jax.nn.log_sigmoid(output), jax.nn.log_sigmoid(-output)
        return -1.0 * target * yes - (1.0 - target) * no
    output = jnp.clip(output, epsilon(), 1.0 - epsilon())  # finite logarithms
    return -(target * jnp.log(output) + (1.0 - target) * jnp.log(1.0 - output))


def _same_shape(target: jax.Array, output: jax.Array, hint: str = "") -> None:
    if target.shape != output.shape:
        raise UserInputError(
            "Arguments `target` and `output` must have the same shape. Received: "
            f"target.shape={target.shape}, output.shape={output.shape}.{hint}"
        )


@op
def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(t log p) along the class axis.

    Args:
        target: one weight per class, usually one-hot; same shape as `output`.
        output: probabilities, divided by their sum and clipped to [epsilon, 1 - epsilon]; with
            `from_logits`, any numbers, before the softmax.
        axis: the classes' axis.

    Returns:
        One loss per prediction: the shape without `axis`.
    """
    target, output = as_array(target), as_array(output)
    ids = target.ndim == output.ndim - 1
    _same_shape(
        target,
        output,
        " For integer class ids use `sparse_categorical_crossentropy`." if ids else "",
    )
    if target.ndim < 1:
        raise UserInputError(
            "Arguments `target` and `output` must be at least rank 1. Received: scalars."
        )
    return -jnp.sum(target * _log_probabilities(output, from_logits, axis), axis)


@op
def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log p of the target class.

    Args:
        target: integer class ids in [0, classes), of the shape of `output` without `axis`, or with
            a last axis of size 1.
        output: probabilities, divided by their sum and clipped to [epsilon, 1 - epsilon]; with
            `from_logits`, any numbers, before the softmax.
        axis: the classes' axis.

    Returns:
        One loss per prediction: the shape without `axis`.

    Raises:
        UserInputError: ids out of range, outside of `jax.jit` and the like; inside, where values
            cannot be looked at, such an id gives loss 0, as in Keras.

    Examples:
        >>> from fkeras import ops
        >>> ops.sparse_categorical_crossentropy([1], [[0.5, 0.25, 0.25]])
        Array([1.3862944], dtype=float32)
    """
    target, output = as_array(target), as_array(output)
    if output.ndim < 1:
        raise UserInputError(
            f"Argument `output` must be at least rank 1. Received: output.shape={output.shape}."
        )
    axis = normalize_axis_index(axis, output.ndim)
    # (batch, 1) may be ids, or one-hot for one class; of two classes and more it can be told.
    one_hot_like = target.shape == output.shape and output.shape[axis] > 1
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape != output.shape[:axis] + output.shape[axis + 1 :]:
        raise UserInputError(
            "Arguments `target` and `output` must have the same shape up until the last dimension: "
            f"target.shape={target.shape}, output.shape={output.shape}."
            + (" For one-hot targets use `categorical_crossentropy`." if one_hot_like else "")
        )
    target = target.astype("int32")
    classes = output.shape[axis]
    _check_ids(target, classes)
    # A product with one-hot targets: its gradient is no scatter, and an unknown id gives 0.
    picked = jax.nn.one_hot(target, classes, axis=axis)
    return -jnp.sum(picked * _log_probabilities(output, from_logits, axis), axis)


def _check_ids(target: jax.Array, classes: int) -> None:
    """Raises for the first id that is no class, if the ids are known now."""
    ids = known_values(target)
    if ids is None:
        return
    outside = (ids < 0) | (ids >= classes)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        # Ids 1 ... classes, all of them: the usual mistake gets the hint that mends it.
        one_based = ids.min() == 1 and ids.max() == classes
        raise UserInputError(
            f"sparse_categorical_crossentropy: class ids must lie in [0, {classes}), for {classes} "
            f"predicted classes. Received {ids[place]} at index {place}. "
            + (
                "These labels look one-based: subtract 1."
                if one_based
                else "To leave rows out, use the loss's `ignore_class`."
            )
        )
