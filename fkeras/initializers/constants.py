"""Initializers without random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import placement
from fkeras.core.config import serialization
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import blocks, first_values
from fkeras.errors import UserInputError
from fkeras.initializers.initializer import Initializer

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config, DTypeLike, ShapeLike


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a scalar; or an array, which then is the weight and must have its shape.

    Raises:
        UserInputError: when called with another shape than the array's.

    Examples:
        >>> import fkeras
        >>> fkeras.initializers.Constant(3.0)((2, 2)).tolist()
        [[3.0, 3.0], [3.0, 3.0]]
    """

    def __init__(self, value: ArrayLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None) -> jax.Array:
        # An array is the weight itself, and is not broadcast.
        shape, value_shape = first_values.as_shape(shape), np.shape(self.value)
        if value_shape and value_shape != shape:
            raise UserInputError(
                f"Expected `shape` to be {value_shape} for an array as initializer. Received: "
                f"shape={shape}"
            )
        return first_values.filled(shape, self.value, standardize_dtype(dtype))

    def get_config(self) -> Config:
        return {"value": serialization.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(serialization.deserialize_keras_object(config["value"]))


class Zeros(Initializer):
    """0 everywhere."""

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None) -> jax.Array:
        return first_values.filled(first_values.as_shape(shape), 0, standardize_dtype(dtype))


class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None) -> jax.Array:
        return first_values.filled(first_values.as_shape(shape), 1, standardize_dtype(dtype))


class Identity(Initializer):
    """The identity matrix; for weights with two axes.

    Args:
        gain: number on the diagonal.

    Raises:
        UserInputError: when called with a shape of other than two axes.

    Examples:
        >>> import fkeras
        >>> fkeras.initializers.Identity(2.0)((2, 3)).tolist()
        [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None) -> jax.Array:
        shape, dtype = first_values.as_shape(shape), standardize_dtype(dtype)
        if len(shape) != 2:
            raise UserInputError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        if blocks.on_host():  # NumPy has nothing to compile for a new shape
            return placement.place_weight((self.gain * np.eye(*shape)).astype(jnp.dtype(dtype)))
        return (self.gain * jnp.eye(*shape)).astype(dtype)

    def get_config(self) -> Config:
        return {"gain": self.gain}
