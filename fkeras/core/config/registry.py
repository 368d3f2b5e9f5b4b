"""Objects by name: what the program registered, and what fkeras's own namespaces hold.

Nothing is ever imported because a config names it. A name is looked up in the scopes of the caller
(`custom_object_scope`, `custom_objects=`), among what the program registered, then in the tables
that fkeras's own namespaces filled. Configs name fkeras's own classes as Keras does
(`keras.layers`, `Dense`), so that they travel both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fkeras.core.config import homes, scopes
from fkeras.errors import UserInputError

ObjectT = TypeVar("ObjectT")

_registered: dict[str, Any] = {}  # "package>name" -> class or function, registered by the program
_names_of_registered: dict[Any, str] = {}  # and back

# Whose functions configs name without a module, in Keras too.
_MODULES_OF_FUNCTIONS = (
    "keras.activations",
    "keras.constraints",
    "keras.initializers",
    "keras.losses",
    "keras.metrics",
    "keras.optimizers",
    "keras.regularizers",
)

_builtins: dict[tuple[str, str], Any] = {}  # ("keras.layers", "Dense") -> class
_homes_of_builtins: dict[Any, str] = {}  # class or function -> "keras.layers"


# -- fkeras's own --------------------------------------------------------------


def add_builtins(module: str, objects: Mapping[str, Any]) -> None:
    """Fills the table of a public module such as `'keras.layers'` with fkeras's own objects.

    Args:
        module: the module as Keras names it.
        objects: the objects by name. Where one is in several modules, configs name the first.
    """
    for name, obj in dict(objects).items():
        _builtins[module, name] = obj
        _homes_of_builtins.setdefault(obj, module)


def builtins_of(module: str) -> dict[str, Any]:
    """The table of one module by name."""
    homes.load(module)
    return {name: obj for (home, name), obj in _builtins.items() if home == module}


def is_builtin(obj: Any) -> bool:
    """Whether it is one of fkeras's own classes or functions."""
    return obj in _homes_of_builtins


def home_of(obj: Any) -> str | None:
    """The public module of one of fkeras's own objects, as Keras names it; else None."""
    try:
        return _homes_of_builtins.get(obj)
    except TypeError:  # not hashable
        return None


# -- the program's -------------------------------------------------------------


def get_custom_objects() -> dict[str, Any]:
    """The table of registered objects itself: what is put in stays registered."""
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[ObjectT], ObjectT]:
    """Class decorator (functions too): configs may name the object by `package>name`.

    Args:
        package: namespace of the name.
        name: name in it; None for the object's own.

    Returns:
        A decorator that returns the object itself.

    Raises:
        UserInputError: for a class without `get_config`.

    Examples:
        >>> import fkeras
        >>> @fkeras.saving.register_keras_serializable("my")
        ... class Twice(fkeras.layers.Layer):
        ...     def call(self, x):
        ...         return 2 * x
        >>> fkeras.saving.get_registered_name(Twice)
        'my>Twice'
    """

    def decorate(obj: ObjectT) -> ObjectT:
        if isinstance(obj, type) and not hasattr(obj, "get_config"):
            raise UserInputError(
                "Cannot register a class that does not have a get_config() method: "
                f"{obj.__name__!r}. Define one that returns the arguments of its constructor as a "
                "dict."
            )
        if not (isinstance(obj, type) or callable(obj)):
            raise UserInputError(f"Cannot register {obj!r}: expected a class or a function.")
        full_name = f"{package}>{name or obj.__name__}"
        _registered[full_name] = obj
        _names_of_registered[obj] = full_name
        return obj

    return decorate


def registered_name_of(obj: Any) -> str | None:
    """`package>name` of a registered object, or None."""
    try:
        return _names_of_registered.get(obj)
    except TypeError:  # not hashable: never registered
        return None


def get_registered_name(obj: Any) -> str:
    """`package>name` of a registered object, else its own name."""
    return registered_name_of(obj) or obj.__name__


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The class or function registered under a name, or None.

    Args:
        name: `package>name`, or a plain name.
        custom_objects: looked at first, before the open scopes.
        module_objects: looked at last.
    """
    for table in (
        custom_objects or {},
        *scopes.custom_object_tables(),
        _registered,
        module_objects or {},
    ):
        if name in table:
            return table[name]
    return None


# -- looking up what a config names --------------------------------------------


def find(
    module: str | None,
    name: str,
    registered_name: str | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The object that a config names, or None.

    Args:
        module: the config's module; None where it tells none.
        name: the object's name in it.
        registered_name: `package>name`, or None.
        custom_objects: looked at first.
    """
    # What the caller and the program say comes before fkeras's own: users may replace classes.
    for key in (registered_name, name):
        obj = get_registered_object(key, custom_objects) if key else None
        if obj is not None:
            return obj
    if not module:
        return _search(homes.modules(), name)
    public = _public_name(module)
    if public.split(".")[0] not in ("keras", "tensorflow"):
        return None
    if public.startswith("keras.src"):
        return _search(_modules_nearest_to(public), name)
    obj = _builtin(public, name)
    if obj is None and public == "keras":
        return _search(homes.modules(), name)
    return obj


def module_of_function(fn: Any) -> str:
    """The module that a config gives for a function: Keras's `builtins` for most."""
    home = home_of(fn)
    return "builtins" if home is None or home in _MODULES_OF_FUNCTIONS else home


def find_function(name: str) -> Any:
    """The function that a config names without saying where it is, as Keras's do; or None.

    One of the program's may be named without its package, as Keras wrote it up to 3.6.
    """
    builtin = _search((*_MODULES_OF_FUNCTIONS, "keras.ops"), name)
    if builtin is not None:
        return builtin
    return next((obj for key, obj in _registered.items() if key.endswith(f">{name}")), None)


def names_to_suggest(custom_objects: Mapping[str, Any]) -> list[str]:
    """All names that a config could have meant, for messages."""
    own = (name.split(">")[-1] for name in _registered)
    return [*custom_objects, *own, *(name for _, name in _builtins)]


def _search(modules: tuple[str, ...], name: str) -> Any:
    return next((obj for m in modules if (obj := _builtin(m, name)) is not None), None)


def _builtin(module: str, name: str) -> Any:
    homes.load(module)
    return _builtins.get((module, name))


def _public_name(module: str) -> str:
    """Keras's name for a module of fkeras's, or of one of Keras's other packages."""
    if module.startswith("fkeras"):
        module = module.replace("fkeras", "keras", 1)
    return module.replace("tf_keras", "keras").replace("tensorflow.keras", "keras")


def _modules_nearest_to(internal: str) -> tuple[str, ...]:
    """All public modules, that of an internal one such as `keras.src.initializers.x` first.

    Names such as Identity are in layers too.
    """
    own = ".".join(["keras", *internal.split(".")[2:3]])
    return tuple(sorted(homes.modules(), key=lambda module: module != own))
