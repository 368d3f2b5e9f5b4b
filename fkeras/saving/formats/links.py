"""Links in directories that may come from strangers."""

from __future__ import annotations

import os
from pathlib import Path

from fkeras.errors import UnsafeFileError


def refuse_links(directory: Path) -> None:
    """Refuses a directory with a link somewhere below it, which could lead to any file.

    Raises:
        UnsafeFileError: names the link.
    """
    for parent, folders, files in os.walk(directory):
        for name in (*folders, *files):
            if os.path.islink(os.path.join(parent, name)):
                raise UnsafeFileError(
                    f"'{directory}' is refused: '{name}' is a link to somewhere else. Models need "
                    "none: do not trust this directory."
                )
