"""Random numbers, keyed by a `seed`.

A seed is an int, a `SeedGenerator`, a JAX key, or None for the generator of the call or of the
process.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config import registry
from fkeras.core.randomness.seed_generator import SeedGenerator as SeedGenerator
from fkeras.random.distributions import beta as beta
from fkeras.random.distributions import binomial as binomial
from fkeras.random.distributions import categorical as categorical
from fkeras.random.distributions import gamma as gamma
from fkeras.random.distributions import normal as normal
from fkeras.random.distributions import randint as randint
from fkeras.random.distributions import truncated_normal as truncated_normal
from fkeras.random.distributions import uniform as uniform
from fkeras.random.perturbations import dropout as dropout
from fkeras.random.perturbations import shuffle as shuffle

registry.add_builtins("keras.random", {"SeedGenerator": SeedGenerator})

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
