"""Places for boxes and arrows: rows by the longest way from the inputs, few crossings.

Groups are laid out first and count as one box then, so that nothing overlaps them. All is computed
from top to bottom; other directions turn the result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fkeras.diagrams.boxes import Box, Group

GAP, ROW_GAP, MARGIN = 24.0, 36.0, 12.0
TITLE_HEIGHT, CELL_HEIGHT, LETTER = 26.0, 24.0, 7.8
_SWEEPS = 6

Point = tuple[float, float]


@dataclasses.dataclass
class Picture:
    """Where everything is, in pixels.

    Args:
        width, height: of the whole.
        boxes: box, and its left, top, width, height.
        groups: title of a group, and its left, top, width, height.
        arrows: points from a box to another one.
    """

    width: float
    height: float
    boxes: list[tuple[Box, float, float, float, float]]
    groups: list[tuple[str, float, float, float, float]]
    arrows: list[list[Point]]


def size_of(box: Box) -> Point:
    """Width and height that a box needs for its texts.

    Args:
        box: the box.
    """
    lines = [box.title, f"Activation: {box.activation}" if box.activation else ""]
    below = sum(width_of_cell(text) for text in texts_of_cells(box))
    width = max(*(len(line) * LETTER + 24 for line in lines), below)
    rows = bool(box.activation) + bool(texts_of_cells(box))
    return width, TITLE_HEIGHT + rows * CELL_HEIGHT


def texts_of_cells(box: Box) -> list[str]:
    """What stands side by side in the last row of a box.

    Args:
        box: the box.
    """
    texts = [f"{label}: {value}" for label, value in box.cells]
    if box.trainable is not None:
        texts.append("Trainable" if box.trainable else "Non-trainable")
    return texts


def width_of_cell(text: str) -> float:
    """The width that a cell needs.

    Args:
        text: in it.
    """
    return len(text) * LETTER + 16


def lay_out(group: Group, rankdir: str) -> Picture:
    """Places of all that a model's picture shows.

    Args:
        group: the model.
        rankdir: 'TB', 'BT', 'LR' or 'RL', which way arrows lead.
    """
    is_flat = rankdir in ("LR", "RL")
    picture = _lay_out(group, is_flat)
    if rankdir in ("BT", "RL"):
        picture = _mirrored(picture)
    return _swapped(picture) if is_flat else picture


def _lay_out(group: Group, is_flat: bool) -> Picture:
    inner = {m.key: _lay_out(m, is_flat) for m in group.members if isinstance(m, Group)}
    sizes: dict[str, Point] = {}
    member_of: dict[str, str] = {}
    for member in group.members:
        if isinstance(member, Group):
            picture = inner[member.key]
            sizes[member.key] = (picture.width, picture.height + (0 if is_flat else TITLE_HEIGHT))
            member_of.update({box.key: member.key for box in member.boxes()})
        else:
            width, height = size_of(member)
            sizes[member.key] = (height, width) if is_flat else (width, height)
            member_of[member.key] = member.key
    links = [(member_of[a], member_of[b]) for a, b in group.arrows]
    rows, ways = _rows(list(sizes), links)
    _order(rows, ways)
    places, spans, width, height = _place(rows, sizes)
    picture = Picture(width + 2 * MARGIN, height + 2 * MARGIN, [], [], [])
    spots = _fill(picture, group, places, sizes, inner, is_flat)
    for (start, end), way in zip(group.arrows, ways, strict=True):
        # Past the boxes of a row a line is straight, so that it crosses none of them.
        points = [(places[key][0] + MARGIN, y + MARGIN) for key in way[1:-1] for y in spans[key]]
        picture.arrows.append([spots[start][1], *points, spots[end][0]])
    return picture


def _rows(keys: list[str], links: list[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Keys by the longest way that leads to each, and the way of each link, with a point in every
    row that it passes.
    """
    level = dict.fromkeys(keys, 0)
    for _ in keys:  # as often as a way can be long
        deeper = {b: level[a] + 1 for a, b in links if a != b and level[b] <= level[a]}
        if not deeper:
            break
        level.update(deeper)
    rows: list[list[str]] = [[] for _ in range(max(level.values(), default=0) + 1)]
    for key in keys:
        rows[level[key]].append(key)
    ways = []
    for number, (a, b) in enumerate(links):
        points = [f"way {number} {i}" for i in range(level[a] + 1, level[b])]
        for i, point in enumerate(points, level[a] + 1):
            rows[i].append(point)
        ways.append([a, *points, b])
    return rows, ways


