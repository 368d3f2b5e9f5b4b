"""Functional models as configs, in Keras's form: layers, and who was called on what.

A tensor is named by its *history*: `[name of the layer, number of its call, number of its output]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fkeras.core.config import registry, scopes, serialization
from fkeras.core.nested import flatten, flatten_with_path, map_structure
from fkeras.core.symbolic.graph import TensorRef
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.operation import Operation
from fkeras.errors import UserInputError
from fkeras.layers.base import layer as base
from fkeras.models.input_structure import pack_like
from fkeras.models.op_config import describe_op, revive_op

if TYPE_CHECKING:
    from fkeras.core.symbolic.graph import Graph
    from fkeras.types import Config, Nested


class History(NamedTuple):
    """Names a tensor by what made it; a list of these three in a config."""

    operation: str
    call: int
    output: int


class _Named(NamedTuple):
    """A tensor in the arguments of a call: what it is like, and what made it."""

    shape: tuple[int | None, ...]
    dtype: str
    history: History


TensorsByHistory = dict[History, KerasTensor]


# -- to a config ---------------------------------------------------------------


def describe_graph(
    plan: Graph,
    operations: Sequence[Any],
    cut_in: Sequence[base.Layer],
    input_names: Sequence[str],
    inputs: Nested[KerasTensor],
    outputs: Nested[KerasTensor],
) -> Config:
    """The entries `layers`, `input_layers` and `output_layers` of a config, and the tensors that
    are further outputs of the graph, as `added`.

    Args:
        plan: the graph, compiled.
        operations: its layers and functions, in its order.
        cut_in: layers for inputs in the middle of a graph, which no operation of it is.
        input_names: of the input layers.
        inputs, outputs: the model's, in their structures.
    """
    histories = {slot: History(input_names[i], 0, 0) for i, slot in enumerate(plan.input_slots)}
    calls = _find_calls(plan, operations, histories)
    with scopes.ObjectSharingScope():
        layers = [
            _describe_operation(operation, own)
            for operation, own in [*((layer, []) for layer in cut_in), *zip(operations, calls)]
        ]
    tensors = [list(histories[slot]) for slot in plan.output_slots]
    count = len(flatten(outputs))
    return {
        "layers": layers,
        "input_layers": pack_like(inputs, [list(histories[s]) for s in plan.input_slots]),
        "output_layers": pack_like(outputs, tensors[:count]),
        "added": tensors[count:],
    }


def _find_calls(plan, operations, histories) -> list[list[tuple[tuple, dict[str, Any]]]]:
    """The arguments of the calls of each operation; adds the histories of their outputs."""
    calls: list[list[tuple[tuple, dict[str, Any]]]] = [[] for _ in operations]

    def named(argument):
        if not isinstance(argument, TensorRef):
            return argument
        shape, dtype = plan.slot_specs[argument.index]
        return _Named(shape, dtype, histories[argument.index])

    for step in plan.steps:
        own = calls[step.operation]
        for position, slot in enumerate(step.outputs):
            if slot is not None:
                histories[slot] = History(operations[step.operation].name, len(own), position)
        own.append((map_structure(named, step.args), map_structure(named, dict(step.kwargs))))
    return calls


def _describe_operation(operation, calls) -> Config:
    """The config of an operation, with its name and its calls."""
    if isinstance(operation, (base.Layer, Operation)):
        config = serialization.serialize_keras_object(operation)
    else:
        [(args, kwargs)] = calls  # a function is an operation of its own at each call
        as_keras_has_it = describe_op(operation.fn, operation.name, args, kwargs)
        if as_keras_has_it is not None and not _holds_tensor(as_keras_has_it[0]["config"]):
            config, args, kwargs = as_keras_has_it
            config["config"] = _describe_argument(config["config"])
            calls = [(args, kwargs)]
        else:
            config = _describe_function(operation.fn)
    nodes = [
        {"args": _describe_argument(list(args)), "kwargs": _describe_argument(kwargs)}
        for args, kwargs in calls
    ]
    return {**config, "name": operation.name, "inbound_nodes": nodes}


def _holds_tensor(value) -> bool:
    leaves = flatten_with_path(value, is_leaf=lambda node: isinstance(node, _Named))
    return any(isinstance(leaf, _Named) for _, leaf in leaves)


def _describe_function(function) -> Config:
    return {
        # Functions of `tf` mean other things than those of `keras.ops` that have their names.
        "module": registry.home_of(function) or "keras.ops",
        "class_name": "function",
        "config": getattr(function, "config_name", function.__name__),
        "registered_name": None,
    }


def _describe_argument(value) -> Any:
    """Arguments of a call as plain values, tensors by their histories."""
    if isinstance(value, _Named):
        history = list(value.history)
        config = {"shape": list(value.shape), "dtype": value.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, dict):
        return {key: _describe_argument(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_describe_argument(inner) for inner in value]
    if isinstance(value, tuple):  # JSON has lists only, as Keras's files have
        return [_describe_argument(inner) for inner in value]
    return serialization.serialize_keras_object(value)


def _tensor_config(history: History) -> Config:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": list(history)}}


# -- from a config -------------------------------------------------------------


def revive_graph(
    config: Config,
) -> tuple[Nested[KerasTensor], Nested[KerasTensor], list[KerasTensor]]:
    """(inputs, outputs, tensors of losses and metrics) of a functional config: layers are made,
    then called in an order in which their inputs exist.

    Raises:
        UserInputError: where calls wait for each other.
    """
    operations: dict[str, Any] = {}
    tensors: TensorsByHistory = {}
    waiting = []
    for entry in config["layers"]:
        # That of a function is its name.
        if not isinstance(entry, dict) or not isinstance(entry.get("config"), (dict, str)):
            raise UserInputError(
                f"The config of model '{config.get('name')}': expected a dict with a 'config' for "
                f"each layer. Received: {str(entry)[:200]}"
            )
        name = entry.get("name")
        if not name and isinstance(entry["config"], dict):
            name = entry["config"].get("name")
        operation_config = {k: v for k, v in entry.items() if k not in ("name", "inbound_nodes")}
        operation = revive_op(operation_config)
        if operation is None:
            operation = serialization.deserialize_keras_object(operation_config)
        operations[name] = operation
        if getattr(operation, "is_input", False):
            tensors[History(name, 0, 0)] = operation.output
            continue
        for number, node in enumerate(entry.get("inbound_nodes") or []):
            waiting.append((name, number, _normalize_node(node)))
    while waiting:
        later = [call for call in waiting if not _call_operation(operations, call, tensors)]
        if len(later) == len(waiting):
            raise UserInputError(
                f"The config of model '{config.get('name')}' is not a graph: the calls of "
                f"{sorted({name for name, _, _ in later})} wait for tensors that nothing makes."
            )
        waiting = later
    return (
        _pick_tensors(config["input_layers"], tensors),
        _pick_tensors(config["output_layers"], tensors),
        [tensors[History(*entry["tensor"])] for entry in config.get("added", ())],
    )


def _call_operation(operations, call, tensors: TensorsByHistory) -> bool:
    """Makes a call, if its inputs exist, and adds its outputs. Returns whether it was made."""
    name, number, node = call
    if any(history not in tensors for history in _histories(node)):
        return False
    operation = operations[name]
    args, kwargs = _fill(node["args"], tensors), _fill(node["kwargs"], tensors)
    for position, tensor in enumerate(flatten(operation(*args, **kwargs))):
        tensors[History(name, number, position)] = tensor
        recorded = tensor._keras_history[0]
        if recorded is not operation:  # a function: its operation takes the name it had
            recorded.name = name
    return True


def _normalize_node(node: Mapping[str, Any] | Sequence[Any]) -> Config:
    """A call as {'args', 'kwargs'}; older files list [name, node, tensor, kwargs] instead."""
    if isinstance(node, dict):
        return {"args": node.get("args", []), "kwargs": node.get("kwargs", {})}
    entries = node if isinstance(node[0], list) else [node]
    tensors = [_tensor_config(History(*entry[:3])) for entry in entries]
    kwargs = entries[0][3] if len(entries[0]) > 3 else {}
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


def _is_tensor_config(value) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _history_in(tensor_config: Config) -> History:
    return History(*tensor_config["config"]["keras_history"])


def _histories(value) -> list[History]:
    """Histories of all tensors in the arguments of a call."""
    leaves = flatten_with_path(value, is_leaf=_is_tensor_config)
    return [_history_in(leaf) for _, leaf in leaves if _is_tensor_config(leaf)]


def _fill(value, tensors: TensorsByHistory):
    """Arguments of a call from plain values."""
    if _is_tensor_config(value):
        return tensors[_history_in(value)]
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__":
            return tuple(_fill(inner, tensors) for inner in value["config"]["value"])
        if "class_name" in value and "config" in value:
            return serialization.deserialize_keras_object(value)
        return {key: _fill(inner, tensors) for key, inner in value.items()}
    return [_fill(inner, tensors) for inner in value] if isinstance(value, list) else value


def _is_history(entry) -> bool:
    # A config holds plain lists: only what is in it tells a history from a list of histories.
    return len(entry) == 3 and isinstance(entry[0], str) and isinstance(entry[1], int)


def _pick_tensors(structure, tensors: TensorsByHistory):
    """A structure of histories as one of tensors."""
    if isinstance(structure, dict):
        return {key: _pick_tensors(inner, tensors) for key, inner in structure.items()}
    if _is_history(structure):
        if History(*structure) not in tensors:
            raise UserInputError(
                f"The config of a functional model has no layer that makes {list(structure)}, "
                "which is among its inputs or outputs: a name, a call and an output of it."
            )
        return tensors[History(*structure)]
    picked = [_pick_tensors(inner, tensors) for inner in structure]
    return tuple(picked) if isinstance(structure, tuple) else picked
