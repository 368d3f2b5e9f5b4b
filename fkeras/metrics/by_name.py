"""Metrics by name, and as configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core.config import registry, serialization
from fkeras.core.config.name_table import NameTable
from fkeras.losses.by_name import public_objects
from fkeras.losses.focal import binary_focal_crossentropy, categorical_focal_crossentropy
from fkeras.losses.regression import huber
from fkeras.metrics import (
    accuracy,
    auc,
    confusion,
    correlation,
    crossentropy,
    f_score,
    iou,
    margin,
    metric,
    operating_point,
    r2_score,
    reduction,
    regression,
)

if TYPE_CHECKING:
    from fkeras.metrics.metric import Direction
    from fkeras.types import Config, Identifier

_CLASSES = [
    obj
    for obj in public_objects(
        metric,
        reduction,
        regression,
        r2_score,
        auc,
        confusion,
        operating_point,
        correlation,
        margin,
        crossentropy,
        accuracy,
        f_score,
        iou,
    ).values()
    if inspect.isclass(obj)
]
_FUNCTIONS = {
    name: obj
    for name, obj in public_objects(accuracy, correlation).items()
    if inspect.isfunction(obj)
}
_SHORT_NAMES = {
    "bce": crossentropy.BinaryCrossentropy,
    "mse": regression.MeanSquaredError,
    "mae": regression.MeanAbsoluteError,
    "mape": regression.MeanAbsolutePercentageError,
    "msle": regression.MeanSquaredLogarithmicError,
    "kld": crossentropy.KLDivergence,
}
# By its own name and in snake case a class stands for a metric made with its defaults, also where a
# function has the same name: `get("binary_accuracy")` is a `BinaryAccuracy`.
_TABLE = NameTable(
    "metric",
    "keras.metrics",
    _CLASSES,
    {
        **_SHORT_NAMES,
        **{name.upper(): cls for name, cls in _SHORT_NAMES.items()},
        "acc": accuracy.Accuracy,
        "log_cosh": regression.LogCoshError,
        "logcosh": regression.LogCoshError,
        # Losses that have no class here.
        "huber": huber,
        "binary_focal_crossentropy": binary_focal_crossentropy,
        "categorical_focal_crossentropy": categorical_focal_crossentropy,
    },
)
# In a config, which says that it means a function, the name is the function's.
registry.add_builtins("keras.metrics", _FUNCTIONS)


def get(identifier: Identifier | None) -> Callable[..., Any] | None:
    """The metric that a name, a config, a class or a metric stands for.

    Args:
        identifier: `'mse'`, `'mean_squared_error'` or `'MeanSquaredError'` (all the class, made
            with its defaults), the name of a registered metric, a config, any callable, or None.
            `'accuracy'` is exact equality here; `compile` chooses by the loss.

    Returns:
        A `Metric` or a function; None for None.

    Raises:
        UnknownNameError: no such metric.
        UserTypeError: neither a name nor a config nor callable.

    Examples:
        >>> import fkeras
        >>> fkeras.metrics.get("auc")
        <AUC name=auc>
    """
    if isinstance(identifier, metric.Metric):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    return _TABLE.get(identifier)


def serialize(metric: Callable[..., Any]) -> Config:
    """The config of a metric or metric function."""
    return serialization.serialize_keras_object(metric)


def deserialize(
    config: str | Config, custom_objects: Mapping[str, Callable[..., Any]] | None = None
) -> Callable[..., Any]:
    """The metric that a config or a name describes.

    Args:
        config: a config as `serialize` returns it, or a name.
        custom_objects: dict from names to classes or functions, looked at first.

    Raises:
        UnknownNameError: no such metric.
    """
    if isinstance(config, str):
        return _TABLE.deserialize(config, custom_objects)
    # A config need not say its module: losses have classes of the same names.
    return _TABLE.deserialize(config, {**_TABLE.names, **_FUNCTIONS, **(custom_objects or {})})


# Ends of names that belong to no metric here: of losses, and what people call their own.
_DOWN = ("loss", "error", "rmse", "crossentropy", "perplexity")
_DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(_DOWN, "down"),
    **{
        name.lower(): cls._direction
        for name, cls in _TABLE.names.items()
        if inspect.isclass(cls) and cls._direction is not None
    },
}


def direction_of_name(name: str) -> Direction | None:
    """Which way a logged value is better, by the metric whose name it ends with.

    For where there is no metric object to ask: that one's `_direction` is nearer to the truth.

    Args:
        name: such as `'mse'`, `'head_accuracy'` or `'val_loss'`.

    Returns:
        `'up'`, `'down'`, or None where no metric's name fits.

    Examples:
        >>> from fkeras.metrics.by_name import direction_of_name
        >>> direction_of_name("val_head_auc"), direction_of_name("rmse")
        ('up', 'down')
    """
    ends = [end for end in _DIRECTIONS if name.endswith(end)]
    return _DIRECTIONS[max(ends, key=len)] if ends else None
