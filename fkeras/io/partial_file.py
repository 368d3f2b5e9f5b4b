"""The beginning of a file that is being downloaded, kept for the next try."""

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fkeras.io.atomic import move_into_place


class FileVersion(NamedTuple):
    """Which version of which file the bytes are of.

    Args:
        url: the address that they came from.
        size: of the whole file, in bytes.
        validator: the server's word for this version.
    """

    url: str
    size: int
    validator: str


class PartialFile:
    """The file `<name>.part` beside its place, and `<name>.part.json` that says of what it is.

    Args:
        place: where the complete file belongs.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self.path = place.with_name(f"{place.name}.part")
        self._notes = place.with_name(f"{place.name}.part.json")

    @property
    def length(self) -> int:
        """Bytes that are there; 0 where there is no file."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, url: str) -> FileVersion | None:
        """Of which version the bytes are, if more can be added to them.

        Args:
            url: the address that more would come from.

        Returns:
            None where that is not known, or they came from another address.
        """
        try:
            url_of_bytes, size, validator = json.loads(self._notes.read_text("utf-8"))
        except (OSError, ValueError, TypeError):  # none, or half written
            return None
        known = isinstance(size, int) and isinstance(validator, str)
        if not known or url_of_bytes != url or not 0 < self.length < size:
            return None
        return FileVersion(url, size, validator)

    @contextlib.contextmanager
    def writing(self, start: int, version: FileVersion | None) -> Generator[BinaryIO, None, None]:
        """Opens the file to add bytes. Those that arrived stay there, whatever happens next.

        Args:
            start: where the first new byte belongs; 0 writes it anew.
            version: of what they are; None where that cannot be known, and nothing can be added to
                them later.
        """
        if not start:
            self.discard()
            if version is not None:
                self._notes.write_text(json.dumps(version), "utf-8")
        with open(self.path, "ab" if start else "wb") as file:
            yield file

    def complete(self) -> None:
        """Moves the file to its place."""
        move_into_place(self.path, self._place)
        self._notes.unlink(missing_ok=True)

    def discard(self) -> None:
        """Removes the bytes and what is known of them."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
