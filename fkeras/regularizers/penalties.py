"""Penalties on size, and on likeness of rows or columns.

Integers count as floats; half precision is computed in float32 and rounded once.
"""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.ops.normalization import normalize
from fkeras.ops.tensors import as_float, widen
from fkeras.regularizers.regularizer import Regularizer

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config


def _factor(value: float, name: str) -> float:
    """The factor as a Python float, which configs can hold.

    Raises:
        UserInputError: negative or not finite.
    """
    if not isinstance(value, numbers.Real) or not math.isfinite(value) or value < 0:
        raise UserInputError(
            f"Invalid value for argument {name}: expected a non-negative float. Received: "
            f"{name}={value}"
        )
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2).

    Args:
        l1: factor of the absolute values; None is 0.
        l2: factor of the squares; None is 0.

    Raises:
        UserInputError: for a factor that is negative or not finite.

    Examples:
        >>> import fkeras
        >>> float(fkeras.regularizers.L1L2(l1=0.5, l2=0.25)(fkeras.ops.full((2,), 2.0)))
        4.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: ArrayLike) -> jax.Array:
        x = as_float(x)
        wide = widen(x)
        penalty = jnp.zeros((), wide.dtype)
        if self.l1:
            penalty += self.l1 * jnp.sum(jnp.abs(wide))
        if self.l2:
            penalty += self.l2 * jnp.sum(jnp.square(wide))
        return penalty.astype(x.dtype)

    def get_config(self) -> Config:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|).

    Args:
        l1: factor; None is 0.01.

    Raises:
        UserInputError: for a factor that is negative or not finite.
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: ArrayLike) -> jax.Array:
        x = as_float(x)
        return (self.l1 * jnp.sum(jnp.abs(widen(x)))).astype(x.dtype)

    def get_config(self) -> Config:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x^2).

    Args:
        l2: factor; None is 0.01.

    Raises:
        UserInputError: for a factor that is negative or not finite.

    Examples:
        >>> import fkeras
        >>> float(fkeras.regularizers.L2(2.0)(fkeras.ops.ones((5, 5))))
        50.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: ArrayLike) -> jax.Array:
        x = as_float(x)
        return (self.l2 * jnp.sum(jnp.square(widen(x)))).astype(x.dtype)

    def get_config(self) -> Config:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor * mean |cosine| over the pairs of a matrix's rows or columns; 0 without a pair.

    Args:
        factor: non-negative factor.
        mode: `'rows'` or `'columns'`. For a Dense kernel of shape (inputs, units), columns are the
            units' weights.

    Raises:
        UserInputError: for an unknown mode or an invalid factor; when called with an array of other
            than two axes.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.regularizers.OrthogonalRegularizer(0.5)(fkeras.ops.ones((3, 2)))), 3)
        0.5
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise UserInputError(
                'Invalid value for argument `mode`. Expected one of {"rows", "columns"}. '
                f"Received: mode={mode}"
            )
        self.mode = mode

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        x = as_float(inputs)
        if x.ndim != 2:
            raise UserInputError(
                "Inputs to OrthogonalRegularizer must have rank 2. Received: "
                f"inputs.shape={x.shape}"
            )
        # Rows of zeros stay zeros, with a finite gradient (Keras's is NaN).
        rows = normalize(widen(x if self.mode == "rows" else x.T), axis=1)
        count = rows.shape[0]
        # Each pair stands twice beside the diagonal, of which half is taken.
        off_diagonal = (rows @ rows.T) * (1 - jnp.eye(count, dtype=rows.dtype))
        pairs = max(1.0, count * (count - 1) / 2)  # 1 for a single row, whose sum is 0
        return (self.factor * 0.5 * jnp.sum(jnp.abs(off_diagonal)) / pairs).astype(x.dtype)

    def get_config(self) -> Config:
        return {"factor": self.factor, "mode": self.mode}
