"""How a layer's `call` can be called, found once for each class."""

import functools
import inspect

import jax
import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable


class CallSignature:
    """Names of the parameters of `call` and which of them are special."""

    def __init__(self, function):
        self.signature = inspect.signature(function)
        parameters = list(self.signature.parameters.values())
        if parameters and parameters[0].name == "self":
            parameters = parameters[1:]
        self.parameters = {p.name: p for p in parameters}
        kinds = inspect.Parameter
        self.positional = [
            p.name
            for p in parameters
            if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ]
        self.var_positional = next(
            (p.name for p in parameters if p.kind is kinds.VAR_POSITIONAL), None
        )
        self.var_keyword = next((p.name for p in parameters if p.kind is kinds.VAR_KEYWORD), None)
        self.has_training = "training" in self.parameters
        default = self.parameters["training"].default if self.has_training else None
        self.training_default = None if default is inspect.Parameter.empty else default
        self.mask_names = [n for n in self.parameters if n == "mask" or n.endswith("_mask")]
        self.defaults = {
            p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty
        }

    def bind(self, args, kwargs, who):
        """Arguments by name (given ones only, in order of the signature). Raises a TypeError as
        Python would, naming the layer.
        """
        given = dict(zip(self.positional, args))
        if len(args) > len(self.positional):
            if self.var_positional is None:
                raise TypeError(
                    f"{who}.call() takes {len(self.positional)} positional arguments but "
                    f"{len(args)} were given: {self.text()}"
                )
            given[self.var_positional] = args[len(self.positional) :]
        for name, value in kwargs.items():
            if name in given:
                raise TypeError(f"{who}.call() got multiple values for argument '{name}'")
            if name not in self.parameters and self.var_keyword is None:
                raise TypeError(
                    f"{who}.call() got an unexpected keyword argument '{name}'. Its arguments: "
                    f"{self.text()}"
                )
            given[name] = value
        for name in self.positional:
            if name not in given and name not in self.defaults:
                raise TypeError(f"{who}.call() is missing the argument '{name}': {self.text()}")
        return given

    def text(self) -> str:
        return "(" + ", ".join(str(p) for p in self.parameters.values()) + ")"


@functools.cache
def _signature_of(function):
    return CallSignature(function)


def of(layer) -> CallSignature:
    call = layer.__dict__.get("call") or type(layer).call
    return _signature_of(getattr(call, "__func__", call))


@functools.cache
def parameter_names(function) -> tuple:
    """Names of a method's parameters without self."""
    return tuple(n for n in inspect.signature(function).parameters if n != "self")


def is_tensor(x) -> bool:
    return isinstance(x, (KerasTensor, jax.Array, np.ndarray, Variable)) or (
        hasattr(x, "shape") and hasattr(x, "dtype")
    )


def shape_of(structure):
    """Shapes in the place of tensors."""
    if isinstance(structure, dict):
        return {k: shape_of(v) for k, v in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(shape_of(v) for v in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(shape_of(v) for v in structure)
    return tuple(structure.shape) if hasattr(structure, "shape") else None
