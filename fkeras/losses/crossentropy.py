"""Crossentropies: how surprised a predicted distribution is by the truth."""

import warnings

import jax
import jax.numpy as jnp
from numpy.lib.array_utils import normalize_axis_index

from fkeras.core.settings import epsilon
from fkeras.core.symbolic.op import op
from fkeras.core.values.masks import set_mask
from fkeras.errors import UserInputError, UserTypeError
from fkeras.losses.alignment import elementwise, shape_error
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.ops import crossentropy
from fkeras.ops.tensors import as_array, as_float


@elementwise
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
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
    y_true = _towards(0.5, y_true, label_smoothing)
    return jnp.mean(_binary(y_true, y_pred, from_logits), axis=axis)


@elementwise
def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """Binary crossentropy times (1 - p of the truth)^gamma, averaged over `axis`: easy examples
    count less.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as for `binary_crossentropy`.
        apply_class_balancing: whether to weigh class 1 by `alpha` and class 0 by 1 - `alpha`.
        alpha: in [0, 1].
        gamma: 0 gives plain crossentropy.

    References:
        Lin et al., 2018, https://arxiv.org/abs/1708.02002
    """
    y_true = _towards(0.5, y_true, label_smoothing)
    probability = jax.nn.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * probability + (1 - y_true) * (1 - probability)
    loss = (1.0 - right) ** gamma * _binary(y_true, probability)
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return jnp.mean(loss, axis=axis)


@op
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
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
    y_true, y_pred, axis = _one_hot_pair("categorical_crossentropy", y_true, y_pred, axis)
    y_true = _towards(1 / y_pred.shape[axis], y_true, label_smoothing)
    return crossentropy.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@op
def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """-sum(alpha (1 - p)^gamma y log p) over the classes: easy examples count less.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as for `categorical_crossentropy`.
        alpha: weight of all classes, or a sequence with one per class.
        gamma: 0 gives `alpha` times the plain crossentropy.

    References:
        Lin et al., 2018, https://arxiv.org/abs/1708.02002
    """
    y_true, y_pred, axis = _one_hot_pair("categorical_focal_crossentropy", y_true, y_pred, axis)
    y_true = _towards(1 / y_pred.shape[axis], y_true, label_smoothing)
    if from_logits:
        y_pred = jax.nn.softmax(y_pred, axis)
    p = jnp.clip(y_pred / jnp.sum(y_pred, axis, keepdims=True), epsilon(), 1.0 - epsilon())
    return jnp.sum(-jnp.asarray(alpha) * (1.0 - p) ** gamma * y_true * jnp.log(p), axis=axis)


@op
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
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
    y_true, y_pred, axis = _id_pair("sparse_categorical_crossentropy", y_true, y_pred, axis)
    if ignore_class is None:
        return crossentropy.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    valid = y_true != ignore_class
    y_pred = jnp.where(jnp.expand_dims(valid, axis), y_pred, 0)
    losses = crossentropy.sparse_categorical_crossentropy(
        jnp.where(valid, y_true, 0), y_pred, from_logits=from_logits, axis=axis
    )
    losses = jnp.where(valid, losses, 0)
    set_mask(losses, valid)
    return losses


