"""`keras.utils.legacy`: configs of objects. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config.named_form import deserialize_keras_object as deserialize_keras_object
from fkeras.core.config.named_form import serialize_keras_object as serialize_keras_object

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
