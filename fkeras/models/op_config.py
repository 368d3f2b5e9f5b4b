"""Functions of `ops` in the configs of functional models, as Keras writes them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fkeras import ops
from fkeras.models.keras_operations import BY_CLASS, BY_CLASS_ALONE, BY_FUNCTION, KerasOperation

if TYPE_CHECKING:
    from fkeras.types import Config


class RevivedOp:
    """A function of `ops` with the options that a config has for it.

    Args:
        keras_operation: the function.
        options: arguments by name.
    """

    def __init__(self, keras_operation: KerasOperation, options: Mapping[str, Any]) -> None:
        self._function = _function_of(keras_operation)
        self._options = options

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = tuple(args)
        if self._function is ops.get_item:  # JSON has no tuples, and a list is another index
            args = tuple(tuple(key) if isinstance(key, list) else key for key in args)
        return _call(self._function, self._options, args, kwargs)


def describe_op(
    function: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Config, tuple[Any, ...], dict[str, Any]] | None:
    """(config, arguments of the call by position, by name) in Keras's form.

    None for a function that Keras has no class for.

    Args:
        function: of `ops`.
        name: of the operation in its graph.
        args, kwargs: what it was called with.
    """
    row = BY_FUNCTION.get(function.__name__)
    if row is None or _function_of(row) is not function:
        return None
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    options: Config = {}
    positional: list[Any] = []
    named: dict[str, Any] = {}
    by_name = False
    for parameter, value in bound.arguments.items():
        kind = bound.signature.parameters[parameter].kind
        if parameter in row.options:
            options[parameter] = value
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            positional.extend(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif _is_default(bound.signature.parameters[parameter], value):
            by_name = True  # Keras's class need not know it
        elif by_name:
            named[parameter] = value
        else:
            positional.append(value)
    config = {
        "module": row.module,
        "class_name": row.class_name,
        "config": {"name": name, **options},
        "registered_name": row.class_name,
    }
    return config, tuple(positional), named


def revive_op(entry: Config) -> RevivedOp | None:
    """The function that an entry of a config stands for; None where it is none of Keras's."""
    config = entry.get("config") or {}
    row = BY_CLASS.get((entry.get("module"), entry.get("class_name")))
    if "module" not in entry and "trainable" not in config:  # in a `.h5`, and no layer
        row = BY_CLASS_ALONE.get(entry.get("class_name"))
    if row is None:
        return None
    return RevivedOp(row, {key: value for key, value in config.items() if key in row.options})


def _function_of(row: KerasOperation) -> Callable[..., Any]:
    return operator.attrgetter(row.function)(ops)


def _is_default(parameter: inspect.Parameter, value: Any) -> bool:
    default = parameter.default
    return default is not inspect.Parameter.empty and (value is default or value is None)


def _call(
    function: Callable[..., Any],
    options: Mapping[str, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Calls a function with options by name, and the rest in the order of its parameters."""
    signature = inspect.signature(function)
    named = {**kwargs, **options}
    rest = list(args)
    arguments: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            arguments[name] = tuple(rest)
            rest = []
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            arguments[name] = {key: value for key, value in named.items() if key not in arguments}
        elif name in named:
            arguments[name] = named[name]
        elif rest:
            arguments[name] = rest.pop(0)
    bound = inspect.BoundArguments(signature, arguments)
    return function(*bound.args, *rest, **bound.kwargs)
