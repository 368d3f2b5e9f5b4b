"""A laid out picture as SVG, and as pixels by Pillow where it is installed."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Iterator
from xml.sax.saxutils import escape

from fkeras.data.pillow import load_pillow
from fkeras.diagrams.boxes import Box
from fkeras.diagrams.layout import (
    CELL_HEIGHT,
    TITLE_HEIGHT,
    Picture,
    Point,
    texts_of_cells,
    width_of_cell,
)

_DARK, _LIGHT, _LINE = "#1f2937", "#ffffff", "#4b5563"
_COLOURS = {"Trainable": "#228b22", "Non-trainable": "#b22222"}
_FONT = 13
_PIXELS_PER_INCH = 96


@dataclasses.dataclass
class Rectangle:
    """A rectangle; `fill` None for an empty, dashed one."""

    left: float
    top: float
    width: float
    height: float
    fill: str | None


@dataclasses.dataclass
class Text:
    """A text around a middle."""

    x: float
    y: float
    text: str
    colour: str
    is_bold: bool = False


@dataclasses.dataclass
class Arrow:
    """A line through points with a head at its end."""

    points: list[Point]

    def head(self) -> list[Point]:
        """The corners of the head."""
        (x0, y0), (x, y) = self.points[-2:]
        angle = math.atan2(y - y0, x - x0)
        sides = [angle + math.pi - 0.4, angle + math.pi + 0.4]
        return [(x, y), *((x + 9 * math.cos(a), y + 9 * math.sin(a)) for a in sides)]


def shapes_of(picture: Picture) -> Iterator[Rectangle | Text | Arrow]:
    """What is to be drawn, what lies below first.

    Args:
        picture: with all places.
    """
    for title, left, top, width, height in picture.groups:
        yield Rectangle(left, top, width, height, None)
        yield Text(left + 8 + len(title) * 3.9, top + 13, title, _DARK)
    for points in picture.arrows:
        yield Arrow(points)
    for box, left, top, width, height in picture.boxes:
        yield from _shapes_of_box(box, left, top, width, height)


def _shapes_of_box(
    box: Box, left: float, top: float, width: float, height: float
) -> Iterator[Rectangle | Text]:
    yield Rectangle(left, top, width, TITLE_HEIGHT, _DARK)
    yield Text(left + width / 2, top + TITLE_HEIGHT / 2, box.title, _LIGHT, is_bold=True)
    row = top + TITLE_HEIGHT
    if box.activation:
        yield Rectangle(left, row, width, CELL_HEIGHT, _LIGHT)
        text = f"Activation: {box.activation}"
        yield Text(left + width / 2, row + CELL_HEIGHT / 2, text, _DARK)
        row += CELL_HEIGHT
    texts = texts_of_cells(box)
    needed = sum(map(width_of_cell, texts))
    for text in texts:
        share = width * width_of_cell(text) / needed
        yield Rectangle(left, row, share, CELL_HEIGHT, _COLOURS.get(text, _LIGHT))
        colour = _LIGHT if text in _COLOURS else _DARK
        yield Text(left + share / 2, row + CELL_HEIGHT / 2, text, colour)
        left += share


def to_svg(picture: Picture, title: str) -> str:
    """The picture as an SVG document.

    Args:
        picture: with all places.
        title: shown by readers for the whole.
    """
    width, height = math.ceil(picture.width), math.ceil(picture.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="{_FONT}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="{_LIGHT}"/>',
        *map(_element, shapes_of(picture)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _element(shape: Rectangle | Text | Arrow) -> str:
    if isinstance(shape, Rectangle):
        style = f'fill="{shape.fill}"' if shape.fill else 'fill="none" stroke-dasharray="5 4"'
        return (
            f'<rect x="{shape.left:.1f}" y="{shape.top:.1f}" width="{shape.width:.1f}" '
            f'height="{shape.height:.1f}" stroke="{_DARK}" {style}/>'
        )
    if isinstance(shape, Text):
        weight = ' font-weight="bold"' if shape.is_bold else ""
        return (
            f'<text x="{shape.x:.1f}" y="{shape.y + _FONT * 0.35:.1f}" fill="{shape.colour}" '
            f'text-anchor="middle"{weight}>{escape(shape.text)}</text>'
        )
    line, head = (
        " ".join(f"{x:.1f},{y:.1f}" for x, y in points) for points in (shape.points, shape.head())
    )
    return (
        f'<polyline points="{line}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>'
        f'<polygon points="{head}" fill="{_LINE}"/>'
    )


def to_pixels(picture: Picture, pillow_format: str, dpi: float) -> bytes:
    """The picture as a file of pixels.

    Args:
        picture: with all places.
        pillow_format: 'PNG', 'JPEG', 'PDF', ...
        dpi: pixels per inch.

    Raises:
        ImportError: Pillow is not installed.
        ValueError: Pillow does not write that format.
    """
    pillow = load_pillow("A picture of a model without graphviz")
    from PIL import ImageDraw, ImageFont

    scale = dpi / _PIXELS_PER_INCH
    size = (math.ceil(picture.width * scale), math.ceil(picture.height * scale))
    image = pillow.new("RGB", size, _LIGHT)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(_FONT * scale)
    line_width = max(1, round(scale))
    for shape in shapes_of(picture):
        if isinstance(shape, Rectangle):
            right, bottom = shape.left + shape.width, shape.top + shape.height
            corners = [value * scale for value in (shape.left, shape.top, right, bottom)]
            draw.rectangle(corners, fill=shape.fill, outline=_DARK, width=line_width)
        elif isinstance(shape, Text):
            place = (shape.x * scale, shape.y * scale)
            draw.text(place, shape.text, fill=shape.colour, font=font, anchor="mm")
        else:
            points, head = (
                [(x * scale, y * scale) for x, y in each] for each in (shape.points, shape.head())
            )
            draw.line(points, fill=_LINE, width=line_width)
            draw.polygon(head, fill=_LINE)
    file = io.BytesIO()
    image.save(file, format=pillow_format)
    return file.getvalue()
