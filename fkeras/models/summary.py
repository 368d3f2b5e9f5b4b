"""The table that `Model.summary` prints."""

from __future__ import annotations

import html
import io
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.nested import flatten
from fkeras.core.symbolic.graph import TensorRef
from fkeras.errors import UserInputError
from fkeras.layers.base import layer as base
from fkeras.layers.base import nested

if TYPE_CHECKING:
    import rich.table

    from fkeras.core.values.variable import Variable
    from fkeras.models.model import Model

_PLAIN_WIDTH, _CONNECTED_WIDTH, _MOST_WIDTH = 65, 98, 120  # characters
_COUNT = "Param #"


def render(
    model: Model,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
    plain: bool = False,
) -> str:
    """The summary as text.

    Args:
        model: the model.
        line_length, positions, expand_nested, show_trainable, layer_range: as in `Model.summary`.
        plain: without the line's end, for a function of the user's that prints it.
    """
    import rich.console
    import rich.markup

    connected = not _is_a_stack(model)
    width = line_length or _terminal_width(connected)
    table = _empty_table(width, connected, show_trainable, positions)
    for depth, layer in _rows(model, expand_nested, layer_range):
        cells = _cells(model, layer, depth, connected, show_trainable)
        # Names may hold what rich takes for markup.
        table.add_row(*[rich.markup.escape(cell) for cell in cells])
    stream = io.StringIO()
    console = rich.console.Console(
        file=stream,
        width=width,
        force_terminal=False,
        force_jupyter=False,  # in a notebook rich displays, whatever the file
        color_system=None,
        highlight=False,
        legacy_windows=False,
    )
    console.print(f'Model: "{model.name}"', markup=False)
    console.print(table)
    for line in totals(model):
        console.print(line, markup=False)
    text = stream.getvalue()
    return text.rstrip("\n") if plain else text


