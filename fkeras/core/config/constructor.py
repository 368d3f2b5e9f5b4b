"""A constructor's arguments as a config."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fkeras.types import Config

_MISSING = object()


def config_from_signature(
    obj: object,
    arguments: Mapping[str, Any],
    convert: Callable[[str, Any], Any] = lambda name, value: value,
) -> Config:
    """The constructor's arguments as they stand on the object.

    The attribute of the same name, else what the constructor was given.

    Base classes' arguments count as long as each constructor passes further ones on (`**kwargs`).

    Args:
        obj: the object.
        arguments: what its constructor was called with, by name.
        convert: function (name, value) -> value that makes objects plain.
    """
    config: dict[str, Any] = {}
    for cls in type(obj).__mro__:
        init = cls.__dict__.get("__init__")
        if init is None:
            continue
        parameters = _parameters_of(init)
        for p in parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or p.name in config:
                continue
            value = getattr(obj, p.name, _MISSING)
            # A method of an argument's name says nothing about the argument.
            if value is _MISSING or inspect.ismethod(value):
                value = arguments.get(p.name, p.default)
            if value is not inspect.Parameter.empty:
                config[p.name] = convert(p.name, _plain_number(value))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return config


@functools.lru_cache(maxsize=512)  # reading a signature takes most of the time of a config
def _parameters_of(init: Callable) -> tuple[inspect.Parameter, ...]:
    """The parameters of a constructor, without self."""
    return tuple(inspect.signature(init).parameters.values())[1:]


def _plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's, which files can hold, also in lists and tuples."""
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(map(_plain_number, value))
    return value


def bind_arguments(cls: type, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a constructor call by name; those that went into **kwargs too.

    Args:
        cls: the class.
        args, kwargs: what it was called with. Where they do not fit, the keywords alone count.
    """
    try:
        signature = inspect.signature(cls.__init__)
        bound = signature.bind(None, *args, **kwargs)
    except (TypeError, ValueError):
        return dict(kwargs)
    by_name: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:  # without self
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            by_name.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            by_name[name] = value
    return by_name
