"""What `get_ipython()` gives in a notebook that runs without Jupyter: its own commands."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from typing import Any


class Shell:
    """Runs the commands that a notebook defines itself (`@register_cell_magic`).

    All others belong to Jupyter or to the terminal, and are left out with a note.

    Examples:
        >>> shell = Shell()
        >>> shell.register_magic_function(lambda line: print(line.upper()), "line", "shout")
        >>> shell.python_for("%shout at me")
        "get_ipython().run_line_magic('shout', 'at me')"
        >>> shell.python_for("%matplotlib inline") is None
        True
    """

    def __init__(self) -> None:
        self._line_magics: dict[str, Callable] = {}
        self._cell_magics: dict[str, Callable] = {}

    def register_magic_function(
        self, func: Callable, magic_kind: str = "line", magic_name: str | None = None
    ) -> None:
        """Takes a command: IPython's decorators call this.

        Args:
            func: of the rest of the line, and for cells the text below it.
            magic_kind: "line", "cell" or "line_cell".
            magic_name: its name behind `%` or `%%`; None for the function's.
        """
        name = magic_name or func.__name__
        if "line" in magic_kind:
            self._line_magics[name] = func
        if "cell" in magic_kind:
            self._cell_magics[name] = func

    def python_for(self, command: str) -> str | None:
        """The Python that runs a command of the notebook's own; None for all others.

        Args:
            command: a line `%name rest`, or a cell that begins with `%%name rest`.
        """
        first, _, cell = command.partition("\n")
        name, _, rest = first.lstrip("%").partition(" ")
        if first.startswith("%%") and name in self._cell_magics:
            return f"get_ipython().run_cell_magic({name!r}, {rest.strip()!r}, {cell!r})"
        if not first.startswith("%%") and name in self._line_magics:
            return f"get_ipython().run_line_magic({name!r}, {rest.strip()!r})"
        return None

    def run_line_magic(self, magic_name: str, line: str) -> Any:
        """Runs `%name line`.

        Args:
            magic_name: without `%`.
            line: the rest.
        """
        if magic_name in self._line_magics:
            return self._line_magics[magic_name](line)
        return note("get_ipython()", f"%{magic_name} {line}".strip())

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Runs `%%name line` with the lines below it.

        Args:
            magic_name: without `%%`.
            line: the rest of its line.
            cell: the lines below.
        """
        if magic_name in self._cell_magics:
            return self._cell_magics[magic_name](line, cell)
        return note("get_ipython()", f"%%{magic_name} {line}".strip())

    def magic(self, arg_s: str) -> Any:
        """`run_line_magic` under its former name.

        Args:
            arg_s: `name rest`.
        """
        name, _, rest = arg_s.lstrip("%").partition(" ")
        return self.run_line_magic(name, rest)

    def system(self, cmd: str) -> None:
        """Leaves out a command of the terminal.

        Args:
            cmd: as one would type it.
        """
        note("get_ipython()", f"!{cmd}")

    def run_cell(self, raw_cell: str, **options: object) -> None:
        """Runs code among the notebook's names.

        Args:
            raw_cell: the code.
            **options: of IPython, without a meaning here.
        """
        place = f"<cell {hash(raw_cell):x}>"
        lines = raw_cell.splitlines(keepends=True)
        linecache.cache[place] = (len(raw_cell), None, lines, place)
        code = compile(raw_cell, place, "exec", dont_inherit=True)
        exec(code, vars(sys.modules["__main__"]))  # noqa: S102  the user's


def note(place: str, command: str) -> None:
    """Tells that a command was left out.

    Args:
        place: where it stands.
        command: as it stands there.
    """
    sys.stderr.write(f"fkeras: note: {place}: left out `{command}`\n")
