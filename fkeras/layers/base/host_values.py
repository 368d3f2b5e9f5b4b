"""What passes between the host part of a model and its device part.

A model that takes strings runs twice. On the host, with NumPy, run the layers that say
`runs_on_host`, as far as they lead from the inputs; what they return is collected in `HostOutputs`,
numbers alone. On the device runs the whole call, in which these layers return what was collected
instead of computing. Both passes call them in the same order, which is how each finds its own.

A string has no place on the device. Where one stood in the inputs, `HostOutputs` has an array of no
bytes (`left_out`) that tells shape and number of rows; the call sees empty strings of that shape.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import jax
import numpy as np

from fkeras.core.nested import flatten, flatten_with_path, map_structure, map_with_path
from fkeras.core.scoped import Inside, Scoped
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.types import Nested


class HostOutputs(NamedTuple):
    """What a model's host part made of inputs: a batch for `model(...)`, `apply`, `step`.

    Attributes:
        inputs: the inputs in their structure; arrays without bytes in the place of strings.
        values: outputs of the layers on the host by their names; a further call of the same layer
            has its number behind the name.
    """

    inputs: Nested[Any]
    values: dict[str, Nested[Any]]


class HostRun(Protocol):
    """What answers when a layer on the host is called inside a pass."""

    def result_of(
        self,
        layer: Layer,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        compute: Callable[[], Nested[np.ndarray]],
    ) -> Any:
        """What the call returns.

        Args:
            layer: that is called. args, kwargs: on what, as given.
            compute: does what the layer does.
        """
        ...


_running: Scoped[HostRun | None] = Scoped(None)


def running() -> HostRun | None:
    """The pass that is under way on this thread, or None."""
    return _running.value


def inside(run: HostRun) -> Inside:
    """Context manager: calls of layers on the host are answered by a pass."""
    return _running.inside(run)


class _Names:
    """Keys for the calls of layers, in order."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next_of(self, layer: Layer) -> str:
        count = self._counts[layer.name] = self._counts.get(layer.name, 0) + 1
        return layer.name if count == 1 else f"{layer.name}_call{count}"


class Collected:
    """The pass on the host: layers compute, and what they return is kept."""

    def __init__(self) -> None:
        self.values: dict[str, Nested[np.ndarray]] = {}
        self._names = _Names()

    def result_of(self, layer, args, kwargs, compute):
        value = self.values[self._names.next_of(layer)] = compute()
        return value


class HandedOver:
    """The pass on the device: layers on the host return what was collected.

    Args:
        values: of `HostOutputs`.
        name: the model's, for errors.
    """

    def __init__(self, values: Mapping[str, Nested[Any]], name: str) -> None:
        self._values = values
        self._name = name
        self._names = _Names()

    def result_of(self, layer, args, kwargs, compute):
        key = self._names.next_of(layer)
        if key not in self._values:
            raise UserInputError(
                f"Model '{self._name}' calls layer '{layer.name}' ({type(layer).__name__}), of "
                f"which the host's outputs have no value {key!r}: they have "
                f"{sorted(self._values)}. Make them with this model, `model.host(x)`; and a `call` "
                "must apply its layers on the host in the same order each time."
            )
        return map_structure(put_back, self._values[key])


def left_out(x: np.ndarray) -> np.ndarray:
    """What stands for strings beside arrays of numbers: their shape, and an axis of size 0."""
    return np.empty((*x.shape, 0), np.uint8)


def put_back(x: Any) -> Any:
    """Empty strings in the shape of those that were left out; all else as it is."""
    if is_left_out(x):
        return np.broadcast_to(np.array("", object), x.shape[:-1])
    return x


def is_left_out(x: Any) -> bool:
    """Whether an array stands for strings."""
    shape = getattr(x, "shape", None)
    return bool(shape) and shape[-1] == 0 and x.dtype == np.uint8


