"""Paths that users write, and names that must stay inside of their folder."""

import os
import re
from typing import TypeAlias

FilePath: TypeAlias = str | os.PathLike[str]

_DRIVE = re.compile(r"[A-Za-z]:")


def reason_to_refuse(name: str) -> str | None:
    """Why a name that somebody else chose must not be joined to a folder.

    The rules are those of all systems at once, so that what is refused does not depend on where the
    code runs. Links are not looked at: who made the folder may have put links there.

    Args:
        name: relative name with `/` between its parts, such as `datasets/digits.npz`.

    Returns:
        The end of a sentence that begins with the name; None for a name that stays in the folder.

    Examples:
        >>> from fkeras.io.paths import reason_to_refuse
        >>> reason_to_refuse("../secrets")
        "has a part '..', which leaves the folder"
        >>> print(reason_to_refuse("datasets/digits.npz"))
        None
    """
    if "\0" in name:
        return "has a zero byte in its name"
    if "\\" in name:
        return "has a backslash in its name, which separates folders on some systems"
    if name.startswith("/"):
        return "has an absolute name"
    if any(_DRIVE.match(part) for part in name.split("/")):
        return "has a part that begins with a drive letter"
    if ".." in name.split("/"):
        return "has a part '..', which leaves the folder"
    return None


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a name, without empty ones and without `.`.

    Examples:
        >>> from fkeras.io.paths import parts_of
        >>> parts_of("./images//cat.png")
        ('images', 'cat.png')
    """
    return tuple(part for part in name.split("/") if part not in ("", "."))
