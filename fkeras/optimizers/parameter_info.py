"""What an optimizer knows of each parameter beside its value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import jax
import jax.numpy as jnp

from fkeras.core import user_code
from fkeras.core.values import lending, stacking, stand_ins
from fkeras.core.values.variable import Variable

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.types import ArrayLike, PyTree

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class ParameterInfo:
    """One parameter as an optimizer sees it: all but its value.

    Args:
        path: place and name, such as `'dense/kernel'`.
        name: its own name, such as `'kernel'`.
        shape: tuple of ints.
        dtype: name of a dtype.
        overwrite: the "gradient" is the new value itself (float8 scales).
        decays: whether weight decay applies.
        constraint: function of the new value, applied after each update; None for none.
        blocks: sizes of the leading axes of `shape` that count the blocks of a `Repeat`. A rule is
            given each block as a parameter of its own.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    overwrite: bool = False
    decays: bool = True
    constraint: Callable[[jax.Array], ArrayLike] | None = None
    blocks: tuple[int, ...] = ()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def of_block(self) -> ParameterInfo:
        """What a rule is told: of one block where there are several."""
        if not self.blocks:
            return self
        return dataclasses.replace(self, shape=self.shape[len(self.blocks) :], blocks=())

    def over_blocks(self, function: Callable[..., T]) -> Callable[..., T]:
        """A function of one block's values as one of this parameter's: each block by itself."""
        return stacking.over_blocks(function, len(self.blocks))

    def constrained(self, value: jax.Array) -> jax.Array:
        """The new value as the constraint wants it, in its own dtype."""
        if self.constraint is None:
            return value
        projected = user_code.call(
            self.over_blocks(self.constraint), self._describe_constraint, value
        )
        return jnp.asarray(projected, value.dtype)

    def _describe_constraint(self) -> str:
        return f"Constraint of weight '{self.path}'"

    def with_decay(self, decays: bool) -> ParameterInfo:
        """The same, with weight decay on or off."""
        if self.decays == bool(decays):
            return self
        return dataclasses.replace(self, decays=bool(decays))


def parameter_info_of(variable: nnx.Variable, decays: bool = True) -> ParameterInfo:
    """The `ParameterInfo` of a Variable, or of any `nnx.Variable`."""
    if isinstance(variable, Variable):
        shape = tuple(variable.shape)
        return ParameterInfo(
            path=variable.path,
            name=variable.name,
            shape=shape,
            dtype=variable._meta.dtype,
            overwrite=bool(variable.overwrite_with_gradient),
            decays=decays,
            constraint=variable.constraint,
            blocks=shape[: stacking.count_block_axes(variable)],
        )
    # Of a module that was not made with fkeras.
    # For shape and dtype alone: past the scopes, so that no step takes the value for a constant.
    path, value = lending.path_of(variable), stand_ins.own_value(variable)
    return ParameterInfo(
        path=path,
        name=own_name(path),
        shape=tuple(value.shape),
        dtype=value.dtype.name,
        decays=decays,
    )


def parameter_infos_of_tree(params: PyTree) -> list[ParameterInfo]:
    """The `ParameterInfo` of each leaf of a tree of arrays; paths from its keys."""
    infos = []
    for key_path, value in jax.tree_util.tree_flatten_with_path(params)[0]:
        path = jax.tree_util.keystr(key_path, simple=True, separator="/")
        infos.append(
            ParameterInfo(
                path=path,
                name=own_name(path),
                shape=tuple(jnp.shape(value)),
                dtype=jnp.result_type(value).name,
            )
        )
    return infos


def own_name(path: str) -> str:
    """The last part of a path: `'kernel'` of `'dense/kernel'`."""
    return path.rsplit("/", 1)[-1]


def read_value(variable: nnx.Variable) -> jax.Array:
    """The value of a Variable, or of any `nnx.Variable`."""
    return variable._raw_value


def write_value(variable: nnx.Variable, value: ArrayLike) -> None:
    """Sets the value of a Variable, or of any `nnx.Variable`."""
    if isinstance(variable, Variable):
        variable.assign(value)
    else:
        variable._raw_value = jnp.asarray(value, variable._raw_value.dtype)
