"""The modules that a script gets for `keras`, `tensorflow` and `tf_keras`.

They are never entered in `sys.modules`: there every library would take them for the real thing.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import types
from typing import TYPE_CHECKING, Any

import fkeras
from fkeras.compat import former_modules, methods
from fkeras.core import former_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

KERAS_VERSION = "3.15.1"
TENSORFLOW_VERSION = "2.19.0"
TENSORFLOW = ("tensorflow", "tf_keras")
ROOTS = ("keras", *TENSORFLOW)

# Rooms of fkeras, and Keras's own private one.
_NOT_KERAS = ("compat", "core", "errors", "io", "keras2", "src", "types")
# Modules of Keras that TensorFlow has under its own name, too.
_OF_KERAS = ("initializers", "losses", "metrics", "optimizers")


class Loader(importlib.abc.Loader):
    """For the `__spec__` of stand-ins."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name, {}, lambda name: getattr(find(spec.name), name))

    def exec_module(self, module: ModuleType) -> None:
        pass  # complete as it is


class StandIn(types.ModuleType):
    """A module whose further names come from a function.

    Args:
        name: of the module.
        contents: the names that it has.
        more: function (name) -> value for the others; raises AttributeError for unknown ones.
    """

    def __init__(self, name: str, contents: Mapping[str, Any], more: Callable[[str], Any]) -> None:
        super().__init__(name)
        self.__dict__.update(
            contents, __path__=[], __spec__=spec_of(name), __package__=name, _more=more
        )
        self.__loader__ = self.__spec__.loader

    def __getattr__(self, name: str) -> Any:
        return self._more(name)

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return find, (self.__name__,)

    def __dir__(self) -> list[str]:
        own = {name for name in vars(self) if not name.startswith("_")}
        if isinstance(self, FormerModule):
            return sorted(own | set(self.__all__))
        if self.__name__ == "keras":
            return sorted(own | {"__version__", *dir(fkeras)} - {*_NOT_KERAS})
        from fkeras.compat.tensorflow import namespaces

        path = self.__name__.removeprefix("tensorflow").strip(".")
        return sorted({*own, *namespaces.names_of(path), *(() if path else _OF_KERAS)})


def spec_of(name: str) -> ModuleSpec:
    """What `importlib.util.find_spec` gives for a stand-in."""
    return importlib.machinery.ModuleSpec(name, Loader(), origin="fkeras", is_package=True)


def _fkeras_name(name: str) -> Any:
    """A name of `keras`. fkeras's own rooms are not among them."""
    if name in _NOT_KERAS:
        raise AttributeError(f"`keras.{name}` is not a public name of Keras")
    if former_modules.has(name):
        former_modules.tell(name)
        return _former_module(name)
    value = getattr(fkeras, name)
    methods.add_if_wanted()
    return value


class FormerModule(StandIn):
    """A stand-in that Keras 1 had a function of the same name beside: `layers.merge`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        room, _, name = self.__name__.removeprefix("keras.").rpartition(".")
        function = former_names.find(room, name)
        if function is None:
            raise TypeError(f"the module {self.__name__!r} is not callable")
        return function(*args, **kwargs)


@functools.cache
def _former_module(name: str) -> FormerModule:
    """The stand-in for a module below `keras` that is a former one, or has one in it."""

    def more(attribute: str) -> Any:
        inner = f"{name}.{attribute}"
        if former_modules.has(inner):
            former_modules.tell(inner)
            return _former_module(inner)
        value = former_modules.find(name, attribute, fkeras)
        methods.add_if_wanted()  # the first name of `keras.layers` loads JAX
        return value

    return FormerModule(f"keras.{name}", {}, more)


keras = StandIn(
    "keras",
    {"__version__": KERAS_VERSION, "__doc__": fkeras.__doc__, "version": lambda: KERAS_VERSION},
    _fkeras_name,
)


def _tensorflow_name(path: str) -> Callable[[str], Any]:
    """The further names of a module of TensorFlow, whose tables are loaded when one is asked for.

    Args:
        path: of the module in `tf`; empty for `tf` itself.
    """

    def more(name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # tools probe for these
        if name in _OF_KERAS and path == "":
            return getattr(keras, name)
        if f"{path}.{name}" == "compat.v2":
            return tensorflow
        from fkeras.compat.tensorflow import namespaces

        methods.add_if_wanted()
        if name in namespaces.parts_of(path):
            return _part(f"{path}.{name}".strip("."))
        value = namespaces.find(path, name)
        _part(path).__dict__[name] = value  # the next time Python finds it by itself
        return value

    return more


# Where `keras` is a name of a module of TensorFlow. `tensorflow.python.keras.layers` and all below
# it thereby mean what `keras.layers` does.
_WITH_KERAS = ("", "compat.v1", "python")


@functools.cache
def _part(path: str) -> StandIn:
    """The module of TensorFlow at a path; empty for `tensorflow` itself."""
    contents = {"keras": keras} if path in _WITH_KERAS else {}
    if path == "":
        contents["__version__"] = TENSORFLOW_VERSION
    return StandIn(f"tensorflow.{path}".strip("."), contents, _tensorflow_name(path))


tensorflow = _part("")
_MODULES = {"keras": keras, "tensorflow": tensorflow, "tf_keras": keras}


def find(name: str) -> types.ModuleType:
    """The module that a script gets for a dotted name.

    Raises:
        ModuleNotFoundError: there is none; says what there is instead.
    """
    root, *rest = name.split(".")
    module: ModuleType = _MODULES[root]
    path = root
    for part in rest:
        module = _child(module, path, part)
        path = f"{path}.{part}"
    return module


def _child(module: ModuleType, path: str, part: str) -> ModuleType:
    """A module in a module, which a script calls `path`."""
    try:
        child = getattr(module, part)
    except AttributeError as error:
        child, reason = None, str(error)
    else:
        reason = f"{path}.{part} is not a module"
    if isinstance(child, types.ModuleType):
        return child
    inner = f"{module.__name__}.{part}"
    if inner.startswith("fkeras."):  # a submodule that its package does not import by itself
        try:
            return importlib.import_module(inner)
        except ModuleNotFoundError as error:
            if error.name != inner:
                raise
    name = f"{path}.{part}"
    raise ModuleNotFoundError(f"No module named '{name}': {reason}", name=name)