@op
def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - p^q) / q for the probability p of the true class: between crossentropy (q near 0) and
    absolute error (q near 1).

    Args:
        y_true: class ids, (batch,) or (batch, 1).
        y_pred: probabilities, (batch, classes).
        q: in (0, 1). The larger, the less wrong labels matter.

    Returns:
        (batch,)

    References:
        Zhang, Sabuncu, 2018, https://arxiv.org/abs/1805.07836
    """
    y_true, y_pred, _ = _id_pair("categorical_generalized_cross_entropy", y_true, y_pred, -1)
    p = jnp.sum(
        y_pred * jax.nn.one_hot(y_true.astype("int32"), y_pred.shape[-1], dtype=y_pred.dtype),
        axis=-1,
    )
    power = jnp.where(p > 0, jnp.where(p > 0, p, 1) ** q, 0)  # the slope of p^q at 0 is infinite
    return (1 - power) / q


def _binary(y_true, y_pred, from_logits=False):
    """In float32 at least: in bfloat16 1 - epsilon is 1, and the logarithm of 1 - 1 would make 0 *
    inf of a saturated prediction.
    """
    wide = jnp.promote_types(y_pred.dtype, jnp.float32)
    loss = crossentropy.binary_crossentropy(
        y_true.astype(wide), y_pred.astype(wide), from_logits=from_logits
    )
    return loss.astype(y_pred.dtype)


def _towards(goal, y_true, part):
    return y_true * (1.0 - part) + part * goal if part else y_true


def _one_hot_pair(name, y_true, y_pred, axis):
    """Arrays of one shape, and the class axis from the left."""
    y_pred = as_float(y_pred)
    y_true = as_array(y_true, y_pred.dtype)
    axis = _class_axis(axis, y_pred)
    if y_true.shape != y_pred.shape:
        ids = y_true.size * y_pred.shape[axis] == y_pred.size
        raise shape_error(
            name,
            y_true.shape,
            y_pred.shape,
            "For class ids use `sparse_categorical_crossentropy`, or make them one-hot: "
            f"to_categorical(y, {y_pred.shape[axis]})."
            if ids
            else "",
        )
    if y_pred.shape[axis] == 1:
        warnings.warn(
            f"In loss {name}, expected y_pred.shape to be (batch_size, num_classes) with "
            f"num_classes > 1. Received: y_pred.shape={y_pred.shape}. Consider using "
            "'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=4,
        )
    return y_true, y_pred, axis


def _id_pair(name, y_true, y_pred, axis):
    """Class ids without their last axis of 1, predictions, and the class axis from the left."""
    y_true, y_pred = as_array(y_true), as_float(y_pred)
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
        y_true = y_true.squeeze(
            tuple(i for i in (axis, y_true.ndim - 1) if y_true.shape[i] == 1)[:1]
        )
    if y_true.shape != expected:
        raise UserInputError(
            f"{name}: the class ids `y_true` must have shape {expected}, that of `y_pred` without "
            f"its class axis. Received: y_true of shape {y_true.shape}, y_pred of shape "
            f"{y_pred.shape}."
        )
    return y_true, y_pred, axis


def _class_axis(axis, y_pred):
    if isinstance(axis, bool):
        raise UserTypeError(
            f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}"
        )
    return normalize_axis_index(axis, y_pred.ndim)


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
        >>> round(float(fkeras.losses.BinaryCrossentropy(from_logits=True)([[0.0, 1.0]], [[-2.0, 2.0]])), 4)
        0.1269
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
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


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """`binary_focal_crossentropy`, reduced: for yes or no with far more of the one than the other.

    Args:
        apply_class_balancing: whether to weigh class 1 by `alpha` and class 0 by 1 - `alpha`.
        alpha: in [0, 1].
        gamma: how much less easy examples count; 0 for plain crossentropy.
        from_logits: whether predictions are logits.
        label_smoothing: in [0, 1]: moves targets towards 0.5.
        axis: averaged over.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
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
        >>> round(float(fkeras.losses.CategoricalCrossentropy()([[0, 1, 0]], [[0.05, 0.95, 0.0]])), 4)
        0.0513
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
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


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """`categorical_focal_crossentropy`, reduced: for classes of very different frequency.

    Args:
        alpha: weight of all classes, or a sequence with one per class.
        gamma: how much less easy examples count.
        from_logits: whether predictions are logits.
        label_smoothing: in [0, 1]: moves targets towards 1 / classes.
        axis: the classes' axis.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.CategoricalFocalCrossentropy()([[0, 1]], [[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
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

    _targets_are_ids = True

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
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

    _targets_are_ids = True

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        if not 0 < q < 1:
            raise UserInputError(f"q must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
