"""From trees like the parameters to lists of their leaves, with errors that name paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from jax.tree_util import PyTreeDef

    from fkeras.types import PyTree


def flatten_like(treedef: PyTreeDef, tree: PyTree, what: str) -> list:
    """The parts of `tree` at the leaves of `treedef`; None and sparse arrays count as leaves.

    Args:
        treedef: structure of the parameters.
        tree: what should have that structure.
        what: the name of `tree`, for the error.

    Raises:
        UserInputError: another structure; lists the paths that differ.
    """
    try:
        return treedef.flatten_up_to(tree)
    except (ValueError, TypeError):
        raise UserInputError(
            f"{what} and the parameters are different structures. {_difference(treedef, tree)}"
        ) from None


def _difference(treedef: PyTreeDef, tree: PyTree) -> str:
    """What is missing in `tree` and what is too much, by paths."""
    expected = _paths(treedef.unflatten(range(treedef.num_leaves)))
    received = _paths(tree)
    missing = [path for path in expected if path not in received]
    extra = [path for path in received if path not in expected]
    if not missing and not extra:
        return (
            f"The paths agree, the containers do not: expected {treedef}, received "
            f"{jax.tree_util.tree_structure(tree)}."
        )
    return f"Missing: {missing or 'none'}. Not expected: {extra or 'none'}."


def _paths(tree: PyTree) -> list[str]:
    leaves = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda leaf: leaf is None)[0]
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
