"""`Feature` and `Cross`: how a `FeatureSpace` encodes a column, or several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from fkeras import layers
from fkeras.core.config import serialization
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import Config

# Where the classes are in Keras, which has no public name for them: files say so.
_KERAS_MODULE = "keras.src.layers.preprocessing.feature_space"


class Feature:
    """A column: its dtype, the layer that encodes it, and whether its ids become vectors.

    Args:
        dtype: of the raw values: 'string', 'int32', 'float32'.
        preprocessor: the layer; it is called on (rows, 1).
        output_mode: 'float' or 'int': what the layer returns; 'one_hot': its ids as vectors.

    Raises:
        UserInputError: another output mode.
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        if output_mode not in ("int", "one_hot", "float"):
            raise UserInputError(
                "FeatureSpace: `output_mode` of a feature must be 'int', 'one_hot' or 'float'. "
                f"Received: output_mode={output_mode!r}"
            )
        self.dtype = dtype
        self.preprocessor = preprocessor
        self.output_mode = output_mode

    def get_config(self) -> Config:
        """The arguments as plain values."""
        return {
            "dtype": self.dtype,
            "preprocessor": serialization.serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The feature that `get_config` described."""
        layer = config["preprocessor"]
        if isinstance(layer, Mapping) and layer.get("class_name") == "TFDIdentity":  # of Keras
            return cls(**{**config, "preprocessor": layers.Identity(**layer["config"])})
        return cls(**{**config, "preprocessor": serialization.deserialize_keras_object(layer)})


class Cross:
    """Columns whose values are hashed together.

    Args:
        feature_names: names of two columns or more.
        crossing_dim: number of bins.
        output_mode: 'one_hot' or 'int'.

    Raises:
        UserInputError: another output mode, or a single name.
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> None:
        if output_mode not in ("int", "one_hot"):
            raise UserInputError(
                "FeatureSpace: `output_mode` of a cross must be 'int' or 'one_hot'. Received: "
                f"output_mode={output_mode!r}"
            )
        if isinstance(feature_names, str) or len(feature_names) < 2:
            raise UserInputError(
                "FeatureSpace: a cross is of two features or more: `('town', 'age')`. Received: "
                f"{feature_names!r}"
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the columns, joined by `_X_`."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> Config:
        """The arguments as plain values."""
        return {
            "feature_names": self.feature_names,
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The cross that `get_config` described."""
        return cls(**config)


def as_record(value: Feature | Cross) -> Config:
    """A feature or cross as files have it."""
    name = type(value).__name__
    return {
        "module": _KERAS_MODULE,
        "class_name": name,
        "config": serialization.serialize_dict(value.get_config()),
        "registered_name": name,
    }


def from_record(record: Mapping[str, Any]) -> Feature | Cross:
    """A feature or cross from what `as_record` returned, here or in Keras.

    Raises:
        UserInputError: it is none of the two.
    """
    classes = {"Feature": Feature, "Cross": Cross}
    cls = classes.get(record.get("class_name"))
    if cls is None:
        raise UserInputError(
            f"FeatureSpace: expected the config of a Feature or a Cross. Received: {record!r:.200}"
        )
    return cls.from_config(record["config"])
