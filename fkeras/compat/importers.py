"""Who is importing: the user's own code, or a library?

Scripts get fkeras under the names `keras` and `tensorflow`. Libraries must go on seeing TensorFlow
as absent: TensorBoard, Transformers, Orbax and many others probe for it and would use far more of
it than there is.
"""

from __future__ import annotations

import functools
import os
import sys

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_OURSELVES = os.path.dirname(os.path.dirname(__file__)) + os.sep
_own: set[str] = set()  # installed files and folders that count as the user's code


def count_as_own(path: str) -> None:
    """A file, or a folder with all in it, is the user's code although it was installed.

    So it is with `-m` on an installed package.
    """
    path = os.path.abspath(path)
    if _is_installed(path):
        _own.add(path)
        kind_of.cache_clear()


def _is_installed(path: str) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(path.split(os.sep))


@functools.lru_cache(1024)
def kind_of(filename: str | None) -> str:
    """Whose code a file is: `'own'`, `'library'`, or `'standard'`.

    The standard library imports for others (`importlib`, `pkgutil`), so it does not decide.

    Args:
        filename: a module's `__file__`; None for a notebook, the interactive prompt, or code from a
            string.

    Examples:
        >>> kind_of("/home/me/train.py"), kind_of(None)
        ('own', 'own')
        >>> kind_of("/usr/lib/python3/dist-packages/tensorboard/main.py")
        'library'
    """
    if filename is None:
        return "own"
    path = os.path.abspath(filename)
    if any(path == own or path.startswith(own + os.sep) for own in _own):
        return "own"
    # fkeras's own rooms must go on seeing TensorFlow as absent, wherever they are installed.
    if path.startswith(_OURSELVES) or _is_installed(path):
        return "library"
    return "standard" if path.startswith(_STANDARD_LIBRARY) else "own"


def own_code_asks(depth: int = 2) -> bool:
    """Whether the import in progress was written in the user's code.

    The nearest frame outside the standard library decides.

    Args:
        depth: frames of this function and of the import hook.
    """
    frame = sys._getframe(depth)
    while frame is not None:
        # Python's own import machinery is frozen code.
        if not frame.f_code.co_filename.startswith("<frozen"):
            kind = kind_of(frame.f_globals.get("__file__"))
            if kind != "standard":
                return kind == "own"
        frame = frame.f_back
    return True
