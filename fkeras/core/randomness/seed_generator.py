"""`SeedGenerator`: random state that a custom layer can own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from fkeras.core import names
from fkeras.core.randomness import element_draws, key_scopes, process_generator, seeds
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.randomness.blocks import KeyData
    from fkeras.types import Config


class SeedGenerator:
    """A source of seeds for the functions of `fkeras.random`: each draw is a new one.

    In a pure call (`apply` with `rngs=`, a training step) its seeds come from the call's key and
    its place in the model, and nothing is written. In the function of a `Dataset.map` they follow
    from its own seed, the pass and the element, whichever thread computes it. Elsewhere it counts
    its own `state` forward, with the numbers of Keras.

    Args:
        seed: int in [0, 2**63), or None for one from the process's generator.
        name: None for an automatic name.
        stream: in a pure call with several keys, `apply(..., rngs={"noise": key, ...})`, the name
            of the one that it draws from; None, or a name that is not there, for "default".

    Raises:
        UserInputError: another seed.

    Examples:
        >>> import fkeras
        >>> gen = fkeras.random.SeedGenerator(seed=7)
        >>> a, b = fkeras.random.normal((2,), seed=gen), fkeras.random.normal((2,), seed=gen)
        >>> bool((a == b).any())
        False
    """

    _apart = frozenset(("name", "root"))  # see core/likeness.py

    def __init__(
        self,
        seed: int | None = None,
        name: str | None = None,
        *,
        stream: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise UserInputError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = name or names.auto_name("seed_generator")
        self._initial_seed = seed
        self.stream = stream
        if seed is None:
            seed = process_generator.make_default_seed()
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise UserInputError(f"Argument `seed` must be an integer. Received: seed={seed}")
        if seed < 0 or seed >= 2**63:
            raise UserInputError(f"Argument `seed` must be in [0, 2**63). Received: seed={seed}")
        self.root = int(seed) & 0xFFFFFFFF  # where its numbers start, whatever was drawn since
        with names.scope(self.name):
            self.state = Variable(
                np.array([self.root, 0], np.uint32),  # the seed, and how often it drew
                trainable=False,
                autocast=False,
                name="seed_generator_state",
                aggregation="none",
                kind="seed",
            )

    def next(self, ordered: bool = True) -> KeyData:
        """uint32[2] for one draw. `ordered` is kept for Keras's signature."""
        scoped = seeds.scoped_draw(self, self._initial_seed, self.stream)
        if scoped is not None:
            return scoped
        element = element_draws.present()
        if element is not None:
            return element.next(self, self.root)
        seed = self.state.value
        with key_scopes.counting(seed):
            self.state.assign(seed + jnp.array([0, 1], jnp.uint32))
        return seed

    def get_config(self) -> Config:
        config = {"seed": self._initial_seed, "name": self.name}
        return config if self.stream is None else {**config, "stream": self.stream}

    @classmethod
    def from_config(cls, config: Config) -> SeedGenerator:
        return cls(**config)
