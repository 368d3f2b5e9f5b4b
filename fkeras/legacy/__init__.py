"""What older releases of Keras had, and libraries around it still ask for."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.legacy import saving as saving

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__, ("saving",))