def render_html(
    model: Model,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> str:
    """The summary as a table of HTML, for notebooks; arguments as in `Model.summary`."""
    connected = not _is_a_stack(model)
    titles = _titles(connected, show_trainable)
    lines = [_html_row(titles, titles, "th")]
    for depth, layer in _rows(model, expand_nested, layer_range):
        lines.append(_html_row(_cells(model, layer, depth, connected, show_trainable), titles))
    counts = "<br>".join(html.escape(line.strip()) for line in totals(model))
    return (
        f"<b>Model: {html.escape(model.name)}</b>"
        f'<table style="font: inherit;">{"".join(lines)}</table>{counts}'
    )


def _html_row(cells: Sequence[str], titles: Sequence[str], kind: str = "td") -> str:
    row = ""
    for cell, title in zip(cells, titles):
        side = "right" if title == _COUNT else "left"
        style = f"text-align: {side}; white-space: pre-wrap;"
        row += f'<{kind} style="{style}">{html.escape(cell)}</{kind}>'
    return f"<tr>{row}</tr>"


def _titles(connected: bool, show_trainable: bool) -> list[str]:
    titles = ["Layer (type)", "Output Shape", _COUNT]
    titles += ["Connected to"] if connected else []
    titles += ["Trainable"] if show_trainable else []
    return titles


def _terminal_width(connected: bool) -> int:
    available = min(shutil.get_terminal_size((88, 24)).columns, _MOST_WIDTH)
    return max(available, _CONNECTED_WIDTH if connected else _PLAIN_WIDTH)


def _empty_table(width, connected, show_trainable, positions) -> rich.table.Table:
    import rich.table

    titles = _titles(connected, show_trainable)
    table = rich.table.Table(width=width, show_lines=connected)
    for i, title in enumerate(titles):
        ratio = None
        if positions and i < len(positions):  # they say where columns end, as parts of the width
            ratio = int((positions[i] - (positions[i - 1] if i else 0)) * 100)
        justify = "right" if title == _COUNT else "left"
        table.add_column(title, justify=justify, overflow="fold", ratio=ratio)
    return table


def _cells(model, layer, depth, connected, show_trainable) -> list[str]:
    cells = [
        "    " * depth + f"{layer.name} ({type(layer).__name__})",
        _shape_text(layer),
        _count_text(layer),
    ]
    if connected:
        cells.append(", ".join(_connections(layer, model)) or "-")
    if show_trainable:
        flag = "Y" if layer.trainable else "N"
        cells.append(flag if layer.weights else "-")
    return cells


def totals(model: Model) -> list[str]:
    """The lines below the table: counts with their sizes in memory."""
    optimizer = model.optimizer
    trainable, non_trainable = model.trainable_weights, model.non_trainable_weights
    has_slots = optimizer is not None and getattr(optimizer, "built", False)
    slots = list(optimizer.variables) if has_slots else []
    groups = [
        ("Total params", trainable + non_trainable + slots),
        ("Trainable params", trainable),
        ("Non-trainable params", non_trainable),
    ]
    if has_slots:
        groups.append(("Optimizer params", slots))
    return [
        f" {title}: {count_numbers(variables):,} ({readable_size(_num_bytes(variables))})"
        for title, variables in groups
    ]


def count_numbers(variables: Iterable[Variable]) -> int:
    """How many numbers Variables hold."""
    return sum(int(np.prod(v.shape, dtype=np.int64)) for v in variables)


def _num_bytes(variables) -> float:
    return sum(count_numbers([v]) * itemsize(v.dtype) for v in variables)


def itemsize(dtype: Any) -> float:
    """Bytes of a number, by the digits in the name of its dtype; small ints have parts of one."""
    name = str(dtype)
    if name == "bool":
        return 1
    # float8 names say how the bits are shared.
    digits = re.search(r"(\d+)", name.replace("e4m3fn", "").replace("e5m2", ""))
    return int(digits.group(1)) / 8 if digits else 4


def readable_size(size: float) -> str:
    """Bytes in the largest unit that gives a number of 1 or more: `2956` -> `'2.89 KB'`."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TB"


def _rows(model, expand_nested, layer_range, depth=0) -> Iterator[tuple[int, base.Layer]]:
    layers = model.layers
    if layer_range and depth == 0:
        layers = _in_range(layers, layer_range)
    for layer in layers:
        yield depth, layer
        if expand_nested and hasattr(layer, "layers") and hasattr(layer, "summary"):
            yield from _rows(layer, True, None, depth + 1)


def _in_range(layers, layer_range):
    if len(layer_range) != 2 or not all(isinstance(r, str) for r in layer_range):
        raise UserInputError(
            "layer_range must be a pair of strings (names or regular expressions of the first and "
            f"the last layer). Received: {layer_range}"
        )
    first = [i for i, layer in enumerate(layers) if re.match(layer_range[0], layer.name)]
    last = [i for i, layer in enumerate(layers) if re.match(layer_range[1], layer.name)]
    if not first or not last:
        raise UserInputError(
            "Passed layer_names do not match the layer names in the model. Received: "
            f"{layer_range}. The layers are: {[layer.name for layer in layers]}"
        )
    start, stop = min(first), max(last)
    if start > stop:  # the range was given from its end
        start, stop = min(last), max(first)
    return layers[start : stop + 1]


def _shape_text(layer) -> str:
    try:
        shape = layer._find_output_shape()
    except (AttributeError, TypeError, ValueError):
        return "?"
    return "?" if shape is None else _show_shape(shape)


def _show_shape(shape) -> str:
    if nested.is_shape(shape):
        return str(tuple(shape))
    if isinstance(shape, dict):
        entries = (f"{name}: {_show_shape(inner)}" for name, inner in shape.items())
        return "{" + ", ".join(entries) + "}"
    return "[" + ", ".join(map(_show_shape, shape)) + "]"


def _count_text(layer) -> str:
    return f"{count_numbers(layer.weights):,}" if layer.built else "0 (unbuilt)"


def _connections(layer, model) -> list[str]:
    """`name[call][output]` of what the layer is called on."""
    members = {id(member) for member in model.layers}
    connections = []
    for node in layer._info.nodes:
        for tensor in node.inputs:
            if not tensor._keras_history:
                continue
            operation, node_index, tensor_index = tensor._keras_history
            # A shared layer may be called in other models too.
            if id(operation) in members or not isinstance(operation, base.Layer):
                connections.append(f"{operation.name}[{node_index}][{tensor_index}]")
    return connections


def _is_a_stack(model) -> bool:
    """Whether each layer takes just what the one before gives, so that a column for that would say
    nothing.
    """
    plan = getattr(model, "_plan", None)
    if plan is None:  # only functional models have one
        return True
    previous = list(plan.input_slots)
    if len(previous) != 1:
        return False
    for step in plan.steps:
        used = [
            leaf.index for leaf in flatten([step.args, step.kwargs]) if isinstance(leaf, TensorRef)
        ]
        if used != [previous[0]] or len(step.outputs) != 1:
            return False
        previous = step.outputs
    return True
