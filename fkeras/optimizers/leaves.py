"""What an optimizer knows of each parameter, and moving between trees of parameters and plain lists
of their leaves.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One parameter as an optimizer sees it: all but its value.

    Args:
        path: place and name, such as `'dense/kernel'`.
        name: its own name, such as `'kernel'`.
        shape: tuple of ints.
        dtype: name of a dtype.
        overwrite: the "gradient" is the new value itself (float8 scales).
        decays: whether weight decay applies.
        constraint: function of the new value, applied after each update; None for none.
    """

    path: str
    name: str
    shape: tuple
    dtype: str
    overwrite: bool = False
    decays: bool = True
    constraint: Callable | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)


@dataclasses.dataclass(frozen=True)
class Slot:
    """One value that an optimizer keeps for a parameter: shape, dtype, and what it starts as (a
    number, or a function of the parameter).
    """

    shape: tuple
    dtype: str
    fill: float | Callable = 0.0

    def first_value(self, param):
        if callable(self.fill):
            return self.fill(param)
        if isinstance(param, jax.Array) and param.shape == self.shape:
            return jax.lax.full_like(
                param, self.fill, dtype=self.dtype
            )  # keeps the sharding of the parameter
        return jnp.full(self.shape, self.fill, self.dtype)


def leaf_of(variable, decays: bool = True) -> Leaf:
    """The `Leaf` of a Variable, or of any `nnx.Variable`."""
    if isinstance(variable, Variable):
        return Leaf(
            variable.path,
            variable.name,
            tuple(variable.shape),
            variable._meta.dtype,
            bool(variable.overwrite_with_gradient),
            decays,
            variable.constraint,
        )
    path, value = lending.path_of(variable), read(variable)
    return Leaf(
        path, path.rsplit("/", 1)[-1], tuple(value.shape), value.dtype.name, False, decays, None
    )


def with_decay(leaf: Leaf, decays) -> Leaf:
    """The same leaf, with weight decay on or off."""
    return leaf if leaf.decays == bool(decays) else dataclasses.replace(leaf, decays=bool(decays))


def read(variable):
    """The value of a Variable, or of any `nnx.Variable`."""
    return variable._raw_value


def write(variable, value) -> None:
    """Sets the value of a Variable, or of any `nnx.Variable`."""
    if isinstance(variable, Variable):
        variable.assign(value)
    else:
        variable._raw_value = jnp.asarray(value, variable._raw_value.dtype)


def leaves_of(params) -> list[Leaf]:
    """The `Leaf` of each leaf of a tree of arrays; paths from its keys."""
    found = []
    for path, value in jax.tree_util.tree_flatten_with_path(params)[0]:
        text = jax.tree_util.keystr(path, simple=True, separator="/")
        found.append(
            Leaf(
                text, text.rsplit("/", 1)[-1], tuple(jnp.shape(value)), jnp.result_type(value).name
            )
        )
    return found


def flatten_like(treedef, tree, what: str) -> list:
    """The parts of `tree` at the leaves of `treedef`; None and sparse arrays count as leaves.

    Raises:
        UserInputError: another structure; lists the paths that differ.
    """
    try:
        return treedef.flatten_up_to(tree)
    except (ValueError, TypeError):
        raise UserInputError(
            f"{what} and the parameters are different structures. {_difference(treedef, tree)}"
        ) from None


def _difference(treedef, tree) -> str:
    def paths(x):
        flat = jax.tree_util.tree_flatten_with_path(x, is_leaf=lambda v: v is None)[0]
        return [jax.tree_util.keystr(p, simple=True, separator="/") for p, _ in flat]

    want, got = paths(treedef.unflatten(range(treedef.num_leaves))), paths(tree)
    missing, extra = [p for p in want if p not in got], [p for p in got if p not in want]
    if not missing and not extra:
        return f"The paths agree, the containers do not: expected {treedef}, received {jax.tree_util.tree_structure(tree)}."
    return f"Missing: {missing or 'none'}. Not expected: {extra or 'none'}."


def dense_gradients(owner: str, grads: list, leaves) -> list:
    """Gradients as arrays, sparse ones made dense, None kept.

    Raises:
        UserInputError: shapes or dtypes that cannot be gradients of these parameters; lists them
            all.
    """
    made: list[Any] = []
    wrong = []
    for g, leaf in zip(grads, leaves, strict=True):
        if g is None:
            made.append(None)
            continue
        if getattr(g, "dtype", None) in (bool, jax.dtypes.float0):
            wrong.append(f"{leaf.path!r}: dtype {g.dtype} is no number")
            continue
        g = g.todense() if hasattr(g, "todense") else jnp.asarray(getattr(g, "value", g))
        if g.shape != leaf.shape:
            wrong.append(f"{leaf.path!r}: gradient {tuple(g.shape)}, parameter {leaf.shape}")
        made.append(
            g if jnp.issubdtype(g.dtype, jnp.inexact) or leaf.overwrite else g.astype(leaf.dtype)
        )
    if wrong:
        raise UserInputError(
            f"{owner}: gradients must be numbers, of the shapes of their parameters. "
            + "; ".join(wrong)
        )
    return made
