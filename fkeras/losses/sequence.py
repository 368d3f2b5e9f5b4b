"""Connectionist temporal classification as a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.precision import widened
from fkeras.losses.reduction import Reduction
from fkeras.ops.ctc import ctc_loss
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@expects("label_sequences")
@op
@widened
def ctc(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """-log P(labels | logits) over all alignments of labels and steps.

    For where it is not known which step belongs to which label.

    Args:
        y_true: class ids, (batch, labels). 0 is the blank: it pads, and is no class.
        y_pred: logits, not softmaxed, (batch, steps, classes).

    Returns:
        One loss per sequence, (batch,).
    """
    y_true = as_array(y_true)
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
    num_labels = jnp.sum(y_true != 0, axis=-1)
    return ctc_loss(y_true, y_pred, num_labels, jnp.full(batch, steps), mask_index=0)


class CTC(LossFunctionWrapper):
    """`ctc`, reduced: for speech and handwriting.

    There inputs are longer than their labels, and not aligned with them.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import jax.numpy as jnp, fkeras
        >>> round(float(fkeras.losses.CTC()([[1, 2]], jnp.zeros((1, 3, 3)))), 4)
        1.6864
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "ctc",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(ctc, reduction, name, dtype)
