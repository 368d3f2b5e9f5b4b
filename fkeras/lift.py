"""JAX's transformations for use inside a layer: state, losses, masks and keys come along."""

from fkeras.layers.base.lift import checkpoint as checkpoint
from fkeras.layers.base.lift import cond as cond
from fkeras.layers.base.lift import scan as scan
from fkeras.layers.base.lift import vmap as vmap
