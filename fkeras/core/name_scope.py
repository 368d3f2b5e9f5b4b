"""`name_scope`: what the paths of variables start with."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fkeras.core import names
from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from typing import Self


class name_scope:  # noqa: N801  Keras's name
    """Context manager: the paths of variables made inside start with `name/`.

    Args:
        name: one part of a path, without `/`.
        caller: object on whose behalf the scope opens; one that opens the innermost scope again
            adds nothing.
        deduplicate: False adds the name all the same.
        override_parent: absolute path that takes the place of all outer scopes.

    Raises:
        UserInputError: `name` is no string, or holds a `/`.

    Examples:
        >>> import fkeras
        >>> with fkeras.name_scope("encoder"):
        ...     v = fkeras.Variable(0.0, name="scale")
        >>> v.path
        'encoder/scale'
    """

    def __init__(
        self,
        name: str,
        caller: object = None,
        deduplicate: bool = True,
        override_parent: str | None = None,
    ) -> None:
        if not isinstance(name, str) or "/" in name:
            raise UserInputError(
                "Argument `name` must be a string and cannot contain character `/`. Received: "
                f"name={name}"
            )
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent
        self._opened: list[contextlib.ExitStack] = []  # one object may be entered in itself

    def __enter__(self) -> Self:
        scope = (self.name, self.caller)
        is_open = self.caller is not None and _innermost.value == scope
        stack = contextlib.ExitStack()
        if not (self.deduplicate and is_open):
            stack.enter_context(names.scope(self.name, self.override_parent))
        stack.enter_context(_innermost.inside(scope))
        self._opened.append(stack)
        return self

    def __exit__(self, *exc: object) -> None:
        self._opened.pop().close()


# The name and the caller of the innermost scope.
_innermost: Scoped[tuple[str, object] | None] = Scoped(None)
