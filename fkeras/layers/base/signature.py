"""How a layer's `call` can be called, read once for each class."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fkeras.layers.base.layer import Layer
    from fkeras.types import Nested, Shape


class CallSignature:
    """Names of the parameters of `call` and which of them are special.

    Attributes:
        parameters: parameters by name, without the first (`self`).
        positional: names of those that may be given by position.
        var_positional, var_keyword: names of `*args` and `**kwargs`, or None.
        has_training: whether `training` is among them.
        training_default: its default; None where it has none.
        mask_names: `mask` and names that end in `_mask`.
        required: names of positional parameters without a default.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        kinds = inspect.Parameter
        parameters = list(inspect.signature(function).parameters.values())
        if parameters and parameters[0].name == "self":
            parameters = parameters[1:]
        by_position = (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        self.parameters = {p.name: p for p in parameters}
        self.positional = [p.name for p in parameters if p.kind in by_position]
        self.var_positional = _first_of_kind(parameters, kinds.VAR_POSITIONAL)
        self.var_keyword = _first_of_kind(parameters, kinds.VAR_KEYWORD)
        self.has_training = "training" in self.parameters
        default = self.parameters["training"].default if self.has_training else None
        self.training_default = None if default is kinds.empty else default
        self.mask_names = [n for n in self.parameters if n == "mask" or n.endswith("_mask")]
        self.required = [n for n in self.positional if self.parameters[n].default is kinds.empty]

    def takes(self, name: str) -> bool:
        """Whether an argument of this name may be given."""
        return name in self.parameters or self.var_keyword is not None

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any], layer: Layer) -> dict[str, Any]:
        """Arguments by name, given ones only, positional ones first.

        Raises:
            TypeError: as Python would, naming the layer.
        """
        arguments = dict(zip(self.positional, args))
        if len(args) > len(self.positional):
            if self.var_positional is None:
                raise TypeError(
                    f"{_describe(layer)}.call() takes {len(self.positional)} positional arguments "
                    f"but {len(args)} were given: {self.text()}"
                )
            arguments[self.var_positional] = args[len(self.positional) :]
        for name, value in kwargs.items():
            if name in arguments:
                raise TypeError(
                    f"{_describe(layer)}.call() got multiple values for argument '{name}'"
                )
            if not self.takes(name):
                raise TypeError(
                    f"{_describe(layer)}.call() got an unexpected keyword argument '{name}'. Its "
                    f"arguments: {self.text()}"
                )
            arguments[name] = value
        for name in self.required:
            if name not in arguments:
                raise TypeError(
                    f"{_describe(layer)}.call() is missing the argument '{name}': {self.text()}"
                )
        return arguments

    def text(self) -> str:
        """The parameters as they stand in the source, for messages."""
        return plain_text(self.parameters.values())


def plain_text(parameters: Iterable[inspect.Parameter]) -> str:
    """Parameters as a message shows them: names and defaults, without annotations."""
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return "(" + ", ".join(map(str, bare)) + ")"


def _first_of_kind(parameters: list[inspect.Parameter], kind: Any) -> str | None:
    return next((p.name for p in parameters if p.kind is kind), None)


def _describe(layer: Layer) -> str:
    return f"Layer '{layer.name}' ({type(layer).__name__})"


@functools.cache
def _signature_of(function: Callable[..., Any]) -> CallSignature:
    return CallSignature(function)


def of(layer: Layer) -> CallSignature:
    """The signature of the layer's `call`, also of one that was set on the object itself."""
    call = layer.__dict__.get("call") or type(layer).call
    return _signature_of(getattr(call, "__func__", call))


@functools.cache
def parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a method's parameters without self."""
    return tuple(name for name in inspect.signature(function).parameters if name != "self")


class ConstructorSignature:
    """Class attribute that shows tools (`help`, `inspect.signature`, editors) the arguments of the
    constructor: `Layer.__new__` takes whatever comes and would hide them.
    """

    def __get__(self, obj: Any, owner: type) -> inspect.Signature:
        if obj is not None:
            raise AttributeError("__signature__")  # of an instance: that of its `__call__`
        signature = inspect.signature(owner.__init__)
        parameters = list(signature.parameters.values())[1:]  # without self
        return signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)


def is_tensor(x: Any) -> bool:
    """Whether a value has a shape and a dtype: arrays of any library, Variables, KerasTensors."""
    return isinstance(x, (KerasTensor, jax.Array, np.ndarray, Variable)) or (
        hasattr(x, "shape") and hasattr(x, "dtype")
    )


def shape_of(structure: Any) -> Nested[Shape | None]:
    """Shapes in the place of tensors; None in the place of anything else."""
    if isinstance(structure, dict):
        return {key: shape_of(value) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(shape_of(value) for value in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(shape_of(value) for value in structure)
    return tuple(structure.shape) if hasattr(structure, "shape") else None
