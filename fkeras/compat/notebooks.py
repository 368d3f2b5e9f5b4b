"""The code of a notebook, without Jupyter: its code cells, without the commands of the notebook."""

from __future__ import annotations

import ast
import json
import linecache
import re
import traceback
from collections.abc import Iterator
from types import CodeType

from fkeras.compat.notebook_shell import Shell, note

# Of `%%` commands, those whose cell is code of Python all the same.
_TIMING = re.compile(r"%%(time|timeit|capture|prun)\b")
_WRITING = re.compile(r"%%(?:writefile|file)\b(?:\s+(-a|--append))?\s+(.+)")
_TIMED_LINE = re.compile(r"^(\s*)%time\s+(?=\S)")
_INDENT = re.compile(r"(?:[ \t]*\n)*([ \t]+)(?=\S)")
# `%command`, `!shell`, `?help`, `help?`, `x = !shell`, `x = %command`
_COMMAND = re.compile(r"^(\s*)([%!?]|[\w.]+\?\??\s*$|[\w, ]+=\s*[%!])")


class CannotRunError(Exception):
    """What was asked for cannot be run at all.

    Args:
        message: for the terminal.
        status: the exit code Python gives.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def compile_cells(
    text: str | bytes, filename: str, shell: Shell | None = None
) -> Iterator[CodeType]:
    """The code cells of a notebook, each compiled when it is its turn.

    Args:
        text: of the file, which is JSON.
        filename: its path; in a traceback a cell is `path[3]`, the third code cell.
        shell: is told of the commands that cells define; None for one of its own.

    Raises:
        CannotRunError: it is no notebook.
    """
    try:
        notebook = json.loads(text)
        # Before version 4, cells lay in a list of sheets.
        sheets = notebook["worksheets"] if "worksheets" in notebook else [notebook]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
    except (ValueError, KeyError, TypeError):
        raise CannotRunError(f"{filename!r} is not a notebook", 1) from None
    return _compile(cells, filename, shell or Shell())


def _compile(cells: list[dict], filename: str, shell: Shell) -> Iterator[CodeType]:
    sources = [cell for cell in cells if cell.get("cell_type") == "code"]
    for number, cell in enumerate(sources, 1):
        lines = cell.get("source", cell.get("input", ""))
        source = without_commands("".join(lines), number, shell)
        place = f"{filename}[{number}]"
        linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
        if not _may_fail(cell):
            yield compile(source, place, "exec", dont_inherit=True)
            continue
        try:
            yield compile(_going_on(source), place, "exec", dont_inherit=True)
        except SyntaxError:
            traceback.print_exc(limit=0)


def _may_fail(cell: dict) -> bool:
    """Whether a notebook fails here on purpose: its author saved it so, or tagged the cell."""
    tags = cell.get("metadata", {}).get("tags", ())
    outputs = {output.get("output_type") for output in cell.get("outputs", ())}
    return "raises-exception" in tags or not outputs.isdisjoint(("error", "pyerr"))


def _going_on(source: str) -> ast.Module:
    """The code, with errors shown instead of raised."""
    module = ast.parse(source)
    shown = ast.parse("try: pass\nexcept Exception: __import__('traceback').print_exc()")
    if module.body:
        shown.body[0].body = module.body
    return shown


def without_commands(source: str, number: int, shell: Shell) -> str:
    """A cell's code with `pass` in place of Jupyter's commands; what is left out is noted.
    `%time` and its kin leave their code, and `%%writefile` writes its file.

    Args:
        source: of the cell.
        number: of the cell, for the note.
        shell: runs the commands that the notebook defined.

    Examples:
        >>> without_commands("if x:\\n    !ls\\n    y = 1", 1, Shell())
        'if x:\\n    pass\\n    y = 1'
    """
    if indent := _INDENT.match(source):  # of the whole cell: Jupyter takes it off
        source = re.sub(f"^{indent[1]}", "", source, flags=re.MULTILINE)
    if source.lstrip().startswith("%%"):
        if own := shell.python_for(source.lstrip()):
            return own
        first, _, rest = source.lstrip().partition("\n")
        if writing := _WRITING.match(first):
            with open(writing[2].strip(), "a" if writing[1] else "w", encoding="utf-8") as file:
                file.write(rest)
            return ""
        if not _TIMING.match(first):
            note(f"cell {number}", first)
            return ""
        source = f"\n{rest}"
    lines = source.split("\n")
    # Only where Python fails: a line may begin with `%` inside of an expression or a text.
    while (failing := _failing_line(lines)) is not None:
        command = _COMMAND.match(lines[failing])
        if not command:
            break  # an error of the notebook's own, which running it shows
        if timed := _TIMED_LINE.match(lines[failing]):
            lines[failing] = timed[1] + lines[failing][timed.end() :]
            continue
        text, following = lines[failing].strip(), failing + 1
        while text.endswith("\\") and following < len(lines):
            text = f"{text[:-1].rstrip()} {lines[following].strip()}"
            lines[following] = ""
            following += 1
        own = shell.python_for(text)
        if own is None:
            note(f"cell {number}", text)
        lines[failing] = command[1] + (own or "pass")
    return "\n".join(lines)


def _failing_line(lines: list[str]) -> int | None:
    """The index of the line that is no Python; None where all are."""
    try:
        ast.parse("\n".join(lines))
    except SyntaxError as error:
        line = min((error.lineno or 1), len(lines)) - 1
        while line and not _COMMAND.match(lines[line]):
            line -= 1  # Python may notice it further down
        return line
    return None
