"""What can be seen from predictions whose values are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.metrics.metric import Metric
    from fkeras.types import TensorLike


def warn_unless_probabilities(metric: Metric, y_pred: TensorLike) -> None:
    """Warns where a metric of probabilities is given predictions that leave [0, 1], if their values
    are known now.

    What lies outside falls into the first or last bucket, or is cut off.

    Args:
        metric: says itself whether it needs probabilities.
        y_pred: predictions. Tracers are not looked at, of arrays on a device only the first ones,
            since a look waits for them.
    """
    values = _known_values(metric, y_pred) if metric._needs_probabilities else None
    if values is None:
        return
    low = float(values.min())
    high = float(values.max())
    if low < 0 or high > 1.001:  # a softmax in half precision may round to a little more than 1
        option = metric._option_for_logits
        warn_user(
            f"Metric {metric.name!r} expects predictions in [0, 1]. Received: values from "
            f"{low:.3g} to {high:.3g}, which look like logits. Pass them through a sigmoid"
            + (f", or use {option}." if option else ".")
        )


def warn_unless_class_ids(metric: Metric, y_pred: TensorLike) -> None:
    """Warns where a metric of class ids is given fractions, if their values are known now.

    Args:
        metric: says itself whether it needs class ids.
        y_pred: predictions.
    """
    values = _known_values(metric, y_pred) if metric._needs_class_ids else None
    if values is None or values.dtype.kind != "f":
        return
    is_fraction = values != np.floor(values)
    if is_fraction.any():
        warn_user(
            f"Metric {metric.name!r} takes class ids, and is given fractions, such as "
            f"{float(values[is_fraction][0]):.3g}, which it cuts to whole numbers. {ID_REMEDY}"
        )


ID_REMEDY = (
    "For probabilities use BinaryIoU(threshold=...), or IoU and MeanIoU with sparse_y_pred=False; "
    "BinaryAccuracy or SparseCategoricalAccuracy."
)


def _known_values(metric: Metric, y_pred: TensorLike) -> np.ndarray | None:
    """Predictions as a NumPy array of numbers, where a look at them is cheap."""
    if isinstance(y_pred, jax.core.Tracer):
        return None
    if isinstance(y_pred, jax.Array):
        if metric._has_seen_device_arrays:
            return None
        metric._has_seen_device_arrays = True
        y_pred = np.asarray(as_array(y_pred, jnp.float32))
    y_pred = np.asarray(y_pred)
    return y_pred if y_pred.size and y_pred.dtype.kind in "iuf" else None
