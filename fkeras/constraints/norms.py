"""Bounds on weights and on their norms. Integers count as floats where a norm is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.constraints.constraint import Constraint
from fkeras.core.settings import epsilon
from fkeras.ops.tensors import as_array, as_float, widen

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Axis, Config


def _norms(w: jax.Array, axis: Axis) -> jax.Array:
    """Norms in float32 at least: in half precision the squares overflow first."""
    # Configs hold lists, NumPy's functions want tuples.
    axes = tuple(axis) if isinstance(axis, list) else axis
    return jnp.sqrt(jnp.sum(jnp.square(widen(w)), axis=axes, keepdims=True))


class MaxNorm(Constraint):
    """Scales weights down to a norm of at most `max_value`.

    Args:
        max_value: largest norm.
        axis: axis, or list of axes, that a norm is taken over: 0 for the weights of each unit of a
            Dense kernel (inputs, units), [0, 1, 2] for each filter of a Conv2D kernel (rows,
            columns, inputs, filters).

    Examples:
        >>> import fkeras
        >>> fkeras.constraints.MaxNorm(1.0)(fkeras.ops.array([[3.0], [4.0]])).round(3)
        Array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: ArrayLike) -> jax.Array:
        w = as_float(w)
        norms = _norms(w, self.axis)
        # epsilon keeps weights of zeros: 0 / 0 would be NaN.
        factor = jnp.clip(norms, 0, self.max_value) / (epsilon() + norms)
        return (w * factor).astype(w.dtype)

    def get_config(self) -> Config:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """max(w, 0): weights below 0 become 0, the others stay. It takes no arguments.

    Examples:
        >>> import fkeras
        >>> fkeras.constraints.NonNeg()(fkeras.ops.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: ArrayLike) -> jax.Array:
        return jnp.maximum(as_array(w), 0)  # integers stay integers


class UnitNorm(Constraint):
    """Scales weights to norm 1. Weights that are all 0 stay so.

    Args:
        axis: axis, or list of axes, that a norm is taken over; see `MaxNorm`.

    Examples:
        >>> import fkeras
        >>> fkeras.constraints.UnitNorm()(fkeras.ops.array([[3.0], [4.0]])).round(3)
        Array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: ArrayLike) -> jax.Array:
        w = as_float(w)
        return (w / (epsilon() + _norms(w, self.axis))).astype(w.dtype)

    def get_config(self) -> Config:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Scales weights to a norm between two bounds, at once or by degrees.

    Args:
        min_value: smallest norm.
        max_value: largest norm.
        rate: how far a norm moves to its bound at each update; 1 is all the way.
        axis: axis, or list of axes, that a norm is taken over; see `MaxNorm`.

    Examples:
        >>> import fkeras
        >>> half_way = fkeras.constraints.MinMaxNorm(max_value=1.0, rate=0.5)
        >>> round(float(half_way(fkeras.ops.array([[5.0]]))[0, 0]), 3)
        3.0
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: ArrayLike) -> jax.Array:
        w = as_float(w)
        norms = _norms(w, self.axis)
        bounded = jnp.clip(norms, self.min_value, self.max_value)
        desired = self.rate * bounded + (1 - self.rate) * norms
        return (w * (desired / (epsilon() + norms))).astype(w.dtype)

    def get_config(self) -> Config:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }
