"""Losses as functions: one value a sample or pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jax.experimental import sparse

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


def ctc_decode(
    y_pred: Tensor,
    input_length: TensorLike,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
) -> tuple[list[Tensor], Tensor]:
    """The likeliest labels of softmax outputs.

    Args:
        y_pred: (batch, steps, classes) probabilities; the last class is the blank.
        input_length: (batch,) ints.
        greedy: whether the best class of each step is taken; else a beam search keeps `beam_width`
            beginnings.
        top_paths: how many answers a beam search gives.

    Returns:
        A list of (batch, labels) ints, padded with -1, and their scores: (batch, 1), the negative
        log probability, when greedy; else (batch, top_paths), log probabilities.
    """
    paths, scores = ops.ctc_decode(
        ops.log(y_pred + epsilon()),
        ops.cast(input_length, "int32"),
        strategy="greedy" if greedy else "beam_search",
        beam_width=beam_width,
        top_paths=top_paths,
        mask_index=y_pred.shape[-1] - 1,
    )
    return list(paths), scores


def ctc_label_dense_to_sparse(labels: TensorLike, label_lengths: TensorLike) -> sparse.BCOO:
    """Labels without their padding, as a sparse array of the shape of `labels`.

    The number of entries follows from the values: they must be known, and not traced.

    Args:
        labels: (batch, labels) ints. label_lengths: (batch,) ints.
    """
    labels, lengths = np.asarray(labels), np.asarray(label_lengths).reshape(-1)
    indices = np.argwhere(np.arange(labels.shape[1])[None] < lengths[:, None])
    return sparse.BCOO((labels[tuple(indices.T)], indices.astype("int32")), shape=labels.shape)


def binary_focal_crossentropy(
    target: TensorLike,
    output: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
) -> Tensor:
    """The binary crossentropy times `(1 - probability of the target) ** gamma`, elementwise."""
    chance = ops.sigmoid(output) if from_logits else output
    likeness = target * chance + (1 - target) * (1 - chance)
    loss = ops.power(1.0 - likeness, gamma) * binary_crossentropy(target, output, from_logits)
    if apply_class_balancing:
        loss = loss * (target * alpha + (1 - target) * (1 - alpha))
    return loss


def categorical_focal_crossentropy(
    target: TensorLike,
    output: TensorLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    axis: int = -1,
) -> Tensor:
    """`-alpha * (1 - p) ** gamma * log(p)` of one-hot targets; one value for each distribution."""
    chances = ops.softmax(output, axis=axis) if from_logits else output
    chances = chances / ops.sum(chances, axis=axis, keepdims=True)
    chances = ops.clip(chances, epsilon(), 1.0 - epsilon())
    terms = -target * ops.log(chances) * alpha * ops.power(1.0 - chances, gamma)
    return ops.sum(terms, axis=axis)
