"""Initializers by name, and as configs."""

import jax
import numpy as np

from fkeras.core import registry
from fkeras.core.lookup import NameTable
from fkeras.core.symbolic import standardize_dtype
from fkeras.core.variable import Variable
from fkeras.errors import UserInputError
from fkeras.initializers.constant import STFT, Constant, Identity, Ones, Zeros
from fkeras.initializers.initializer import Initializer
from fkeras.initializers.random import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from fkeras.initializers.variance_scaling import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, VarianceScaling

_OLD_CLASS_NAMES = {"IdentityInitializer": Identity, "STFTInitializer": STFT, "OrthogonalInitializer": Orthogonal}
TABLE = NameTable(
    "initializer",
    (Initializer, Constant, Identity, Ones, STFT, Zeros, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform,
     Orthogonal, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling),
    {**_OLD_CLASS_NAMES, "normal": RandomNormal, "uniform": RandomUniform, "one": Ones, "zero": Zeros},
)
registry.add_builtins("keras.initializers", {**TABLE.classes, **_OLD_CLASS_NAMES})


def get(identifier):
    """The initializer that a name, config, class, array or callable stands for.

    Args:
        identifier: `'glorot_uniform'`, `'GlorotUniform'`, the name of a registered one, a config, a class (made with its defaults), an
            array (the weight's values themselves), a function of `(shape, dtype)`, or None.

    Returns:
        A callable `(shape, dtype=None) -> array`; None for None.

    Raises:
        UnknownNameError: no such initializer.

    Examples:
        >>> get("he_normal").get_config()["seed"] is None
        True
    """
    if isinstance(identifier, (jax.Array, np.ndarray, np.generic, Variable)):
        return _values_themselves(identifier)
    return TABLE.get(identifier)


def _values_themselves(values):
    def given_values(shape, dtype=None):
        if tuple(shape) != tuple(values.shape):
            raise UserInputError(f"Expected `shape` to be {tuple(values.shape)}, that of the array given as initializer. "
                                 f"Received: shape={tuple(shape)}")
        return jax.numpy.asarray(values).astype(standardize_dtype(dtype))

    return given_values


def serialize(initializer):
    """The config of an initializer."""
    return registry.serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """The initializer that a config describes.

    Args:
        config: a config.
        custom_objects: dict from names to classes, looked at first.
    """
    return TABLE.deserialize(config, custom_objects)
