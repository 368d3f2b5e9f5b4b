"""Connectionist temporal classification as a loss."""

import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.ops.ctc import ctc_loss
from fkeras.ops.tensors import as_array


@op
def ctc(y_true, y_pred):
    """-log P(labels | logits) over all alignments, where it is not known which step belongs to
    which label.

    Args:
        y_true: class ids, (batch, labels). 0 is the blank: it pads, and is no class.
        y_pred: logits, not softmaxed, (batch, steps, classes).

    Returns:
        One loss per sequence, (batch,).
    """
    y_true, y_pred = as_array(y_true), as_array(y_pred)
    if y_true.ndim != 2:
        raise UserInputError(
            "Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in "
            f"integer format. Received: y_true.shape={y_true.shape}"
        )
    if y_pred.ndim != 3:
        raise UserInputError(
            "Logits `y_pred` are expected to be a tensor of shape `(batch_size, max_length, "
            f"num_classes)`. Received: y_pred.shape={y_pred.shape}"
        )
    batch, steps, _ = y_pred.shape
    return ctc_loss(
        y_true, y_pred, jnp.sum(y_true != 0, axis=-1), jnp.full(batch, steps), mask_index=0
    )


class CTC(LossFunctionWrapper):
    """`ctc`, reduced: speech and handwriting, where inputs are longer than their labels and not
    aligned with them.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import jax.numpy as jnp, fkeras
        >>> round(float(fkeras.losses.CTC()([[1, 2]], jnp.zeros((1, 3, 3)))), 4)
        1.6864
    """

    _targets_are_ids = True

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(ctc, reduction, name, dtype)
