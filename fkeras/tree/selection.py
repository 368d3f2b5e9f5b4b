"""Parts of a tree of arrays by path: masks, labels, taking apart and putting together.

Made for `params`, nested dicts of arrays, and of use for any tree of JAX's. A path is made of keys,
such as `"encoder/dense/kernel"`. None stands where a part has nothing, as in Equinox: JAX counts it
as no leaf, so that parts go through `jit`, `grad` and Optax as they are.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.errors import UserInputError, UserTypeError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import PyTree

    # What is meant: a path with `*` and `?`, a function of path and leaf, a tree of bools that
    # begins as the tree does, or several of the first two.
    Where = str | Callable[[str, Any], bool] | Sequence[str | Callable[[str, Any], bool]] | PyTree


def path_mask(tree: PyTree, where: Where) -> PyTree:
    """True for the leaves that are meant, in the structure of the tree; for `optax.masked` and its
    like.

    Args:
        tree: nested dicts of arrays, or any tree of JAX's.
        where: a path, with `*`, `?` and `[...]` as in file names (`*` goes over slashes); one that
            leads to a subtree means all below it. Or a function `(path, leaf) -> bool`, or a list
            of these, of which one must hold. Or a tree of bools, which may end before `tree` does.

    Raises:
        UserInputError: no path fits, or the tree of bools is of another structure.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> params = {"encoder": {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)}, "scale": 1.0}
        >>> fkeras.tree.path_mask(params, ["*/kernel", "scale"])
        {'encoder': {'bias': False, 'kernel': True}, 'scale': True}
        >>> fkeras.tree.path_mask(params, lambda path, leaf: jnp.ndim(leaf) == 1)
        {'encoder': {'bias': True, 'kernel': False}, 'scale': False}
    """
    items = where if isinstance(where, (list, tuple)) else [where]
    if not all(isinstance(item, str) or callable(item) for item in items):
        return _filled_in(where, tree)
    leaves, structure = jax.tree_util.tree_flatten_with_path(tree)
    paths = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
    for item in items:
        if isinstance(item, str) and not any(fits(path, item) for path in paths):
            raise no_path_fits(item, paths)
    return jax.tree.unflatten(
        structure,
        [is_meant(path, leaf, items) for path, (_, leaf) in zip(paths, leaves)],
    )


def path_labels(tree: PyTree, labels: Mapping[str, Where], default: str | None = None) -> PyTree:
    """A label for each leaf, in the structure of the tree; for `optax.multi_transform`.

    Args:
        tree: as in `path_mask`.
        labels: label -> what gets it (see `path_mask`); the first that holds counts.
        default: the label of all others; None: there may be none.

    Raises:
        UserInputError: a leaf that no label is meant for.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> params = {"encoder": {"kernel": jnp.ones(2)}, "head": {"kernel": jnp.ones(2)}}
        >>> fkeras.tree.path_labels(params, {"slow": "encoder/*"}, default="fast")
        {'encoder': {'kernel': 'slow'}, 'head': {'kernel': 'fast'}}
    """
    masks = [path_mask(tree, where) for where in labels.values()]

    def label_of(path: Any, _: Any, *meant: bool) -> str:
        for label, is_one in zip(labels, meant):
            if is_one:
                return label
        if default is None:
            shown = jax.tree_util.keystr(path, simple=True, separator="/")
            raise UserInputError(
                f"path_labels: {shown!r} is none of {list(labels)}. Give `default=` a label."
            )
        return default

    return jax.tree_util.tree_map_with_path(label_of, tree, *masks)


def partition(tree: PyTree, where: Where) -> tuple[PyTree, PyTree]:
    """(the leaves that are meant, all others): two trees of the same structure, each with None
    where the other has a leaf. `combine` puts them together.

    Args:
        tree, where: see `path_mask`.

    Examples:
        >>> import fkeras, jax
        >>> params = {"encoder": {"kernel": 2.0}, "head": {"kernel": 3.0}}
        >>> head, fixed = fkeras.tree.partition(params, "head")
        >>> def loss(head):
        ...     whole = fkeras.tree.combine(head, fixed)
        ...     return whole["encoder"]["kernel"] * whole["head"]["kernel"]
        >>> jax.tree.map(float, jax.grad(loss)(head))
        {'encoder': {'kernel': None}, 'head': {'kernel': 2.0}}
    """
    mask = path_mask(tree, where)
    chosen = jax.tree.map(lambda is_meant, leaf: leaf if is_meant else None, mask, tree)
    others = jax.tree.map(lambda is_meant, leaf: None if is_meant else leaf, mask, tree)
    return chosen, others


def combine(*trees: PyTree) -> PyTree:
    """One tree from parts: at each place the first leaf that is not None.

    Raises:
        UserInputError: trees of different structures.
    """
    if not trees:
        raise UserInputError("combine: there is no tree.")
    try:
        return jax.tree.map(_first_that_is_there, *trees, is_leaf=_is_none)
    except (ValueError, TypeError) as error:
        raise UserInputError(
            "combine: the trees must have one structure, with None where a part has nothing, as "
            f"`partition` gives them. {error}"
        ) from error


def is_meant(path: str, leaf: Any, items: Sequence[str | Callable[[str, Any], bool]]) -> bool:
    """Whether a path fits one of several patterns, or a function says so."""
    return any(
        fits(path, item) if isinstance(item, str) else bool(item(path, leaf)) for item in items
    )


def fits(path: str, pattern: str) -> bool:
    """Whether a path, or one that it lies below, matches a pattern."""
    names = path.split("/")
    return any(
        fnmatch.fnmatchcase("/".join(names[:end]), pattern) for end in range(1, len(names) + 1)
    )


def no_path_fits(pattern: str, paths: Sequence[str]) -> UserInputError:
    """The error for a pattern that means nothing; the caller raises it."""
    known = list(paths)
    for path in paths:
        names = path.split("/")
        known += ["/".join(names[:end]) for end in range(1, len(names))]
    close = nearest(pattern.rstrip("/*"), known)
    hint = f"Near it: {close}." if close else f"There are: {sorted(paths)[:12]}."
    return UserInputError(f"No path fits {pattern!r}. {hint}")


def _filled_in(mask: PyTree, tree: PyTree) -> PyTree:
    """A tree of bools, which may end before the tree does, in the tree's own structure."""
    if not all(isinstance(leaf, (bool, np.bool_)) for leaf in jax.tree.leaves(mask)):
        raise UserTypeError(
            "`where` must be a path such as 'encoder/*', a function of path and leaf, a list of "
            f"these, or a tree of bools. Received: {mask!r}"
        )
    try:
        return jax.tree.map(
            lambda is_one, below: jax.tree.map(lambda _: bool(is_one), below), mask, tree
        )
    except (ValueError, TypeError) as error:
        raise UserInputError(f"The tree of bools does not fit the tree: {error}") from error


def _is_none(x: Any) -> bool:
    return x is None


def _first_that_is_there(*leaves: Any) -> Any:
    return next((leaf for leaf in leaves if leaf is not None), None)
