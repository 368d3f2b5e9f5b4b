"""The circle loss of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.core.values.masks import set_mask
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.precision import computed_in_float32
from fkeras.losses.reduction import Reduction
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@expects("labels")
@op
@computed_in_float32
def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Pulls embeddings of one class together and pushes those of different classes apart.

    The harder the further they have to go.

    Args:
        y_true: class ids, (batch,) or (batch, 1).
        y_pred: embeddings of length 1, (batch, d).
        ref_labels, ref_embeddings: what to compare with, (references,) and (references, d); None
            for the batch itself.
        remove_diagonal: whether an embedding is not compared with the reference of its own index.
        gamma: scale.
        margin: relaxation.

    Returns:
        (batch,). Examples without loss do not count in means over the batch.

    References:
        Sun et al., 2020, https://arxiv.org/abs/2002.10857
    """
    labels = as_array(y_true, "int32").reshape(-1)
    ref_embeddings = y_pred if ref_embeddings is None else as_array(ref_embeddings, y_pred.dtype)
    ref_labels = labels if ref_labels is None else as_array(ref_labels, "int32").reshape(-1)

    distances = jnp.maximum(1 - y_pred @ ref_embeddings.T, 0.0)  # (batch, references)
    same = labels[:, None] == ref_labels[None, :]
    partners = same & ~jnp.eye(*same.shape, dtype=bool) if remove_diagonal else same

    # Not -inf for what does not take part: the gradient of the log-sum-exp of nothing but -inf is
    # NaN. Half of the lowest number, since two of them are added up below.
    absent = jnp.finfo(distances.dtype).min / 2
    positive = gamma * jnp.maximum(margin + distances, 0.0) * (distances - margin)
    negative = gamma * jnp.maximum(1 + margin - distances, 0.0) * (1 - margin - distances)
    pull = jax.nn.logsumexp(jnp.where(partners, positive, absent), axis=1)
    push = jax.nn.logsumexp(jnp.where(same, absent, negative), axis=1)
    losses = jax.nn.softplus(pull + push)  # log(1 + sum over pairs of e^positive e^negative)
    set_mask(losses, losses > 0)  # an example with neither partners nor others has none
    return losses


class Circle(LossFunctionWrapper):
    """`circle`, reduced: for embeddings normalised to length 1, with class ids as targets.

    Args:
        gamma: scale; larger values look at the hardest pairs only.
        margin: relaxation, in units of cosine distance.
        remove_diagonal: whether an embedding is not compared with itself.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> loss = fkeras.losses.Circle()
        >>> far = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
        >>> near = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> float(loss([0, 0, 1], far)) > float(loss([0, 0, 1], near))
        True
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "circle",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
