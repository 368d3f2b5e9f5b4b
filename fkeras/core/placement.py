"""Where arrays lie: every transfer from the host to devices that fkeras itself makes.

Each kind of array has a function of its own, since they are laid out differently as soon as there
are several devices: weights by the layout of the model, rows of data along the batch, what the
loop itself needs on all of them. Today all go to JAX's default device (`fkeras.device`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import numpy as np

if TYPE_CHECKING:
    from fkeras.types import PyTree


def place_weight(value: np.ndarray) -> jax.Array:
    """The JAX array of a weight's value.

    Not `jnp.asarray`, which compiles a program for each shape.

    Args:
        value: an array that is not used elsewhere: the result may share its memory.
    """
    return jax.device_put(value)


def place_rows(arrays: PyTree) -> PyTree:
    """Whole arrays of data, one row a sample, that stay on the device.

    Args:
        arrays: nested arrays of equal length; None stays None.
    """
    return jax.device_put(arrays)


def place_order(order: np.ndarray) -> jax.Array:
    """The order in which a pass visits its rows: all devices need all of it.

    Args:
        order: ints (rows,).
    """
    return jax.device_put(np.asarray(order, np.int32))


def has_explicit_rows(array: object) -> bool:
    """Whether an array's rows are spread over a mesh with explicit axes, on which JAX asks how the
    result of each slice and gather is to lie.
    """
    sharding = getattr(array, "sharding", None)
    if not isinstance(sharding, jax.sharding.NamedSharding) or not len(sharding.spec):
        return False
    axes = sharding.spec[0]
    kinds = dict(zip(sharding.mesh.axis_names, sharding.mesh.axis_types))
    names = axes if isinstance(axes, tuple) else (axes,)
    return any(kinds.get(name) == jax.sharding.AxisType.Explicit for name in names)
