"""`tf.Module`: an object whose Variables are found in its attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from fkeras.core import names
from fkeras.core.values.variable import Variable
from fkeras.layers import Layer
from fkeras.metrics import Metric

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Module:
    """An object with Variables, modules and layers as attributes, also in lists and dicts.

    Args:
        name: of the module; None for one made of the class.

    Examples:
        >>> import fkeras
        >>> class Line(Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.slope = fkeras.Variable(2.0)
        ...         self.steps = fkeras.Variable(0, trainable=False)
        >>> len(Line().variables), len(Line().trainable_variables)
        (2, 1)
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name or names.to_snake_case(type(self).__name__)

    @property
    def name(self) -> str:
        """Of the module."""
        return getattr(self, "_name", names.to_snake_case(type(self).__name__))

    @property
    def name_scope(self) -> AbstractContextManager:
        """Inside, Variables are named after the module."""
        return names.scope(self.name)

    @classmethod
    def with_name_scope(cls, method: _Method) -> _Method:
        """Decorator: the method runs in the name scope of its module. Names are no part of what is
        saved, so that nothing depends on it.
        """
        return method

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All, each once: its own by the names of attributes, then those of what is in it."""
        return tuple(_variables_of(self))

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """Those that training changes."""
        return tuple(v for v in _variables_of(self) if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        """The others."""
        return tuple(v for v in _variables_of(self) if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules and layers in it, and in those."""
        return tuple(part for part in _parts_of(self) if part is not self)


def children(owner: Any) -> Iterator[tuple[str, Any]]:
    """(name, thing) for what a module, list or dict holds, by the names of attributes."""
    if isinstance(owner, Module):
        yield from ((name, vars(owner)[name]) for name in sorted(vars(owner)) if name != "_name")
    elif isinstance(owner, Mapping):
        yield from ((str(key), value) for key, value in owner.items())
    elif isinstance(owner, (list, tuple)):
        yield from ((str(i), value) for i, value in enumerate(owner))


def _held_by(owner: Any) -> Iterator[Any]:
    """Variables, modules and layers that a module holds itself, in lists and dicts too."""
    for _, value in children(owner):
        if isinstance(value, (Variable, Module, Layer, Metric)):
            yield value
        else:
            yield from _held_by(value)


def _parts_of(owner: Any) -> list[Any]:
    """The module and all modules and layers below it, each once."""
    seen: dict[int, Any] = {}
    waiting = [owner]
    while waiting:
        part = waiting.pop(0)
        if id(part) in seen:
            continue
        seen[id(part)] = part
        inner = part._flatten_layers(include_self=False) if isinstance(part, Layer) else ()
        held = _held_by(part) if isinstance(part, Module) else inner
        waiting[:0] = [one for one in held if not isinstance(one, Variable)]
    return list(seen.values())


def _variables_of(owner: Any) -> list[Variable]:
    found: dict[int, Variable] = {}
    for part in _parts_of(owner):
        own = part.variables if isinstance(part, (Layer, Metric)) else _held_by(part)
        for variable in own:
            if isinstance(variable, Variable):
                found.setdefault(id(variable), variable)
    return list(found.values())


NAMES: dict[str, Any] = {"Module": Module}
