"""Losses by name, and as configs."""

from fkeras.core.config import registry, serialization
from fkeras.errors import UserTypeError, unknown_name
from fkeras.losses import crossentropy, divergence, embedding, margin, overlap, regression, sequence
from fkeras.losses.loss import Loss, LossFunctionWrapper

_CLASSES = (
    Loss,
    LossFunctionWrapper,
    regression.MeanSquaredError,
    regression.MeanAbsoluteError,
    regression.MeanAbsolutePercentageError,
    regression.MeanSquaredLogarithmicError,
    regression.Huber,
    regression.LogCosh,
    regression.CosineSimilarity,
    crossentropy.BinaryCrossentropy,
    crossentropy.BinaryFocalCrossentropy,
    crossentropy.CategoricalCrossentropy,
    crossentropy.CategoricalFocalCrossentropy,
    crossentropy.SparseCategoricalCrossentropy,
    crossentropy.CategoricalGeneralizedCrossEntropy,
    divergence.KLDivergence,
    divergence.Poisson,
    margin.Hinge,
    margin.SquaredHinge,
    margin.CategoricalHinge,
    overlap.Dice,
    overlap.Tversky,
    embedding.Circle,
    sequence.CTC,
)
FUNCTIONS = (
    regression.mean_squared_error,
    regression.mean_absolute_error,
    regression.mean_absolute_percentage_error,
    regression.mean_squared_logarithmic_error,
    regression.huber,
    regression.log_cosh,
    regression.cosine_similarity,
    crossentropy.binary_crossentropy,
    crossentropy.binary_focal_crossentropy,
    crossentropy.categorical_crossentropy,
    crossentropy.categorical_focal_crossentropy,
    crossentropy.sparse_categorical_crossentropy,
    crossentropy.categorical_generalized_cross_entropy,
    divergence.kl_divergence,
    divergence.poisson,
    margin.hinge,
    margin.squared_hinge,
    margin.categorical_hinge,
    overlap.dice,
    overlap.tversky,
    embedding.circle,
    sequence.ctc,
)
_SHORT = {
    "mse": regression.mean_squared_error,
    "mae": regression.mean_absolute_error,
    "mape": regression.mean_absolute_percentage_error,
    "msle": regression.mean_squared_logarithmic_error,
    "bce": crossentropy.binary_crossentropy,
    "kld": divergence.kl_divergence,
    "logcosh": regression.log_cosh,
}
_BUILTIN = {obj.__name__: obj for obj in _CLASSES + FUNCTIONS}
# Short names in small and in capital letters; full names as they are written.
_NAMES = {
    **_BUILTIN,
    **_SHORT,
    **{name.upper(): fn for name, fn in _SHORT.items() if len(name) < 5},
}

registry.add_builtins("keras.losses", _BUILTIN)


def get(identifier):
    """The loss that a name, a config, a class or a loss stands for.

    Args:
        identifier: `'mse'`, `'mean_squared_error'` (functions), `'MeanSquaredError'` (a class: made
            with its defaults), the name of a registered loss, a config, any callable, or None.

    Returns:
        A function or a `Loss`; None for None.

    Raises:
        UnknownNameError: no such loss.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.get("mse").__name__
        'mean_squared_error'
        >>> fkeras.losses.get("Huber")
        <Huber name=huber_loss>
    """
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if not callable(identifier):
        raise UserTypeError(
            "Could not interpret loss identifier: expected a name, a config or a callable. "
            f"Received: {identifier!r}"
        )
    return identifier() if isinstance(identifier, type) else identifier


def serialize(loss) -> dict:
    """The config of a loss or loss function."""
    return serialization.serialize_keras_object(loss)


def deserialize(name, custom_objects=None):
    """The loss that a config or a name describes.

    Args:
        name: a config as `serialize` returns it, or a name.
        custom_objects: dict from names to classes or functions, looked at first.
    """
    if isinstance(name, str):
        found = registry.get_registered_object(name, custom_objects, _NAMES)
        if found is None:
            raise unknown_name("loss", name, _NAMES)
        return found() if isinstance(found, type) else found
    return serialization.deserialize_keras_object(
        name, custom_objects={**_NAMES, **(custom_objects or {})}
    )
