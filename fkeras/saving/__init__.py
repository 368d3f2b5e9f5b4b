"""Saving and loading, and objects by name."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config.registry import get_custom_objects as get_custom_objects
from fkeras.core.config.registry import get_registered_name as get_registered_name
from fkeras.core.config.registry import get_registered_object as get_registered_object
from fkeras.core.config.registry import register_keras_serializable as register_keras_serializable
from fkeras.core.config.scopes import CustomObjectScope as CustomObjectScope
from fkeras.core.config.scopes import custom_object_scope as custom_object_scope
from fkeras.core.config.serialization import deserialize_keras_object as deserialize_keras_object
from fkeras.core.config.serialization import serialize_keras_object as serialize_keras_object
from fkeras.saving.checkpoint import load_model as load_model
from fkeras.saving.checkpoint import load_weights as load_weights
from fkeras.saving.checkpoint import save_model as save_model
from fkeras.saving.checkpoint import save_weights as save_weights
from fkeras.saving.file_editor import KerasFileEditor as KerasFileEditor

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
