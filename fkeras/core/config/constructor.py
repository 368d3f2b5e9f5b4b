"""A constructor's arguments as a config."""

import inspect


def config_from_signature(obj, arguments: dict, convert=lambda name, value: value) -> dict:
    """The constructor's arguments as they stand on the object: attribute of the same name, else
    what the constructor was given.

    Args:
        obj: the object.
        arguments: what its constructor was called with, by name.
        convert: function (name, value) -> value that makes objects plain.
    """
    config: dict = {}
    for cls in type(obj).__mro__:
        init = cls.__dict__.get("__init__")
        if init is None:
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        for p in parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or p.name in config:
                continue
            value = getattr(obj, p.name, _MISSING)
            if value is _MISSING or (callable(value) and inspect.ismethod(value)):
                value = arguments.get(p.name, p.default)
            if value is not inspect.Parameter.empty:
                config[p.name] = convert(p.name, value)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return config


_MISSING = object()


def bind_arguments(cls, args, kwargs) -> dict:
    """Arguments of a constructor call by name; those that went into **kwargs too."""
    try:
        signature = inspect.signature(cls.__init__)
        bound = signature.bind(None, *args, **kwargs)
    except (TypeError, ValueError):
        return dict(kwargs)
    made: dict = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            made.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            made[name] = value
    return made
