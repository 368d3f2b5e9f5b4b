"""`HostPart`: the part of a layer's call that runs on the host, found and run.

Functional and Sequential models know their graph and override `_run_host_part`. Of any other layer
the `call` is watched once, in an abstract evaluation on the first rows: it may give to layers on
the host an input, a part of one, or what another such layer returned. These calls are the program
that runs on every later batch.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras import data
from fkeras.core.nested import flatten, flatten_with_path, map_structure
from fkeras.core.symbolic.graph import Graph, TensorRef
from fkeras.core.values import lending
from fkeras.errors import UserInputError
from fkeras.layers.base import building, host_values, tracking
from fkeras.layers.base import context as contexts
from fkeras.layers.base.host_values import HostOutputs, OnDevice, Origin

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.types import Nested

_ROWS_WATCHED = 2


class HostPart:
    """A layer that may have layers on the host below it."""

    def _run_host_part(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the layers on the host below this one, and returns what the host knows of its
        outputs, an `OnDevice` in all other places.
        """
        if isinstance(host_values.running(), Check):
            return OnDevice(describe(self))
        unknown = host_values.on_device([args, kwargs])
        if unknown is not None:
            raise UserInputError(
                f"{describe(self)} has layers on the host inside, and one of its inputs comes from "
                f"{unknown.maker}, which runs on the device. Give it the model's inputs alone; or "
                "take the layers on the host out of it, in front of the model."
            )
        args, kwargs = host_values.on_host(args), host_values.on_host(kwargs)
        return _program_of(self, args, kwargs).run(args, kwargs)


def describe(layer: Any) -> str:
    """A layer or function as the subject of a message."""
    if hasattr(layer, "fn"):
        return f"`ops.{layer.fn.__name__}`"
    return f"{type(layer).__name__} '{layer.name}'"


def has_host_layers(layer: Any) -> bool:
    """Whether a layer, or one below it, runs on the host."""
    if not hasattr(layer, "_info"):
        return False  # a function
    return layer.runs_on_host or tracking.structure_of(layer).has_host_layers


def run(layer: Layer, inputs: Nested[Any]) -> HostOutputs:
    """The pass on the host.

    Args:
        layer: a model that has layers on the host.
        inputs: NumPy arrays, strings among them.
    """
    collected = host_values.Collected()
    with host_values.inside(collected):
        layer._run_host_part(inputs)
    values = data.as_arrays(collected.values, f"what layers of '{layer.name}' return on the host")
    return HostOutputs(host_values.without_strings(inputs), host_values.without_strings(values))


