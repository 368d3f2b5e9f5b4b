"""What can be seen from predictions whose values are known."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.metrics.metric import Metric
    from fkeras.types import TensorLike


def warn_unless_probabilities(metric: Metric, y_pred: TensorLike) -> None:
    """Warns where predictions leave [0, 1], if their values are known now.

    What lies outside falls into the first or last bucket.

    Args:
        metric: for the message.
        y_pred: predictions; tracers are not looked at.
    """
    if isinstance(y_pred, jax.core.Tracer):
        return
    y_pred = as_array(y_pred)
    if not y_pred.size:
        return
    low = float(jnp.min(y_pred))
    high = float(jnp.max(y_pred))
    if low < 0 or high > 1.001:  # a softmax in half precision may round to a little more than 1
        warnings.warn(
            f"Metric {metric.name!r} expects predictions in [0, 1]. Received: values from "
            f"{low:.3g} to {high:.3g}, which look like logits. Pass them through a sigmoid"
            + (", or use from_logits=True." if hasattr(metric, "_from_logits") else "."),
            UserWarning,
            stacklevel=3,
        )
