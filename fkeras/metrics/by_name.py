"""Metrics by name, and as configs."""

from fkeras.core.config import registry, serialization
from fkeras.core.names import to_snake_case
from fkeras.errors import UserTypeError, unknown_name
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

_CLASSES = (
    metric.Metric, reduction.Mean, reduction.Sum, reduction.MeanMetricWrapper,
    regression.MeanSquaredError, regression.RootMeanSquaredError, regression.MeanAbsoluteError, regression.MeanAbsolutePercentageError,
    regression.MeanSquaredLogarithmicError, regression.CosineSimilarity, regression.LogCoshError, r2_score.R2Score,
    auc.AUC, confusion.FalseNegatives, confusion.FalsePositives, confusion.TrueNegatives, confusion.TruePositives, confusion.Precision,
    confusion.Recall, operating_point.PrecisionAtRecall, operating_point.RecallAtPrecision, operating_point.SensitivityAtSpecificity,
    operating_point.SpecificityAtSensitivity,
    correlation.ConcordanceCorrelation, correlation.PearsonCorrelation,
    margin.Hinge, margin.SquaredHinge, margin.CategoricalHinge,
    crossentropy.KLDivergence, crossentropy.Poisson, crossentropy.BinaryCrossentropy, crossentropy.CategoricalCrossentropy,
    crossentropy.SparseCategoricalCrossentropy,
    accuracy.Accuracy, accuracy.BinaryAccuracy, accuracy.CategoricalAccuracy, accuracy.SparseCategoricalAccuracy,
    accuracy.TopKCategoricalAccuracy, accuracy.SparseTopKCategoricalAccuracy,
    f_score.F1Score, f_score.FBetaScore, iou.IoU, iou.BinaryIoU, iou.MeanIoU, iou.OneHotIoU, iou.OneHotMeanIoU,
)  # fmt: skip
_FUNCTIONS = (
    accuracy.binary_accuracy,
    accuracy.categorical_accuracy,
    accuracy.sparse_categorical_accuracy,
    accuracy.top_k_categorical_accuracy,
    accuracy.sparse_top_k_categorical_accuracy,
    correlation.pearson_correlation,
    correlation.concordance_correlation,
)
_SHORT = {
    "acc": accuracy.Accuracy,
    "bce": crossentropy.BinaryCrossentropy,
    "mse": regression.MeanSquaredError,
    "mae": regression.MeanAbsoluteError,
    "mape": regression.MeanAbsolutePercentageError,
    "msle": regression.MeanSquaredLogarithmicError,
    "kld": crossentropy.KLDivergence,
    "log_cosh": regression.LogCoshError,
    "logcosh": regression.LogCoshError,
}
_CLASS_NAMES = {cls.__name__: cls for cls in _CLASSES}
# Classes under their own names and in snake case (which is 'io_u' for IoU); then what has no class;
# then short names.
_NAMES = {
    **{
        fn.__name__: fn for fn in (huber, binary_focal_crossentropy, categorical_focal_crossentropy)
    },
    **_CLASS_NAMES,
    **{to_snake_case(name): cls for name, cls in _CLASS_NAMES.items()},
    **_SHORT,
    **{name.upper(): cls for name, cls in _SHORT.items() if len(name) < 5 and name != "acc"},
}

registry.add_builtins("keras.metrics", {**_CLASS_NAMES, **{fn.__name__: fn for fn in _FUNCTIONS}})


def get(identifier):
    """The metric that a name, a config, a class or a metric stands for.

    Args:
        identifier: `'mse'`, `'mean_squared_error'` or `'MeanSquaredError'` (all the class, made
            with its defaults), the name of a registered metric, a config, any callable, or None.
            `'accuracy'` is exact equality here; `compile` chooses by the loss.

    Returns:
        A `Metric` or a function; None for None.

    Raises:
        UnknownNameError: no such metric.

    Examples:
        >>> import fkeras
        >>> fkeras.metrics.get("auc")
        <AUC name=auc>
    """
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if not callable(identifier):
        raise UserTypeError(
            "Could not interpret metric identifier: expected a name, a config or a callable. "
            f"Received: {identifier!r}"
        )
    return identifier() if isinstance(identifier, type) else identifier


def serialize(metric) -> dict:
    """The config of a metric or metric function."""
    return serialization.serialize_keras_object(metric)


def deserialize(config, custom_objects=None):
    """The metric that a config or a name describes.

    Args:
        config: a config as `serialize` returns it, or a name.
        custom_objects: dict from names to classes or functions, looked at first.
    """
    if isinstance(config, str):
        found = registry.get_registered_object(config, custom_objects, _NAMES)
        if found is None:
            raise unknown_name("metric", config, _NAMES)
        return found() if isinstance(found, type) else found
    functions = {fn.__name__: fn for fn in _FUNCTIONS}
    return serialization.deserialize_keras_object(
        config, custom_objects={**_NAMES, **functions, **(custom_objects or {})}
    )
