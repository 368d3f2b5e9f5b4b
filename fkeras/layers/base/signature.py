"""How a layer's `call` can be called, read once for each class."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import names
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable
from fkeras.errors import UserTypeError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fkeras.layers.base.layer import Layer
    from fkeras.types import Nested, Shape


class CallSignature:
    """Names of the parameters of `call` and which of them are special.

    Args:
        function: the function behind `call`.
        takes_self: whether its first parameter is the layer.

    Attributes:
        parameters: parameters by name, without the layer.
        positional: names of those that may be given by position.
        var_positional, var_keyword: names of `*args` and `**kwargs`, or None.
        has_training: whether `training` is among them.
        training_default: its default; None where it has none.
        mask_names: `mask` and names that end in `_mask`.
        required: names of positional parameters without a default.
    """

    def __init__(self, function: Callable[..., Any], takes_self: bool = True) -> None:
        kinds = inspect.Parameter
        parameters = list(inspect.signature(function).parameters.values())
        if takes_self:  # whatever it is called
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
            TypeError: as Python would, naming the layer; an unknown keyword with the nearest ones.
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
            if not (name in self.parameters or self._takes_more(name, layer)):
                raise self._unexpected(name, layer)
            arguments[name] = value
        for name in self.required:
            if name not in arguments:
                raise TypeError(
                    f"{_describe(layer)}.call() is missing the argument '{name}': {self.text()}"
                )
        return arguments

    def refuse_unknown(self, names: Iterable[str], layer: Layer, options: Sequence[str]) -> None:
        """An error for a keyword that the layer's `call` does not take.

        Args:
            names: of all keywords.
            layer: whose signature it is.
            options: what the caller takes itself, for the hint.

        Raises:
            UserTypeError: names the nearest ones.
        """
        for name in names:
            if not (name in self.parameters or self._takes_more(name, layer)):
                raise self._unexpected(name, layer, options)

    def _takes_more(self, name: str, layer: Layer) -> bool:
        """Whether `**kwargs` takes the keyword, and something is done with it."""
        return self.var_keyword is not None and layer._passes_on(name)

    def _unexpected(self, name: str, layer: Layer, options: Sequence[str] = ()) -> UserTypeError:
        return unexpected_keyword(
            f"{_describe(layer)}.call()",
            name,
            self.text(),
            [*self.parameters, *layer._passed_on(), "training", *options],
        )

    def text(self) -> str:
        """The parameters as they stand in the source, for messages."""
        return plain_text(self.parameters.values())


# Under which names other libraries have what is called `training` here.
_TRAINING_ELSEWHERE = ("train", "is_training", "is_train", "train_mode")
_INFERENCE_ELSEWHERE = ("deterministic", "inference", "use_running_average", "eval", "test")


def unexpected_keyword(
    who: str, name: str, arguments: str, candidates: Iterable[str]
) -> UserTypeError:
    """The error for a keyword that a call does not take; the caller raises it.

    Args:
        who: what was called.
        name: the keyword.
        arguments: what it takes, as text.
        candidates: names that may have been meant.
    """
    hint = ""
    close = nearest(name, candidates)
    if name in _TRAINING_ELSEWHERE:
        hint = f" Did you mean 'training'? It is what `{name}` is here."
    elif name in _INFERENCE_ELSEWHERE:
        hint = f" Did you mean 'training'? It is the opposite of `{name}`."
    elif close:
        hint = f" Did you mean {' or '.join(repr(c) for c in close)}?"
    return UserTypeError(
        f"{who} got an unexpected keyword argument '{name}'. Its arguments: {arguments}.{hint}"
    )


def takes(layer: Layer, name: str) -> bool:
    """Whether a layer, or one that it passes its arguments on to, does something with an argument
    of this name.
    """
    call = of(layer)
    return name in call.parameters or call.var_keyword is not None and layer._passes_on(name)


def plain_text(parameters: Iterable[inspect.Parameter]) -> str:
    """Parameters as a message shows them: names and defaults, without annotations."""
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return "(" + ", ".join(map(str, bare)) + ")"


def _first_of_kind(parameters: list[inspect.Parameter], kind: Any) -> str | None:
    return next((p.name for p in parameters if p.kind is kind), None)


def _describe(layer: Layer) -> str:
    return f"Layer '{layer.name}' ({type(layer).__name__})"


def describe_call(layer: Layer, method: str = "call") -> str:
    """A method of a layer as the subject of a message, with the layer's place if it has one."""
    path = names.current_path()
    place = f", at '{path}'," if path and path not in ("", layer.name) else ""
    return f"`{method}` of layer '{layer.name}' ({type(layer).__name__}){place}"


def without_outputs(layer: Layer) -> str:
    """What to say where the outputs of a layer are needed and its `call` returned None."""
    return f"{describe_call(layer)} returned None. Does its last line lack a `return`?"


@functools.cache
def _signature_of(function: Callable[..., Any], takes_self: bool) -> CallSignature:
    return CallSignature(function, takes_self)


def of(layer: Layer) -> CallSignature:
    """The signature of the layer's `call`, also of one that was set on the object itself."""
    own = layer.__dict__.get("call")
    if own is not None:  # a bound method, or a function that knows no layer
        return _signature_of(getattr(own, "__func__", own), hasattr(own, "__func__"))
    return _signature_in(type(layer), type(layer).call)


@functools.cache
def _signature_in(cls: type, call: Callable[..., Any]) -> CallSignature:
    is_static = isinstance(inspect.getattr_static(cls, "call"), staticmethod)
    return _signature_of(getattr(call, "__func__", call), not is_static)


@functools.cache
def parameter_names(method: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters of a method, as it stands in its class, without the first."""
    return tuple(inspect.signature(method).parameters)[1:]


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
