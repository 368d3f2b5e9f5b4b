"""What the random initializers share: a seed, and numbers from the block generator."""

import jax.numpy as jnp
import numpy as np

from fkeras.core.config import serialization
from fkeras.core.randomness import first_values
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.errors import UserInputError
from fkeras.initializers.initializer import Initializer


class RandomInitializer(first_values.BlockDrawn, Initializer):
    """An initializer that draws. A subclass names the `kind` of numbers and shapes them in
    `shaped(numbers, shape, dtype)`.

    Called by hand, an initializer with an int seed or none gives the same values at each call, one
    with a `SeedGenerator` new ones. The numbers are not those that Keras draws from the same seed;
    their distribution is.

    Args:
        seed: int: the same values in every weight. `SeedGenerator`: from its seed and the weight's
            place in the model. None: from the model's seed and the weight's place.
    """

    def __init__(self, seed=None):
        if isinstance(seed, dict):
            seed = serialization.deserialize_keras_object(seed)
        if isinstance(seed, np.integer):
            seed = int(seed)
        if seed is not None and (
            isinstance(seed, bool) or not isinstance(seed, (int, SeedGenerator))
        ):
            raise UserInputError(
                f"{type(self).__name__}: `seed` argument should be a "
                f"`fkeras.random.SeedGenerator`, an integer or None. Received: seed={seed!r}"
            )
        self.seed = seed

    def finish(self, numbers, shape, dtype):
        if "float" not in str(dtype):
            raise UserInputError(
                f"{type(self).__name__} draws real numbers and needs a floating point `dtype`. "
                f"Received: dtype={dtype}"
            )
        return self.shaped(numbers, shape, dtype).reshape(shape).astype(jnp.dtype(dtype))

    def shaped(self, numbers, shape, dtype):
        """float32 values of the weight from numbers of the kind, both with as many elements as
        `shape`.
        """
        raise NotImplementedError

    def get_config(self):
        return {"seed": serialization.serialize_keras_object(self.seed)}
