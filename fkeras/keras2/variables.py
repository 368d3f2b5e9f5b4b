"""Making, reading and updating variables."""

from __future__ import annotations

import math

import numpy as np

from fkeras import ops
from fkeras.core.settings import floatx
from fkeras.core.values.variable import Variable


def variable(value, dtype=None, name=None, constraint=None):
    """A `fkeras.Variable` with a value; `floatx()` by default."""
    return Variable(
        ops.convert_to_tensor(value, dtype or floatx()),
        dtype=dtype or floatx(),
        name=name,
        constraint=constraint,
    )


def constant(value, dtype=None, shape=None, name=None):
    """An array of a value, spread over a shape if one is given; `floatx()` by default."""
    made = ops.convert_to_tensor(value, dtype or floatx())
    return made if shape is None else ops.broadcast_to(made, shape)


def zeros(shape, dtype=None, name=None):
    """A variable of zeros; `floatx()` by default."""
    return variable(ops.zeros(shape, dtype or floatx()), dtype, name)


def ones(shape, dtype=None, name=None):
    """A variable of ones; `floatx()` by default."""
    return variable(ops.ones(shape, dtype or floatx()), dtype, name)


def eye(size, dtype=None, name=None):
    """The identity matrix as a variable; `floatx()` by default."""
    return variable(ops.eye(size, dtype=dtype or floatx()), dtype, name)


def arange(start, stop=None, step=1, dtype="int32"):
    """Numbers from `start` (0 if only one is given) up to, without, `stop`."""
    return ops.arange(start, stop, step, dtype=dtype)


def dtype(x):
    """The name of an array's dtype."""
    return ops.dtype(x)


def cast_to_floatx(x):
    """`x` in the default float dtype; NumPy values stay NumPy."""
    return (
        np.asarray(x, floatx())
        if isinstance(x, np.ndarray | list | tuple | int | float)
        else ops.cast(x, floatx())
    )


def count_params(x):
    """The number of elements."""
    return math.prod(x.shape)


def get_value(x):
    """An array or variable as NumPy."""
    return ops.convert_to_numpy(x)


def eval(x):
    """An array or variable as NumPy."""
    return ops.convert_to_numpy(x)


def batch_get_value(tensors):
    """Arrays or variables as NumPy, one for each."""
    return [ops.convert_to_numpy(x) for x in tensors]


def set_value(x, value):
    """Gives a variable a new value of the same shape."""
    x.assign(value)


def batch_set_value(tuples):
    """Gives variables new values: pairs (variable, value)."""
    for x, value in tuples:
        x.assign(value)


def update(x, new_x):
    """Gives a variable a new value."""
    return x.assign(new_x)


def update_add(x, increment):
    """Adds to a variable."""
    return x.assign_add(increment)


def update_sub(x, decrement):
    """Subtracts from a variable."""
    return x.assign_sub(decrement)


def moving_average_update(x, value, momentum):
    """Moves a variable towards a value: `momentum * x + (1 - momentum) * value`."""
    return x.assign(x * momentum + ops.cast(value, x.dtype) * (1 - momentum))
