"""What can be seen from predictions whose values are known."""

import warnings

import jax
import jax.numpy as jnp

from fkeras.ops.tensors import as_array


def warn_unless_probabilities(metric, y_pred) -> None:
    """Warns where predictions leave [0, 1], if their values are known now: what lies outside falls
    into the first or last bucket.

    Args:
        metric: for the message.
        y_pred: predictions; tracers are not looked at.
    """
    if isinstance(y_pred, jax.core.Tracer):
        return
    y_pred = as_array(y_pred)
    low, high = (float(jnp.min(y_pred)), float(jnp.max(y_pred))) if y_pred.size else (0, 0)
    if low < 0 or high > 1.001:
        warnings.warn(
            f"Metric {metric.name!r} expects predictions in [0, 1]. Received: values from "
            f"{low:.3g} to {high:.3g}, which look like logits. Pass them through a sigmoid"
            + (", or use from_logits=True." if hasattr(metric, "_from_logits") else "."),
            UserWarning,
            stacklevel=3,
        )