def is_string(x: Any) -> bool:
    """Whether a value is an array that JAX does not know."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "OUS"


def without_strings(structure: Nested[Any]) -> Nested[Any]:
    """Nested arrays with `left_out` in the place of strings."""
    return map_structure(lambda x: left_out(x) if is_string(x) else x, structure)


def call_on(
    call: Callable[..., Any], name: str, outputs: HostOutputs, *args: Any, **kwargs: Any
) -> Any:
    """A model's call on what its host part returned.

    Args:
        call: takes the inputs in the place of `outputs`. name: the model's, for errors.
        outputs: of the host part. args, kwargs: further arguments.

    Raises:
        UserInputError: the call returns strings.
    """
    inputs = map_structure(put_back, outputs.inputs)
    with inside(HandedOver(outputs.values, name)):
        result = call(inputs, *args, **kwargs)
    if any(map(is_string, flatten(result))):
        raise UserInputError(
            f"Model '{name}' returns strings, which JAX has not. Call it as it is, `model(x)`; or "
            "leave the layer that makes them out of the model, and call it on what `predict` "
            "returns."
        )
    return result


class Tracked(np.ndarray):
    """An array that knows where it came from, while a `call` is watched once.

    Attributes:
        origin: ("input" or "output", index, indices taken since); None where nothing is known.
    """

    origin: tuple[str, int, tuple[Any, ...]] | None = None

    def __getitem__(self, index: Any) -> Any:
        result = super().__getitem__(index)
        if isinstance(result, Tracked) and self.origin is not None:
            kind, number, indices = self.origin
            result.origin = (kind, number, (*indices, index))
        return result

    @property
    def at(self) -> Any:
        """As arrays of JAX have it."""
        return jax.numpy.asarray(np.asarray(self)).at


def tracked(values: Nested[Any], kind: str, first: int = 0) -> Any:
    """Nested arrays as ones that know their origins.

    Args:
        values: the arrays. kind: 'input' or 'output'.
        first: the number of the first of them; the others are numbered as `flatten` visits them.
    """
    numbers = {path: first + i for i, (path, _) in enumerate(flatten_with_path(values))}

    def track(path: Any, x: Any) -> Tracked:
        array = np.asarray(x).view(Tracked)
        array.origin = (kind, numbers[path], ())
        return array

    return map_with_path(track, values)


class Recorder:
    """A pass that watches what a `call` gives to its layers on the host.

    Args:
        name: of the layer whose `call` is watched, for errors.

    Attributes:
        steps: (layer, args, kwargs) of each call, with origins in the place of arrays.
    """

    def __init__(self, name: str) -> None:
        self.steps: list[tuple[Layer, tuple[Any, ...], dict[str, Any]]] = []
        self._name = name
        self._count = 0  # arrays that came out so far

    def result_of(self, layer, args, kwargs, compute):
        args, kwargs = map_structure(lambda x: self._origin(x, layer), (list(args), dict(kwargs)))
        self.steps.append((layer, tuple(args), kwargs))
        outputs = tracked(compute(), "output", self._count)
        self._count += len(flatten(outputs))
        return outputs

    def _origin(self, x: Any, layer: Layer) -> Any:
        if isinstance(x, Tracked) and x.origin is not None:
            return Origin(*x.origin)
        if isinstance(x, (jax.Array, np.ndarray)) and np.ndim(x):
            raise UserInputError(
                f"Layer '{layer.name}' ({type(layer).__name__}) runs on the host, ahead of the "
                f"rest of '{self._name}', and `call` gives it an array that was computed on the "
                f"way (shape {np.shape(x)}, dtype {x.dtype}). Give it an input of `call`, a part "
                "of one (`x['text']`, `x[:, 0]`), or what another such layer returned."
            )
        return x


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where an argument of a watched call came from: see `Tracked`."""

    kind: str
    number: int
    indices: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class OnDevice:
    """In the pass on the host, what the device makes.

    Attributes:
        maker: the layer or function that makes it, as messages name it.
        compute: makes it on the host, where it depends on the inputs alone; else None.
    """

    maker: str
    compute: Callable[[], Any] | None = None
    shape = None  # not known: models look for it on what they are called on


def on_device(values: Nested[Any]) -> OnDevice | None:
    """The first of nested values that the host cannot know."""
    return next((x for x in flatten(values) if isinstance(x, OnDevice) and not x.compute), None)


def on_host(values: Nested[Any]) -> Nested[Any]:
    """Nested values, those computed that the host can know."""
    return map_structure(lambda x: x.compute() if isinstance(x, OnDevice) else x, values)
