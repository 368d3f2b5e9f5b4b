"""Making, reading and updating variables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fkeras import ops
from fkeras.core.settings import floatx
from fkeras.core.values.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fkeras.types import ArrayLike, DTypeLike, Shape, Tensor, TensorLike


def variable(
    value: ArrayLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    constraint: Callable[[Tensor], Tensor] | None = None,
) -> Variable:
    """A `fkeras.Variable` with a value; `floatx()` by default."""
    return Variable(
        ops.convert_to_tensor(value, dtype or floatx()),
        dtype=dtype or floatx(),
        name=name,
        constraint=constraint,
    )


def constant(
    value: ArrayLike,
    dtype: DTypeLike | None = None,
    shape: Shape | None = None,
    name: str | None = None,
) -> Tensor:
    """An array of a value, spread over a shape if one is given; `floatx()` by default."""
    tensor = ops.convert_to_tensor(value, dtype or floatx())
    return tensor if shape is None else ops.broadcast_to(tensor, shape)


def zeros(shape: Shape, dtype: DTypeLike | None = None, name: str | None = None) -> Variable:
    """A variable of zeros; `floatx()` by default."""
    return variable(ops.zeros(shape, dtype or floatx()), dtype, name)


def ones(shape: Shape, dtype: DTypeLike | None = None, name: str | None = None) -> Variable:
    """A variable of ones; `floatx()` by default."""
    return variable(ops.ones(shape, dtype or floatx()), dtype, name)


def eye(size: int, dtype: DTypeLike | None = None, name: str | None = None) -> Variable:
    """The identity matrix as a variable; `floatx()` by default."""
    return variable(ops.eye(size, dtype=dtype or floatx()), dtype, name)


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike = "int32"
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to, without, `stop`."""
    return ops.arange(start, stop, step, dtype=dtype)


def dtype(x: TensorLike) -> str:
    """The name of an array's dtype."""
    return ops.dtype(x)


def cast_to_floatx(x: TensorLike) -> Tensor | np.ndarray:
    """`x` in the default float dtype; NumPy values stay NumPy."""
    if isinstance(x, np.ndarray | list | tuple | int | float):
        return np.asarray(x, floatx())
    return ops.cast(x, floatx())


def count_params(x: Tensor | Variable) -> int:
    """The number of elements."""
    return math.prod(x.shape)


def get_value(x: ArrayLike) -> np.ndarray:
    """An array or variable as NumPy's, which can be written to."""
    return np.array(ops.convert_to_numpy(x))


def eval(x: ArrayLike) -> np.ndarray:
    """An array or variable as NumPy's, which can be written to."""
    return np.array(ops.convert_to_numpy(x))


def batch_get_value(tensors: Sequence[ArrayLike]) -> list[np.ndarray]:
    """Arrays or variables as NumPy, one for each."""
    return [get_value(x) for x in tensors]


def set_value(x: Variable, value: ArrayLike) -> None:
    """Gives a variable a new value of the same shape."""
    x.assign(value)


def batch_set_value(tuples: Iterable[tuple[Variable, ArrayLike]]) -> None:
    """Gives variables new values: pairs (variable, value)."""
    for x, value in tuples:
        x.assign(value)


def update(x: Variable, new_x: ArrayLike) -> Variable:
    """Gives a variable a new value."""
    return x.assign(new_x)


def update_add(x: Variable, increment: ArrayLike) -> Variable:
    """Adds to a variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: ArrayLike) -> Variable:
    """Subtracts from a variable."""
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: ArrayLike, momentum: float) -> Variable:
    """Moves a variable towards a value: `momentum * x + (1 - momentum) * value`."""
    return x.assign(x * momentum + ops.cast(value, x.dtype) * (1 - momentum))
