"""`Dot`: a model in the language of graphviz, as text and as pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from html import escape
from pathlib import Path

from fkeras.diagrams.boxes import Box, Group
from fkeras.diagrams.drawing import to_pixels, to_svg
from fkeras.diagrams.layout import Picture, lay_out
from fkeras.errors import UserInputError
from fkeras.io import replacing_file

_TEXT_FORMATS = ("dot", "gv", "raw")
_BY_PILLOW = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "gif": "GIF", "pdf": "PDF", "bmp": "BMP"}
_COLOURS = {True: "forestgreen", False: "firebrick"}


class Dot:
    """A picture of a model. `str()` and `to_string` give the text for graphviz.

    Pictures are drawn by graphviz where its program `dot` is installed; SVG also without it, and
    PNG, JPEG and PDF without it by Pillow.

    Args:
        group: what is shown.
        rankdir: which way arrows lead: 'TB', 'BT', 'LR' or 'RL'.
        dpi: pixels per inch.
        splines: how graphviz draws lines.
        is_part: whether the text is that of a part of a graph.
    """

    def __init__(
        self, group: Group, rankdir: str, dpi: float, splines: str, is_part: bool = False
    ) -> None:
        self._group = group
        self._rankdir = rankdir
        self._dpi = dpi
        self._splines = splines
        self._is_part = is_part

    def to_string(self) -> str:
        """The text for graphviz."""
        if self._is_part:
            return "\n".join(_cluster(self._group, self._group.key, "")) + "\n"
        lines = [
            "digraph G {",
            f"  rankdir={self._rankdir};",
            "  concentrate=true;",
            f"  dpi={self._dpi};",
            f"  splines={_quoted(self._splines)};",
            "  node [shape=record];",
            *_statements(self._group, "  "),
            "}",
        ]
        return "\n".join(lines) + "\n"

    __str__ = to_string

    def create(self, prog: str = "dot", format: str = "png") -> bytes:
        """The picture as the content of a file.

        Args:
            prog: graphviz's program: 'dot', 'neato', ...
            format: 'svg', 'png', 'pdf', 'dot' (the text), or another one of graphviz.

        Raises:
            ImportError: graphviz is not installed, nor is what would draw the format without it.
            UserInputError: graphviz refused.
        """
        format = format.lower()
        if format in _TEXT_FORMATS:
            return self.to_string().encode()
        program = shutil.which(prog)
        if format == "svg" and (prog == "dot" or program is None):
            return to_svg(self._picture(), self._group.title).encode()
        if program is not None:
            return _run(program, format, self.to_string())
        if format not in _BY_PILLOW:
            raise ImportError(
                f"A picture as '{format}' needs graphviz, whose program '{prog}' was not found: "
                "see https://graphviz.org/download, or write an '.svg' file, which needs nothing."
            )
        return to_pixels(self._picture(), _BY_PILLOW[format], self._dpi)

    def write(
        self, path: str | os.PathLike[str], prog: str = "dot", format: str | None = None
    ) -> bool:
        """Writes the picture to a file.

        Args:
            path: the file.
            prog, format: see `create`; None for the format of the file's suffix.

        Returns:
            True.
        """
        content = self.create(prog, format or Path(path).suffix[1:] or "png")
        with replacing_file(path) as temporary:
            temporary.write_bytes(content)
        return True

    def create_svg(self) -> bytes:
        """The picture as SVG."""
        return self.create(format="svg")

    def create_png(self) -> bytes:
        """The picture as PNG."""
        return self.create(format="png")

    def write_svg(self, path: str | os.PathLike[str]) -> bool:
        """Writes the picture as SVG."""
        return self.write(path, format="svg")

    def write_png(self, path: str | os.PathLike[str]) -> bool:
        """Writes the picture as PNG."""
        return self.write(path, format="png")

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.create_svg().decode()

    def _picture(self) -> Picture:
        return lay_out(self._group, self._rankdir)


def _run(program: str, format: str, text: str) -> bytes:
    done = subprocess.run([program, f"-T{format}"], input=text.encode(), capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise UserInputError(f"graphviz did not draw the model as '{format}': {said}")
    return done.stdout


def _statements(group: Group, indent: str) -> Iterator[str]:
    for member in group.members:
        if isinstance(member, Group):
            yield from _cluster(member, member.key, indent)
        else:
            yield f"{indent}{_quoted(member.key)} [label={_label(member)}, margin=0];"
    for start, end in group.arrows:
        yield f"{indent}{_quoted(start)} -> {_quoted(end)} [penwidth=2];"


def _cluster(group: Group, key: str, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {_quoted(f'cluster_{key}')} {{"
    yield f"{indent}  style=dashed; label={_quoted(group.title)}; labeljust=l;"
    yield from _statements(group, indent + "  ")
    yield f"{indent}}}"


def _label(box: Box) -> str:
    """A table, as graphviz draws it inside of a box."""
    cells = [f"<td>{escape(label)}: <b>{escape(value)}</b></td>" for label, value in box.cells]
    if box.trainable is not None:
        word = "Trainable" if box.trainable else "Non-trainable"
        colour = _COLOURS[box.trainable]
        cells.append(f'<td bgcolor="{colour}"><font color="white"><b>{word}</b></font></td>')
    span = f'colspan="{max(1, len(cells))}"'
    title = f'<font color="white"><b>{escape(box.title)}</b></font>'
    rows = [f'<td {span} bgcolor="black">{title}</td>']
    if box.activation:
        rows.append(f"<td {span}>Activation: <b>{escape(box.activation)}</b></td>")
    if cells:
        rows.append("".join(cells))
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<<table border="0" cellborder="1" bgcolor="white" cellpadding="8">{table}</table>>'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
