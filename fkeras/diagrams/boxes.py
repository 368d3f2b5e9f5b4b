"""What a picture of a model shows, without places: boxes, groups of boxes, arrows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from fkeras.core.nested import flatten
from fkeras.core.symbolic.graph import TensorRef
from fkeras.models import Model, Sequential
from fkeras.models.functional import Functional


@dataclasses.dataclass(frozen=True)
class Shown:
    """Which facts of layers are shown; see `plot_model`."""

    shapes: bool = False
    dtype: bool = False
    names: bool = False
    activations: bool = False
    trainable: bool = False


@dataclasses.dataclass
class Box:
    """One layer.

    Args:
        key: names it in arrows; another one for each box.
        title: its first line.
        activation: of the layer; None to show none.
        cells: pairs of a label and a value, side by side below.
        trainable: whether it is trained; None to show nothing.
    """

    key: str
    title: str
    activation: str | None = None
    cells: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    trainable: bool | None = None


@dataclasses.dataclass
class Group:
    """A model: its boxes, the groups inside of it, and arrows between what it holds.

    Args:
        key: names it.
        title: the model's name.
        members: boxes and groups.
        arrows: pairs of keys of boxes.
        inputs, outputs: keys of the boxes that its inputs go into and its outputs come from.
    """

    key: str
    title: str
    members: list[Box | Group] = dataclasses.field(default_factory=list)
    arrows: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    inputs: list[str] = dataclasses.field(default_factory=list)
    outputs: list[str] = dataclasses.field(default_factory=list)

    def boxes(self) -> Iterator[Box]:
        """All boxes, also those of groups inside."""
        for member in self.members:
            if isinstance(member, Group):
                yield from member.boxes()
            else:
                yield member


@dataclasses.dataclass
class _Call:
    """One call of a graph: who, on the outputs of whom, and the shapes and dtypes of both."""

    operation: Any
    sources: list[tuple[Any, int]]  # operation, index of its output
    inputs: list[Any]
    outputs: list[Any]
    dtypes: list[Any]


def group_of(model: Model, shown: Shown, expand_nested: bool, prefix: str = "") -> Group:
    """The boxes and arrows of a model.

    Args:
        model: a built model. One that is neither functional nor sequential is one box.
        shown: which facts are shown.
        expand_nested: whether models inside are groups instead of boxes.
        prefix: of all keys.
    """
    group = Group(prefix or "model", model.name)
    if not isinstance(model, Functional | Sequential):
        group.members.append(_box(prefix + "0", model, [], shown))
        group.inputs = group.outputs = [prefix + "0"]
        return group
    calls = _calls_of_stack(model) if isinstance(model, Sequential) else _calls_of_graph(model)
    places: dict[int, Box | Group] = {}
    for operation in {id(call.operation): call.operation for call in calls}.values():
        key = f"{prefix}{len(places)}"
        if expand_nested and isinstance(operation, Functional | Sequential):
            place = group_of(operation, shown, expand_nested, prefix=f"{key}_")
        else:
            place = _box(key, operation, [c for c in calls if c.operation is operation], shown)
        places[id(operation)] = place
        group.members.append(place)
    for call in calls:
        for position, (source, output) in enumerate(call.sources):
            ends = _key(places[id(source)], "outputs", output)
            arrow = ends, _key(places[id(call.operation)], "inputs", position)
            if arrow not in group.arrows:
                group.arrows.append(arrow)
    if isinstance(model, Sequential):
        first, last = (model.layers[0], 0), (model.layers[-1], 0)
        group.inputs = [_key(places[id(first[0])], "inputs", 0)]
        group.outputs = [_key(places[id(last[0])], "outputs", 0)]
    else:
        group.inputs = [_key(places[id(x._keras_history[0])], "inputs", 0) for x in model.inputs]
        histories = [x._keras_history for x in model.outputs]
        group.outputs = [_key(places[id(who)], "outputs", i) for who, _, i in histories]
    return group


def _key(place: Box | Group, side: str, position: int) -> str:
    """The box that an arrow to or from a place leads to."""
    if isinstance(place, Box):
        return place.key
    keys = getattr(place, side)
    return keys[min(position, len(keys) - 1)]


def _calls_of_stack(model: Sequential) -> list[_Call]:
    calls, before = [], None
    for layer in model.layers:
        node = layer._inbound_nodes[-1] if layer._inbound_nodes else None
        outputs = [] if node is None else node.output_tensors
        calls.append(
            _Call(
                layer,
                [] if before is None else [(before, 0)],
                [] if node is None else [x.shape for x in node.inputs],
                [x.shape for x in outputs],
                [x.dtype for x in outputs],
            )
        )
        before = layer
    return calls


def _calls_of_graph(model: Functional) -> list[_Call]:
    """The calls of a functional model in their order, its inputs first."""
    plan, operations = model._plan, model.operations
    specs = plan.slot_specs
    calls, made_by = [], {}
    for slot, tensor in zip(plan.input_slots, model.inputs, strict=True):
        operation, _, output = tensor._keras_history
        made_by[slot] = (operation, output)
        calls.append(_Call(operation, [], [], [specs[slot][0]], [specs[slot][1]]))
    for step in plan.steps:
        operation = operations[step.operation]
        used = [
            leaf.index for leaf in flatten([step.args, step.kwargs]) if isinstance(leaf, TensorRef)
        ]
        made = [slot for slot in step.outputs if slot is not None]
        for output, slot in enumerate(step.outputs):
            if slot is not None:
                made_by[slot] = (operation, output)
        calls.append(
            _Call(
                operation,
                [made_by[slot] for slot in used],
                [specs[slot][0] for slot in used],
                [specs[slot][0] for slot in made],
                [specs[slot][1] for slot in made],
            )
        )
    return calls


def _box(key: str, operation: Any, calls: list[_Call], shown: Shown) -> Box:
    kind = _kind(operation)
    box = Box(key, f"{operation.name} ({kind})" if shown.names else kind)
    activation = getattr(operation, "activation", None)
    if shown.activations and activation is not None:
        box.activation = getattr(activation, "name", None) or getattr(
            activation, "__name__", str(activation)
        )
    if shown.shapes:
        if not getattr(operation, "is_input", False):
            box.cells.append(("Input shape", _same(call.inputs for call in calls)))
        box.cells.append(("Output shape", _same(call.outputs for call in calls)))
    if shown.dtype:
        box.cells.append(("Output dtype", _same(call.dtypes for call in calls)))
    if shown.trainable and getattr(operation, "weights", None):
        box.trainable = bool(operation.trainable)
    return box


def _kind(operation: Any) -> str:
    """The name of the class, or of a function of `ops` written like one."""
    function = getattr(operation, "fn", None)
    if function is None:
        return type(operation).__name__
    return "".join(part.capitalize() for part in function.__name__.split("_"))


def _same(values: Iterable[list[Any]]) -> str:
    """What is the same in all calls as a text; a question mark where it is not, or not known."""
    texts = {
        str(tuple(each[0]) if isinstance(each[0], tuple) else each[0])
        if len(each) == 1
        else str([tuple(x) if isinstance(x, tuple) else x for x in each])
        for each in values
        if each
    }
    return texts.pop() if len(texts) == 1 else "?"
