"""What an Optax transformation sees of the blocks of a `Repeat`: each as parameters of its own.

A transformation is code that nobody can look into: whether it clips by the norm of a parameter or
factors its shape does not show. So the stack at `blocks/dense/kernel` of the tree of parameters is
given to it as `blocks_0/dense/kernel`, `blocks_1/dense/kernel`, ..., the paths that separate blocks
have, and its updates are stacked again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import optax

from fkeras.core.values.stacking import StackedName

if TYPE_CHECKING:
    from fkeras.types import PyTree


def separated(tree: PyTree) -> PyTree:
    """A tree of parameters with a dict for each block where blocks are stacked."""
    if not isinstance(tree, dict):
        return tree
    result: dict[str, Any] = {}
    for name, inner in tree.items():
        if not isinstance(name, StackedName):
            result[name] = separated(inner)
            continue
        for i in range(name.count):
            one = jax.tree.map(lambda x, i=i: x[i], inner)
            result[name.of_block(i)] = separated(one)
    return result


def stacked_like(tree: PyTree, like: PyTree) -> PyTree:
    """The inverse of `separated`.

    Args:
        tree: what `separated` made, or a tree of its structure.
        like: what it made it of.
    """
    if not isinstance(like, dict):
        return tree
    result: dict[str, Any] = {}
    for name, inner in like.items():
        if not isinstance(name, StackedName):
            result[name] = stacked_like(tree[name], inner)
            continue
        blocks = [
            stacked_like(tree[name.of_block(i)], jax.tree.map(lambda x, i=i: x[i], inner))
            for i in range(name.count)
        ]
        result[name] = jax.tree.map(lambda *xs: jnp.stack(xs), *blocks)
    return result


def by_block(transformation: optax.GradientTransformation) -> optax.GradientTransformation:
    """The transformation, on trees in which blocks are stacked."""

    def init(params: PyTree) -> PyTree:
        return transformation.init(separated(params))

    def update(updates: PyTree, state: PyTree, params: PyTree, **arguments: Any) -> Any:
        told = {name: _of_blocks(value, params) for name, value in arguments.items()}
        changes, state = transformation.update(separated(updates), state, separated(params), **told)
        return stacked_like(changes, params), state

    return optax.GradientTransformationExtraArgs(init, update)


def _of_blocks(value: Any, params: PyTree) -> Any:
    """A further argument: a function of parameters (`value_fn`), a tree like them (`grad`), or what
    has nothing to do with them.
    """
    if isinstance(value, Callable):
        return lambda tree, *args, **kwargs: value(stacked_like(tree, params), *args, **kwargs)
    return separated(value)
