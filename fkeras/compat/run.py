"""Runs a script, a module or a notebook as Python itself would.

That is its `__main__`, `sys.argv`, `sys.path`, exit code and traceback.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import traceback
import types
from typing import TYPE_CHECKING, Any

from fkeras.compat import importers, notebooks
from fkeras.compat.notebook_shell import Shell
from fkeras.compat.notebooks import CannotRunError as CannotRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.machinery import ModuleSpec
    from types import CodeType, TracebackType


def run_script(path: str, arguments: list[str]) -> None:
    """Like `python path arguments...`; of a notebook (`.ipynb`) the code cells, one by one.

    Raises:
        CannotRunError: there is no such file, or it is no notebook.
    """
    filename = os.path.abspath(path)
    try:
        with io.open_code(filename) as file:
            source = file.read()
    except OSError as error:
        raise CannotRunError(
            f"can't open file {filename!r}: [Errno {error.errno}] {error.strerror}", 2
        ) from None
    # Python puts the folder of the script first, unless it is told not to (-P).
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(filename))
    importers.count_as_own(filename)
    if filename.endswith(".ipynb"):
        # Python's own hook looks for the lines of a cell in a file.
        sys.excepthook = traceback.print_exception
        shell = Shell()
        _run(
            notebooks.compile_cells(source, filename, shell),
            [path, *arguments],
            display=print,
            get_ipython=lambda: shell,
        )
        return
    _run(
        _compiled(lambda: compile(source, filename, "exec", dont_inherit=True)),
        [path, *arguments],
        __file__=filename,
        __loader__=importlib.machinery.SourceFileLoader("__main__", filename),
    )


def _compiled(compile_code: Callable[[], CodeType]) -> Iterator[CodeType]:
    """Code that is compiled when it is about to run, so that a syntax error is the script's."""
    yield compile_code()


def run_module(name: str, arguments: list[str]) -> None:
    """Like `python -m name arguments...`; for a package, its `__main__`.

    Raises:
        CannotRunError: there is no such module, or it is a package without `__main__`.
    """
    spec = _find_spec(name)
    if spec.submodule_search_locations is not None:  # a package
        importers.count_as_own(next(iter(spec.submodule_search_locations)))
        reason = f"; {name!r} is a package and cannot be directly executed"
        spec = _find_spec(f"{name}.__main__", reason)
    elif spec.origin:
        importers.count_as_own(os.path.dirname(spec.origin) if "." in name else spec.origin)
    if not hasattr(spec.loader, "get_code"):
        raise CannotRunError(f"No code object available for {name}", 1)
    _run(
        _compiled(lambda: spec.loader.get_code(spec.name)),
        [spec.origin, *arguments],
        __file__=spec.origin,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
        __cached__=spec.cached,
    )


def _find_spec(name: str, reason: str = "") -> ModuleSpec:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:  # of a package above it, or in the code of one
        if error.name is None or not name.startswith(error.name):
            raise
        spec = None
    if spec is None:
        raise CannotRunError(f"No module named {name}{reason}", 1)
    return spec


def _run(codes: Iterable[CodeType], argv: list[str], **attributes: Any) -> None:
    """Runs one code after the other as `__main__`."""
    main = types.ModuleType("__main__")
    main.__dict__.update(
        {
            "__builtins__": builtins,
            "__package__": None,
            "__spec__": None,
            "__cached__": None,
            **attributes,
        }
    )
    sys.modules["__main__"] = main
    sys.argv[:] = argv
    try:
        for code in codes:
            exec(code, main.__dict__)  # noqa: S102  the user's script
    except BaseException:  # exits and interrupts, too
        _show_only_the_users_frames()
        raise


def _show_only_the_users_frames() -> None:
    show = sys.excepthook  # perhaps the script's own

    def shorter(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        _shorten(error, set())
        show(kind, error, error.__traceback__)

    sys.excepthook = shorter


def _shorten(error: BaseException | None, seen: set[int]) -> None:
    """Takes our frames out of an error and all that it hangs together with."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_our_frames(error.__traceback__)
    # Groups have errors of their own.
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        _shorten(other, seen)


def _without_our_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The chain less the frames of the import hook and of this runner, and less what started us."""
    entries: list[TracebackType] = []
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        # Python's own runner is part of a script's traceback only behind its frames.
        if not _is_ours(filename) and (entries or filename != "<frozen runpy>"):
            entries.append(traceback)
        traceback = traceback.tb_next
    for entry, following in zip(entries, [*entries[1:], None]):
        entry.tb_next = following
    return entries[0] if entries else None


def _is_ours(filename: str) -> bool:
    folder = os.path.dirname(__file__)
    command = os.path.join(os.path.dirname(folder), "__main__.py")
    return os.path.dirname(filename) == folder or filename == command
