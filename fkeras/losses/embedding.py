"""The circle loss of embeddings."""

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.core.values.masks import set_mask
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.ops.tensors import as_array, as_float


@op
def circle(
    y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4
):
    """Pulls embeddings of one class together and pushes those of different classes apart, the
    harder the further they have to go.

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
    y_pred = as_float(y_pred)
    labels = as_array(y_true, "int32").reshape(-1)
    ref_embeddings = y_pred if ref_embeddings is None else as_array(ref_embeddings, y_pred.dtype)
    ref_labels = labels if ref_labels is None else as_array(ref_labels, "int32").reshape(-1)

    distances = jnp.maximum(1 - y_pred @ ref_embeddings.T, 0.0)  # (batch, references)
    same = labels[:, None] == ref_labels[None, :]
    others = same & ~jnp.eye(*same.shape, dtype=bool) if remove_diagonal else same

    # Not -inf for what does not take part: the gradient of the log-sum-exp of nothing but -inf is
    # NaN.
    none = jnp.finfo(distances.dtype).min / 2
    positive = gamma * jnp.maximum(margin + distances, 0.0) * (distances - margin)
    negative = gamma * jnp.maximum(1 + margin - distances, 0.0) * (1 - margin - distances)
    pull = jax.nn.logsumexp(jnp.where(others, positive, none), axis=1)
    push = jax.nn.logsumexp(jnp.where(same, none, negative), axis=1)
    losses = jax.nn.softplus(pull + push)
    set_mask(losses, losses > 0)
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
        >>> far, near = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> float(loss([0, 0, 1], far)) > float(loss([0, 0, 1], near))
        True
    """

    _targets_are_ids = True

    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name="circle",
        dtype=None,
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
