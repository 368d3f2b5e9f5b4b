"""Initializers without random numbers."""

import jax.numpy as jnp
import numpy as np

from fkeras.core import placement
from fkeras.core.config import serialization
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import blocks, first_values
from fkeras.errors import UserInputError
from fkeras.initializers.initializer import Initializer


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

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        shape, own = first_values.as_shape(shape), np.shape(self.value)
        if own and own != shape:
            raise UserInputError(
                f"Expected `shape` to be {own} for an array as initializer. Received: shape={shape}"
            )
        return first_values.filled(shape, self.value, standardize_dtype(dtype))

    def get_config(self):
        return {"value": serialization.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        return cls(serialization.deserialize_keras_object(config["value"]))


class Zeros(Initializer):
    """0 everywhere."""

    def __call__(self, shape, dtype=None):
        return first_values.filled(first_values.as_shape(shape), 0, standardize_dtype(dtype))


class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape, dtype=None):
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

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        shape, dtype = first_values.as_shape(shape), standardize_dtype(dtype)
        if len(shape) != 2:
            raise UserInputError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        if blocks.on_host():
            return placement.place_weight((self.gain * np.eye(*shape)).astype(jnp.dtype(dtype)))
        return (self.gain * jnp.eye(*shape)).astype(dtype)

    def get_config(self):
        return {"gain": self.gain}
