"""The words of fkeras's signatures: what an argument of a kind may be.

Names for what many functions take, so that a signature which says `axis: Axis | None` needs no
further explanation. `...Like` is what may be passed; the plain name is what comes back.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, Union

import jax
import numpy as np

if TYPE_CHECKING:  # these stand above this module, which only names them
    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.core.randomness.seed_generator import SeedGenerator
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.core.values.variable import Variable

T = TypeVar("T")

Scalar: TypeAlias = bool | int | float | complex | np.generic

# What an op computes with: arrays, Variables, Python numbers and lists of them; `TensorLike` may be
# symbolic too. `Tensor` is what an op returns: an array, or a `KerasTensor` for symbolic arguments.
ArrayLike: TypeAlias = Union[Scalar, jax.Array, np.ndarray, "Variable", Sequence["ArrayLike"]]
TensorLike: TypeAlias = Union[ArrayLike, "KerasTensor"]
Tensor: TypeAlias = jax.Array

# Lists, tuples and dicts of T, in each other: inputs, targets, states.
Nested: TypeAlias = T | Sequence["Nested[T]"] | Mapping[str, "Nested[T]"]
PyTree: TypeAlias = Any  # whatever `jax.tree` walks

Shape: TypeAlias = tuple[int | None, ...]  # None: a dimension that may vary
ShapeLike: TypeAlias = int | Sequence[int | None]
Axis: TypeAlias = int | Sequence[int]  # one axis or several; negative ones count from the end
DTypeLike: TypeAlias = str | type | np.dtype
DTypePolicyLike: TypeAlias = Union[DTypeLike, "DTypePolicy", Mapping[str, Any]]
DataFormat: TypeAlias = Literal["channels_last", "channels_first"]
SeedLike: TypeAlias = Union[int, "SeedGenerator", jax.Array, np.ndarray]
PathLike: TypeAlias = str | os.PathLike[str]

# What `get_config` returns, and what stands for an object: its name, its config, or itself.
Config: TypeAlias = dict[str, Any]
Identifier: TypeAlias = str | Mapping[str, Any] | Callable[..., Any]


def __dir__() -> list[str]:
    return sorted(__annotations__)  # the aliases, without what they are made of
