"""Whether two structures match."""

from __future__ import annotations

import warnings

from fkeras.errors import UserInputError
from fkeras.tree.flattening import flatten_with_path
from fkeras.tree.nodes import children_like, children_of, is_nested
from fkeras.types import PyTree


def assert_same_structure(a: PyTree, b: PyTree, check_types: bool | None = None) -> None:
    """Raises `UserInputError` unless both have nodes of the same types, sizes and keys.

    All kinds of dict count as the same type.

    Args:
        a, b: any nested structures.
        check_types: has no effect, kept for old code.
    """
    if check_types is not None:
        warnings.warn(
            "`check_types` no longer has any effect, please remove it. To compare paths only: "
            "`fkeras.tree.assert_same_paths()`.",
            DeprecationWarning,
            stacklevel=2,
        )
    _compare(a, b)


def _compare(a: PyTree, b: PyTree) -> None:
    """Raises where the two differ, child by child."""
    if is_nested(a):
        for pair in zip(children_of(a), children_like(a, b), strict=True):
            _compare(*pair)
    elif is_nested(b):
        raise UserInputError(
            f"Structures don't have the same nested structure. Expected: a leaf ({a!r}). Received: "
            f"{b!r}."
        )


def assert_same_paths(a: PyTree, b: PyTree) -> None:
    """Raises `UserInputError` unless both have their leaves at the same indices and keys.

    The types of the nodes do not matter.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.assert_same_paths([0, 1], (2, 3))
    """
    # As sets: dicts that were filled in another order have the same paths.
    in_a, in_b = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if in_a != in_b:
        lines = ["`a` and `b` don't have the same paths."]
        for first, second, paths in (("a", "b", in_a - in_b), ("b", "a", in_b - in_a)):
            if paths:
                lines.append(f"Paths in `{first}` missing in `{second}`:\n{paths}")
        raise UserInputError("\n".join(lines))
