"""`CompileWatch`: counts the compilations of one `fit`, and says when they become many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.training.executables import Executables

_MANY = 3  # shapes that a training step may have been compiled for before it is worth a warning


class CompileWatch:
    """Is told of each batch of a new shape, before a step is compiled for it.

    Args:
        executables: which remember the shapes.
        max_compiles: how many compilations are meant to be enough; None for any number.
    """

    def __init__(self, executables: Executables, max_compiles: int | None = None) -> None:
        self._executables = executables
        self._max_compiles = max_compiles
        self._has_warned = False

    def on_new_shapes(self, kind: str, earlier: Sequence[tuple]) -> None:
        """Called with the shapes that this kind of step was compiled for before.

        Raises:
            UserInputError: where this is one compilation too many.
        """
        limit = self._max_compiles
        if limit is not None and self._executables.compilations > limit:
            raise UserInputError(
                f"`fit(max_compiles={limit})`: another step would be compiled, since the shapes of "
                f"a batch changed. Shapes so far: {self._shown(kind)}."
            )
        if len(earlier) >= _MANY and not self._has_warned:
            self._has_warned = True
            warn_user(
                "Each new shape of a batch compiles a new training step; this is number "
                f"{len(earlier) + 1}. Shapes so far: {self._shown(kind)}. Pad the batches to one "
                "shape."
            )

    def _shown(self, kind: str) -> str:
        return shown_shapes(self._executables.signatures[kind])


def shown_shapes(signatures: Sequence[tuple]) -> str:
    """The last shapes of batches as a short text."""
    return ", ".join(
        str([tuple(entry[0]) if isinstance(entry, tuple) else entry.__name__ for entry in batch])
        for batch in signatures[-4:]
    )
