"""JAX's transformations for use inside a layer: state, losses, masks and keys come along."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.layers.base.lift import checkpoint as checkpoint
from fkeras.layers.base.lift import cond as cond
from fkeras.layers.base.lift import scan as scan
from fkeras.layers.base.lift import vmap as vmap

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
