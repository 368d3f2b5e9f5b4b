"""Losses as functions: one value a sample or pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras import ops
from fkeras.core.settings import epsilon

if TYPE_CHECKING:
    from fkeras.types import Tensor, TensorLike


def binary_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False
) -> Tensor:
    """Elementwise, of probabilities or logits; the shape of `output`."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Of one-hot targets; one value for each distribution along `axis`."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Of integer targets; one value for each distribution along `axis`."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def ctc_batch_cost(
    y_true: TensorLike, y_pred: Tensor, input_length: TensorLike, label_length: TensorLike
) -> Tensor:
    """CTC loss of softmax outputs.

    Args:
        y_true: (batch, labels) ints.
        y_pred: (batch, steps, classes) probabilities; the last class is the blank.
        input_length, label_length: (batch, 1) ints.

    Returns:
        (batch, 1)
    """
    lengths = [ops.cast(ops.reshape(n, (-1,)), "int32") for n in (label_length, input_length)]
    blank = y_pred.shape[-1] - 1
    return ops.expand_dims(
        ops.ctc_loss(
            ops.cast(y_true, "int32"), ops.log(y_pred + epsilon()), *lengths, mask_index=blank
        ),
        1,
    )