def _order(rows: list[list[str]], ways: list[list[str]]) -> None:
    """Puts each row into an order in which its neighbours' links cross little."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for way in ways:
        for a, b in zip(way, way[1:], strict=False):
            above.setdefault(b, []).append(a)
            below.setdefault(a, []).append(b)
    position = {key: i for row in rows for i, key in enumerate(row)}
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        neighbours = above if downwards else below
        for row in rows if downwards else rows[::-1]:
            middle = {
                key: sum(position[n] for n in neighbours[key]) / len(neighbours[key])
                if neighbours.get(key)
                else float(position[key])
                for key in row
            }
            row.sort(key=middle.__getitem__)
            position.update({key: i for i, key in enumerate(row)})


def _place(
    rows: Sequence[Sequence[str]], sizes: dict[str, Point]
) -> tuple[dict[str, Point], dict[str, Point], float, float]:
    """The middles of all keys, the upper and lower ends of their rows, and the size of it all; each
    row stands in the middle.
    """
    widths = [
        sum(sizes.get(key, (GAP, 0))[0] for key in row) + GAP * (len(row) - 1) for row in rows
    ]
    width = max(widths, default=0.0)
    places, spans = {}, {}
    top = 0.0
    for row, row_width in zip(rows, widths, strict=True):
        height = max((sizes.get(key, (0, 0))[1] for key in row), default=0.0)
        left = (width - row_width) / 2
        for key in row:
            own = sizes.get(key, (GAP, 0))[0]
            places[key] = (left + own / 2, top + height / 2)
            spans[key] = (top, top + height)
            left += own + GAP
        top += height + ROW_GAP
    return places, spans, width, top - ROW_GAP


def _fill(
    picture: Picture,
    group: Group,
    places: dict[str, Point],
    sizes: dict[str, Point],
    inner: dict[str, Picture],
    is_flat: bool,
) -> dict[str, tuple[Point, Point]]:
    """Puts boxes and groups into a picture; where arrows end and begin at each box."""
    spots = {}
    for member in group.members:
        width, height = sizes[member.key]
        x, y = places[member.key]
        left, top = x - width / 2 + MARGIN, y - height / 2 + MARGIN
        if isinstance(member, Box):
            picture.boxes.append((member, left, top, width, height))
        else:
            picture.groups.append((member.title, left, top, width, height))
            inside = inner[member.key]
            title = 0 if is_flat else TITLE_HEIGHT
            for box, x0, y0, w, h in inside.boxes:
                picture.boxes.append((box, left + x0, top + title + y0, w, h))
            for name, x0, y0, w, h in inside.groups:
                picture.groups.append((name, left + x0, top + title + y0, w, h))
            for points in inside.arrows:
                picture.arrows.append([(left + x0, top + title + y0) for x0, y0 in points])
    for box, left, top, width, height in picture.boxes:
        middle = left + width / 2
        spots[box.key] = ((middle, top), (middle, top + height))
    return spots


def _mirrored(picture: Picture) -> Picture:
    """The same from bottom to top."""
    flip = lambda y, h=0.0: picture.height - y - h
    return dataclasses.replace(
        picture,
        boxes=[(box, x, flip(y, h), w, h) for box, x, y, w, h in picture.boxes],
        groups=[(name, x, flip(y, h), w, h) for name, x, y, w, h in picture.groups],
        arrows=[[(x, flip(y)) for x, y in points] for points in picture.arrows],
    )


def _swapped(picture: Picture) -> Picture:
    """The same from left to right."""
    return Picture(
        picture.height,
        picture.width,
        [(box, y, x, h, w) for box, x, y, w, h in picture.boxes],
        [(name, y, x, h, w) for name, x, y, w, h in picture.groups],
        [[(y, x) for x, y in points] for points in picture.arrows],
    )
