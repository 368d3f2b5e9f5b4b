"""Initializers by name, and as configs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable
from fkeras.core.values.variable import Variable
from fkeras.initializers import scaling
from fkeras.initializers.constants import Constant, Identity, Ones, Zeros
from fkeras.initializers.distributions import RandomNormal, RandomUniform, TruncatedNormal
from fkeras.initializers.fourier import STFT
from fkeras.initializers.initializer import Initializer
from fkeras.initializers.orthogonal_matrix import Orthogonal

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config, Identifier

_SCALED = [
    scaling.VarianceScaling,
    scaling.GlorotNormal,
    scaling.GlorotUniform,
    scaling.HeNormal,
    scaling.HeUniform,
    scaling.LecunNormal,
    scaling.LecunUniform,
]
_TABLE = NameTable(
    "initializer",
    "keras.initializers",
    [
        Initializer,
        Constant,
        Identity,
        Ones,
        Zeros,
        STFT,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        Orthogonal,
        *_SCALED,
    ],
    {
        "one": Ones,
        "zero": Zeros,
        "normal": RandomNormal,
        "uniform": RandomUniform,
        "IdentityInitializer": Identity,
        "STFTInitializer": STFT,
        "OrthogonalInitializer": Orthogonal,
    },
)


def get(identifier: Identifier | ArrayLike | None) -> Callable[..., jax.Array] | None:
    """The initializer that a name, a config, a class, an array or an initializer stands for.

    Args:
        identifier: `'glorot_uniform'`, `'GlorotUniform'`, the name of a registered one, a config, a
            class (made with its defaults), any callable `(shape, dtype) -> array`, an array (the
            weight itself), or None.

    Returns:
        A callable; None for None.

    Raises:
        UnknownNameError: no such initializer.

    Examples:
        >>> import fkeras
        >>> fkeras.initializers.get("he_normal")
        HeNormal(seed=None, input_axes=None, output_axes=None)
    """
    if isinstance(identifier, Variable):
        return Constant(identifier.value)
    if isinstance(identifier, (np.ndarray, np.generic, jax.Array)):
        return Constant(identifier)
    return _TABLE.get(identifier)


def serialize(initializer: Initializer | Callable[..., Any]) -> Config:
    """The config of an initializer."""
    return serialization.serialize_keras_object(initializer)


def deserialize(
    config: Config | str, custom_objects: dict[str, Any] | None = None
) -> Callable[..., jax.Array]:
    """The initializer that a config describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict from names to classes, looked at first.

    Raises:
        UnknownNameError: no such initializer.
    """
    return _TABLE.deserialize(config, custom_objects)
