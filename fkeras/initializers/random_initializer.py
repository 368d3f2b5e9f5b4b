"""What the random initializers share: a seed, and numbers from the block generator."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.config import serialization
from fkeras.core.randomness import first_values
from fkeras.errors import UserInputError
from fkeras.initializers.initializer import Initializer
from fkeras.random import SeedGenerator  # from the room that registers it, for configs

if TYPE_CHECKING:
    from fkeras.types import Config, SeedLike


# What the block generator draws: NumPy's where a value is made at once, else traced. float32, flat.
Numbers: TypeAlias = np.ndarray | jax.Array


class RandomInitializer(first_values.BlockDrawn, Initializer):
    """An initializer that draws.

    A subclass names the `kind` of numbers and shapes them in `shaped(numbers, shape, dtype)`.

    Called by hand, an initializer with an int seed or none gives the same values at each call, one
    with a `SeedGenerator` new ones. The numbers are not those that Keras draws from the same seed;
    their distribution is.

    Args:
        seed: int: the same values in every weight. `SeedGenerator`: from its seed and the weight's
            place in the model. None: from the model's seed and the weight's place.
    """

    def __init__(self, seed: SeedLike | None = None) -> None:
        if isinstance(seed, dict):  # the config of a `SeedGenerator`
            seed = serialization.deserialize_keras_object(seed)
        if isinstance(seed, np.integer):
            seed = int(seed)
        is_seed = isinstance(seed, (Integral, SeedGenerator)) and not isinstance(seed, bool)
        if seed is not None and not is_seed:
            raise UserInputError(
                f"{type(self).__name__}: `seed` argument should be a "
                f"`fkeras.random.SeedGenerator`, an integer or None. Received: seed={seed!r}"
            )
        self.seed = seed

    def finish(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> jax.Array:
        if "float" not in str(dtype):
            raise UserInputError(
                f"{type(self).__name__} draws real numbers and needs a floating point `dtype`. "
                f"Received: dtype={dtype}"
            )
        return self.shaped(numbers, shape, dtype).reshape(shape).astype(jnp.dtype(dtype))

    def shaped(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> Numbers:
        """float32 values of the weight, in any shape of as many elements as `shape`.

        Args:
            numbers: numbers of the `kind`, as many.
            shape: of the weight.
            dtype: the dtype that the values will be rounded to.
        """
        raise NotImplementedError

    def get_config(self) -> Config:
        return {"seed": serialization.serialize_keras_object(self.seed)}
