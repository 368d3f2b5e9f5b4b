"""`Format`: what each format of files does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fkeras.saving.record import Layout, ModelRecord


class Format(Protocol):
    """A codec between records and files.

    Attributes:
        suffixes: of the paths that are of this format, such as `".keras"`; the empty string for
            paths without one.
        layout: how the arrays of the records that it writes are laid out.
        holds_models, holds_weights: whether whole models, or weights alone, are written so.
    """

    suffixes: tuple[str, ...]
    layout: Layout
    holds_models: bool
    holds_weights: bool

    def is_saved_at(self, path: Path) -> bool:
        """Whether there is something of this format at a path."""
        ...

    def write(self, record: ModelRecord, path: Path) -> None:
        """Writes a record as a whole, or leaves what stood at the path as it was.

        Raises:
            UserInputError: what stands there is something else than a saved model.
        """
        ...

    def read(self, path: Path) -> ModelRecord:
        """The record that was written.

        Raises:
            UserInputError: a file of a newer release, or a damaged one.
        """
        ...
