"""The table that `Model.summary` prints."""

import io
import re
import shutil

import numpy as np

from fkeras.core.nested import map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base import layer as base
from fkeras.layers.base import nested


def render(
    model,
    line_length=None,
    positions=None,
    expand_nested=False,
    show_trainable=False,
    layer_range=None,
    plain=False,
) -> str:
    """The summary as text.

    Args:
        model: the model. line_length, positions, expand_nested, show_trainable, layer_range: as in
            `Model.summary`.
        plain: without colours and emphasis, for somebody else's printing.
    """
    import rich.console
    import rich.markup
    import rich.table

    connected = not _is_a_stack(model)
    titles = (
        ["Layer (type)", "Output Shape", "Param #"]
        + (["Connected to"] if connected else [])
        + (["Trainable"] if show_trainable else [])
    )
    width = line_length or max(
        min(shutil.get_terminal_size((88, 24)).columns, 120), 98 if connected else 65
    )
    table = rich.table.Table(width=width, show_lines=connected)
    for i, title in enumerate(titles):
        ratio = (
            int((positions[i] - (positions[i - 1] if i else 0)) * 100)
            if positions and i < len(positions)
            else None
        )
        table.add_column(
            title, justify="right" if title == "Param #" else "left", overflow="fold", ratio=ratio
        )
    for depth, layer in _rows(model, expand_nested, layer_range):
        escape = rich.markup.escape
        cells = [
            "    " * depth + f"{layer.name} ({type(layer).__name__})",
            _shape_text(layer),
            _count_text(layer),
        ]
        if connected:
            cells.append(", ".join(_connections(layer, model)) or "-")
        if show_trainable:
            cells.append(
                "Y" if layer.weights and layer.trainable else "N" if layer.weights else "-"
            )
        table.add_row(*(escape(c) for c in cells))
    stream = io.StringIO()
    console = rich.console.Console(
        file=stream,
        width=width,
        force_terminal=False,
        color_system=None,
        highlight=False,
        legacy_windows=False,
    )
    console.print(f'Model: "{model.name}"', markup=False)
    console.print(table)
    for line in totals(model):
        console.print(line, markup=False)
    text = stream.getvalue()
    return text if not plain else text.rstrip("\n")


def totals(model) -> list[str]:
    """The lines below the table: counts with their sizes in memory."""
    with_optimizer = model.optimizer is not None and getattr(model.optimizer, "built", False)
    trainable, rest = model.trainable_weights, model.non_trainable_weights
    optimizer = list(model.optimizer.variables) if with_optimizer else []
    lines = [
        ("Total params", trainable + rest + optimizer),
        ("Trainable params", trainable),
        ("Non-trainable params", rest),
    ]
    if with_optimizer:
        lines.append(("Optimizer params", optimizer))
    return [f" {title}: {_number(v)} ({readable_size(_bytes(v))})" for title, v in lines]


def _number(variables) -> str:
    return f"{sum(int(np.prod(v.shape, dtype=np.int64)) for v in variables):,}"


def _bytes(variables) -> float:
    return sum(int(np.prod(v.shape, dtype=np.int64)) * _itemsize(v.dtype) for v in variables)


def _itemsize(dtype) -> float:
    name = str(dtype)
    if name in ("bool",):
        return 1
    digits = re.search(r"(\d+)", name.replace("e4m3fn", "").replace("e5m2", ""))
    return int(digits.group(1)) / 8 if digits else 4


def readable_size(size: float) -> str:
    """`2956` -> `'2.89 KB'`"""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            return f"{size:.2f} {unit}"
        size /= 1024
    return ""


def _rows(model, expand_nested, layer_range, depth=0):
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
    return layers[start : stop + 1] if start <= stop else layers[max(min(last), 0) : max(first) + 1]


def _shape_text(layer) -> str:
    try:
        shape = layer.output_shape
    except (AttributeError, TypeError, ValueError):
        return "?"
    if shape is None:
        return "?"
    return _show(shape)


def _show(shape):
    if nested.is_shape(shape):
        return str(tuple(shape))
    if isinstance(shape, dict):
        return "{" + ", ".join(f"{k}: {_show(v)}" for k, v in shape.items()) + "}"
    return "[" + ", ".join(_show(s) for s in shape) + "]"


def _count_text(layer) -> str:
    if not layer.built:
        return "0 (unbuilt)"
    count = sum(int(np.prod(v.shape, dtype=np.int64)) for v in layer.weights)
    return f"{count:,}"


def _connections(layer, model):
    found = []
    members = {id(member) for member in model.layers}
    for node in layer._info.nodes:
        for tensor in node.inputs:
            operation, _, index = tensor._keras_history or (None, 0, 0)
            if operation is not None and (
                id(operation) in members or not isinstance(operation, base.Layer)
            ):
                found.append(f"{operation.name}[{_.__index__()}][{index}]")
    return found


def _is_a_stack(model) -> bool:
    """Whether each layer takes just what the one before gives, so that nobody needs a column for
    it.
    """
    if not hasattr(model, "_plan"):
        return True
    previous = list(model._plan.input_slots)
    if len(previous) != 1:
        return False
    for step in model._plan.steps:
        used = _slots([step.args, step.kwargs])
        if used != [previous[0]] or len(step.outputs) != 1:
            return False
        previous = step.outputs
    return True


def _slots(structure):
    found: list = []
    map_structure(
        lambda x: (
            found.append(x.index)
            if hasattr(x, "index")
            and not isinstance(x, (KerasTensor, str))
            and not callable(x.index)
            else None
        ),
        structure,
    )
    return found
