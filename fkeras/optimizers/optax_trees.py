"""Between lists of parameters and the trees that an Optax transformation sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from jax.tree_util import KeyPath

    from fkeras.optimizers.state import Unflatten
    from fkeras.types import PyTree


def nested_by_path(paths: Sequence[tuple[str, ...]]) -> Unflatten:
    """A function from a list to nested dicts by the paths of the parameters.

    To the list itself where two paths are equal, or one is the beginning of another.
    """
    beginnings = {path[:length] for path in paths for length in range(1, len(path))}
    if len(set(paths)) < len(paths) or beginnings & set(paths):
        return list

    def nested(values: list) -> dict[str, Any]:
        tree: dict = {}
        for path, value in zip(paths, values):
            place = tree
            for part in path[:-1]:
                place = place.setdefault(part, {})
            place[path[-1]] = value
        return tree

    return nested


def name_of(path: KeyPath) -> str:
    """A Variable's name for a place in a transformation's state: `'0_mu_dense_kernel'`."""
    return jax.tree_util.keystr(path, simple=True, separator="_").replace("/", "_") or "state"


def flattener(unflatten: Unflatten, count: int) -> Callable[[PyTree], list]:
    """The inverse of a function from a list of `count` to a tree."""
    # A tree of positions says where each entry of the list went.
    positions_tree = unflatten(list(range(count)))
    treedef = jax.tree.structure(positions_tree)
    positions = treedef.flatten_up_to(positions_tree)

    def flatten(tree: PyTree) -> list:
        values = dict(zip(positions, treedef.flatten_up_to(tree)))
        return [values[i] for i in range(count)]

    return flatten
