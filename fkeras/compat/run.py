"""Runs a script or a module as Python itself would: its `__main__`, `sys.argv`, `sys.path`, exit
code and traceback.
"""

import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import types

from fkeras.compat import importers


class CannotRunError(Exception):
    """What was asked for cannot be run at all. The text is for the terminal; `status` is the exit
    code Python gives.
    """

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


def run_script(path: str, arguments: list[str]) -> None:
    """Like `python path arguments...`.

    Raises:
        CannotRunError: there is no such file.
    """
    where = os.path.abspath(path)
    try:
        with io.open_code(where) as file:
            source = file.read()
    except OSError as error:
        raise CannotRunError(
            f"can't open file {where!r}: [Errno {error.errno}] {error.strerror}", 2
        ) from None
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(where))
    importers.count_as_own(where)
    loader = importlib.machinery.SourceFileLoader("__main__", where)
    _run(
        lambda: compile(source, where, "exec", dont_inherit=True),
        [path, *arguments],
        __file__=where,
        __loader__=loader,
    )


def run_module(name: str, arguments: list[str]) -> None:
    """Like `python -m name arguments...`; for a package, its `__main__`.

    Raises:
        CannotRunError: there is no such module, or it is a package without `__main__`.
    """
    spec = _spec(name)
    if spec.submodule_search_locations is not None:
        importers.count_as_own(next(iter(spec.submodule_search_locations)))
        spec = _spec(f"{name}.__main__", f"; {name!r} is a package and cannot be directly executed")
    elif spec.origin:
        importers.count_as_own(os.path.dirname(spec.origin) if "." in name else spec.origin)
    if not hasattr(spec.loader, "get_code"):
        raise CannotRunError(f"No code object available for {name}", 1)
    _run(
        lambda: spec.loader.get_code(spec.name),
        [spec.origin, *arguments],
        __file__=spec.origin,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
        __cached__=spec.cached,
    )


def _spec(name, why=""):
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        spec = None
    if spec is None:
        raise CannotRunError(f"No module named {name}{why}", 1)
    return spec


def _run(code, argv, **attributes):
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
    sys.modules["__main__"], sys.argv[:] = main, argv
    try:
        exec(code(), main.__dict__)  # noqa: S102  the user's script
    except BaseException:
        _show_only_the_users_frames()
        raise


def _show_only_the_users_frames():
    show = sys.excepthook  # perhaps the script's own

    def shorter(kind, error, traceback):
        _shorten(error, set())
        show(kind, error, error.__traceback__)

    sys.excepthook = shorter


def _shorten(error, seen):
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_our_frames(error.__traceback__)
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        _shorten(other, seen)


def _without_our_frames(traceback):
    """The chain less the frames of the import hook and of this runner, and less what started us."""
    kept = []
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if not _is_ours(filename) and (kept or filename != "<frozen runpy>"):
            kept.append(traceback)
        traceback = traceback.tb_next
    for entry, following in zip(kept, [*kept[1:], None]):
        entry.tb_next = following
    return kept[0] if kept else None


def _is_ours(filename):
    here = os.path.dirname(__file__)
    return os.path.dirname(filename) == here or filename == os.path.join(
        os.path.dirname(here), "__main__.py"
    )
