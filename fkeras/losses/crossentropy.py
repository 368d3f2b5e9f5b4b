"""Crossentropies: how surprised a predicted distribution is by the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.core.values.masks import set_mask
from fkeras.errors import UserInputError
from fkeras.losses.alignment import elementwise
from fkeras.losses.class_targets import id_pair, one_hot_pair, smoothed
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.precision import computed_in_float32, widened
from fkeras.losses.reduction import Reduction
from fkeras.ops import crossentropy

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@expects("unit_interval", "probabilities")
@elementwise
def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)), averaged over `axis`.

    Args:
        y_true: in [0, 1], (batch, ..., d).
        y_pred: probabilities, clipped to [epsilon, 1 - epsilon], same shape; with `from_logits` any
            numbers, before the sigmoid.
        from_logits: whether `y_pred` are logits.
        label_smoothing: in [0, 1]: moves targets towards 0.5, by this part of the way.
        axis: averaged over.

    Returns:
        One loss per example, (batch, ...).

    Examples:
        >>> import fkeras
        >>> fkeras.losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        Array([0.6931472], dtype=float32)
    """
    y_true = smoothed(y_true, 0.5, label_smoothing)
    losses = crossentropy.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return jnp.mean(losses, axis=axis)


@expects("one_hot", "probabilities")
@op
@computed_in_float32
def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(y log p) over the classes.

    Args:
        y_true: one-hot or soft labels, (batch, ..., classes).
        y_pred: probabilities, divided by their sum and clipped to [epsilon, 1 - epsilon], same
            shape; with `from_logits` any numbers, before the softmax.
        from_logits: whether `y_pred` are logits.
        label_smoothing: in [0, 1]: moves targets towards 1 / classes, by this part of the way.
        axis: the classes' axis.

    Returns:
        One loss per prediction: the shape without `axis`.

    Raises:
        UserInputError: shapes that differ, as class ids beside probabilities do.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        Array([0.6931472], dtype=float32)
    """
    y_true, axis = one_hot_pair("categorical_crossentropy", y_true, y_pred, axis)
    y_true = smoothed(y_true, 1 / y_pred.shape[axis], label_smoothing)
    return crossentropy.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@expects("class_ids", "probabilities")
@op
@widened
def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log p of the true class.

    Args:
        y_true: class ids in [0, classes), of the shape of `y_pred` without `axis`; a last axis of 1
            more is taken off.
        y_pred: probabilities, divided by their sum and clipped to [epsilon, 1 - epsilon]; with
            `from_logits` any numbers, before the softmax.
        from_logits: whether `y_pred` are logits.
        ignore_class: an id, often -1 or 255, whose places have loss 0 and do not count in means
            over the batch.
        axis: the classes' axis.

    Returns:
        One loss per prediction: the shape without `axis`.

    Raises:
        UserInputError: shapes that do not fit, as one-hot targets; ids out of range, outside of
            `jax.jit` and the like. Inside, where values cannot be looked at, such an id gives loss
            0, as in Keras.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [0.25, 0.75]])
        Array([0.6931472, 1.3862944], dtype=float32)
    """
    y_true, axis = id_pair("sparse_categorical_crossentropy", y_true, y_pred, axis)
    if ignore_class is None:
        return crossentropy.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    valid = y_true != ignore_class  # the shape of the losses
    # Predictions beside an ignored target may be anything, NaN included: 0 * NaN would be NaN.
    # Not 0 in their place, since probabilities 0 / 0 are NaN too.
    y_pred = jnp.where(jnp.expand_dims(valid, axis), y_pred, 1)
    losses = crossentropy.sparse_categorical_crossentropy(
        jnp.where(valid, y_true, 0), y_pred, from_logits=from_logits, axis=axis
    )
    losses = jnp.where(valid, losses, 0)
    set_mask(losses, valid)
    return losses


@expects("class_ids")
@op
@computed_in_float32
def categorical_generalized_cross_entropy(
    y_true: TensorLike, y_pred: TensorLike, q: float
) -> Tensor:
    """(1 - p^q) / q for the probability p of the true class.

    Between crossentropy (q near 0) and absolute error (q near 1).

    Args:
        y_true: class ids, (batch,) or (batch, 1).
        y_pred: probabilities, (batch, classes).
        q: in (0, 1). The larger, the less wrong labels matter.

    Returns:
        (batch,)

    References:
        Zhang, Sabuncu, 2018, https://arxiv.org/abs/1805.07836
    """
    y_true, axis = id_pair("categorical_generalized_cross_entropy", y_true, y_pred, -1)
    picked = jax.nn.one_hot(y_true.astype("int32"), y_pred.shape[axis], dtype=y_pred.dtype)
    probability = jnp.sum(y_pred * picked, axis=axis)
    # The slope of p^q at 0 is infinite; the inner `where` keeps it out of the gradient.
    is_positive = probability > 0
    power = jnp.where(is_positive, jnp.where(is_positive, probability, 1) ** q, 0)
    return (1 - power) / q


class BinaryCrossentropy(LossFunctionWrapper):
    """`binary_crossentropy`, reduced: yes or no, for one or for many independent labels.

    Args:
        from_logits: False for an output with a sigmoid, True for a linear output (exact where a
            sigmoid saturates).
        label_smoothing: in [0, 1]: moves targets towards 0.5.
        axis: averaged over.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> loss = fkeras.losses.BinaryCrossentropy(from_logits=True)
        >>> round(float(loss([[0.0, 1.0]], [[-2.0, 2.0]])), 4)
        0.1269
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """`categorical_crossentropy`, reduced: one of many classes, targets one-hot or soft.

    Args:
        from_logits: False for an output with a softmax, True for a linear output.
        label_smoothing: in [0, 1]: moves targets towards 1 / classes.
        axis: the classes' axis.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> loss = fkeras.losses.CategoricalCrossentropy()
        >>> round(float(loss([[0, 1, 0]], [[0.05, 0.95, 0.0]])), 4)
        0.0513
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """`sparse_categorical_crossentropy`, reduced: one of many classes, targets are class ids.

    Args:
        from_logits: False for an output with a softmax, True for a linear output.
        ignore_class: an id that is left out of the mean; None for none.
        reduction: as for `Loss`.
        axis: the classes' axis.
        name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.SparseCategoricalCrossentropy()([1], [[0.05, 0.95, 0.0]])), 4)
        0.0513
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """`categorical_generalized_cross_entropy`, reduced: for class ids of which some are wrong.

    Args:
        q: in (0, 1). The larger, the less wrong labels matter.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.CategoricalGeneralizedCrossEntropy(q=0.5)([1], [[0.75, 0.25]]))
        1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: DTypePolicyLike | None = None,
    ):
        if not 0 < q < 1:
            raise UserInputError(f"q must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
