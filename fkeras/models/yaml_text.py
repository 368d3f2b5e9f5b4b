"""Architectures as YAML, which older Keras wrote. PyYAML is needed for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core.config import serialization
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from types import ModuleType

    from fkeras.models.model import Model


def model_from_yaml(yaml_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model that `Model.to_yaml` described, with new weights. No code is run.

    Args:
        yaml_string: the text. custom_objects: dict from names to classes that it names.
    """
    config = _yaml().safe_load(yaml_string)
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects)


def to_yaml(model: Model, **kwargs: Any) -> str:
    """The model's architecture as YAML. `kwargs` go to `yaml.safe_dump`."""
    return _yaml().safe_dump(json.loads(model.to_json()), **kwargs)


def _yaml() -> ModuleType:
    try:
        import yaml
    except ImportError:
        raise UserInputError(
            "YAML needs PyYAML: `pip install pyyaml`. JSON does not: `model.to_json()` and "
            "`model_from_json`."
        ) from None
    return yaml