def run_graph(plan: Graph, operations: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """The pass on the host through a graph.

    Args:
        plan: of the graph. operations: in its order. values: of the inputs.

    Returns:
        Values of the outputs, an `OnDevice` for each that the host does not make.
    """
    table = [*values, *[None] * (plan.slot_count - len(values))]
    fill = lambda x: table[x.index] if isinstance(x, TensorRef) else x
    for step in plan.steps:
        kwargs = map_structure(fill, step.kwargs)
        result = run_one(operations[step.operation], *map_structure(fill, step.args), **kwargs)
        count = len(step.outputs)
        found = flatten(result)
        if isinstance(result, OnDevice):
            found = [_part(result, i) for i in range(count)]
        for slot, value in zip(step.outputs, [*found, *[None] * (count - len(found))]):
            if slot is not None:
                table[slot] = value
    return [table[slot] for slot in plan.output_slots]


def _part(result: OnDevice, index: int) -> OnDevice:
    """One output of an operation."""
    compute = result.compute
    if compute is not None:
        return OnDevice(result.maker, lambda: flatten(compute())[index])
    return result


def run_one(operation: Any, *args: Any, **kwargs: Any) -> Any:
    """One operation of a graph, in the pass on the host: an `OnDevice` where it is the device's."""
    if not has_host_layers(operation):
        is_known = host_values.on_device([args, kwargs]) is None
        if is_known and _depends_on_inputs_alone(operation):
            compute = functools.partial(_run_on_cpu, operation, args, kwargs)
            return OnDevice(describe(operation), compute)
        return OnDevice(describe(operation))
    if not operation.runs_on_host:
        return operation._run_host_part(*args, **kwargs)
    unknown = host_values.on_device([args, kwargs])
    if unknown is not None:
        raise UserInputError(
            f"{describe(operation)} runs on the host, ahead of the model, and depends on what "
            f"{unknown.maker} computes on the device, by weights or by chance. Apply it to the "
            "model's inputs, or to what other layers on the host return."
        )
    if isinstance(host_values.running(), Check):
        return None
    return operation(*host_values.on_host(args), **host_values.on_host(kwargs))


def _depends_on_inputs_alone(operation: Any) -> bool:
    """Whether neither training nor chance changes what an operation makes of its inputs."""
    if not hasattr(operation, "_info"):
        return True  # a function
    structure = tracking.structure_of(operation)
    return not structure.variables and not structure.generators


def _run_on_cpu(operation: Any, args: Any, kwargs: Any) -> Any:
    """An operation of the device on the host, where it waits for no training step."""
    with _on_cpu():
        result = operation(*host_values.on_host(args), **host_values.on_host(kwargs))
    return map_structure(np.asarray, result)


def _on_cpu() -> contextlib.AbstractContextManager:
    try:
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:  # `JAX_PLATFORMS` leaves it out
        return contextlib.nullcontext()


class Check:
    """A pass that computes nothing: it finds layers on the host that wait for the device."""

    def result_of(self, layer, args, kwargs, compute):
        return None


def check(layer: Layer, inputs: Nested[Any]) -> None:
    """Raises where a layer on the host depends on one on the device, as far as the graph tells.

    Args:
        layer: a Functional or Sequential model. inputs: in the structure of its inputs.
    """
    with host_values.inside(Check()):
        layer._run_host_part(inputs)


# -- watched calls -------------------------------------------------------------


class Program:
    """The calls of layers on the host in one `call`.

    Args:
        steps: (layer, args, kwargs) in order, an `Origin` in the place of each array.
        outputs: of the call, an `Origin` or `OnDevice` in each place.
    """

    def __init__(self, steps: list[tuple[Layer, Any, Any]], outputs: Any) -> None:
        self.steps = steps
        self.outputs = outputs

    def run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The steps on other arguments of the same structure."""
        arrays = {"input": flatten([list(args), dict(kwargs)]), "output": []}

        def fill(x: Any) -> Any:
            if not isinstance(x, Origin):
                return x
            array = np.asarray(arrays[x.kind][x.number])
            for index in x.indices:
                array = array[index]
            return array

        for layer, layer_args, layer_kwargs in self.steps:
            result = layer(*map_structure(fill, layer_args), **map_structure(fill, layer_kwargs))
            arrays["output"].extend(flatten(result))
        return map_structure(fill, self.outputs)


def _program_of(layer: HostPart, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Program:
    """The program for such arguments, watched at the first time."""
    structure = tracking.structure_of(layer)
    kept = layer._info.host_programs
    if kept is None or kept[0] is not structure:
        kept = layer._info.host_programs = structure, {}
    key = tuple(
        (path, np.ndim(x), host_values.is_string(x))
        for path, x in flatten_with_path([list(args), dict(kwargs)])
    )
    if key not in kept[1]:
        kept[1][key] = _watch(layer, args, kwargs)
        layer._info.host_programs = kept  # watching may have put back what was before
    return kept[1][key]


def _watch(layer: HostPart, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Program:
    """Runs the call once, abstractly but for its layers on the host."""
    recorder = host_values.Recorder(describe(layer))
    few = map_structure(lambda x: np.asarray(x)[:_ROWS_WATCHED], [list(args), dict(kwargs)])
    few_args, few_kwargs = host_values.tracked(few, "input")
    outputs = None

    def call() -> tuple[()]:
        nonlocal outputs
        with (
            contexts.opened(contexts.CallContext(layer, losses=[])),
            host_values.inside(recorder),
        ):
            result = lending.call_abstractly(layer, *few_args, **few_kwargs)
        outputs = map_structure(_origin_or_device(layer), result)
        return ()

    with building.undone(layer):  # what is built here has no place in a model yet
        jax.eval_shape(call)
    return Program(recorder.steps, outputs)


def _origin_or_device(layer: HostPart) -> Callable[[Any], Origin | OnDevice]:
    def place(x: Any) -> Origin | OnDevice:
        if isinstance(x, host_values.Tracked) and x.origin is not None:
            return Origin(*x.origin)
        return OnDevice(describe(layer))

    return place
