"""Objects by name: what the program registered, and what fkeras's own namespaces hold.

Nothing is ever imported because a config names it. A name is looked up in the scopes of the caller
(`custom_object_scope`, `custom_objects=`), among what the program registered, then in the tables
that fkeras's own namespaces filled. Configs name fkeras's own classes as Keras does
(`keras.layers`, `Dense`), so that they travel both ways.
"""

import importlib

from fkeras.core.config.scopes import scoped
from fkeras.errors import UserInputError

registered: dict[str, object] = {}  # "package>name" -> class or function, registered by the program


names_of_objects: dict[object, str] = {}  # and back


builtins_by_name: dict[tuple[str, str], object] = {}  # ("keras.layers", "Dense") -> class


homes: dict[object, str] = {}  # class or function -> "keras.layers"


def _loader(module: str) -> None:
    """Loads the room that fills the table of a public module: one of a fixed list, whatever a
    config says.
    """
    if module in HOMES:
        importlib.import_module("fkeras" + module[len("keras") :])


def add_builtins(module: str, objects) -> None:
    """Fills the table of a public module such as `'keras.layers'` with fkeras's own objects (a dict
    by name).
    """
    for name, obj in dict(objects).items():
        builtins_by_name[module, name] = obj
        homes.setdefault(obj, module)


def builtins_of(module: str) -> dict:
    """The table of one module by name."""
    _loader(module)
    return {name: obj for (m, name), obj in builtins_by_name.items() if m == module}


def is_builtin(obj) -> bool:
    return obj in homes


def get_custom_objects() -> dict:
    """The table of registered objects itself: what is put in stays registered."""
    return registered


def register_keras_serializable(package: str = "Custom", name: str | None = None):
    """Class decorator (functions too): the object can be found again by `package>name` when a
    config names it.

    Args:
        package: namespace of the name.
        name: name in it; None for the object's own.

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

    def decorate(obj):
        if isinstance(obj, type) and not hasattr(obj, "get_config"):
            raise UserInputError(
                f"Cannot register class {obj.__name__!r}: it has no `get_config()` method. Define "
                "one that returns the arguments of its constructor as a dict."
            )
        if not (isinstance(obj, type) or callable(obj)):
            raise UserInputError(f"Cannot register {obj!r}: expected a class or a function.")
        full = f"{package}>{name or obj.__name__}"
        registered[full], names_of_objects[obj] = obj, full
        return obj

    return decorate


def get_registered_name(obj) -> str:
    """`package>name` of a registered object, else its own name."""
    try:
        return names_of_objects.get(obj, None) or obj.__name__
    except TypeError:
        return obj.__name__


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The class or function registered under a name, or None."""
    for table in (custom_objects or {}, *reversed(scoped.scopes), registered, module_objects or {}):
        if name in table:
            return table[name]
    return None


def _builtin_of(home, name):
    _loader(home)
    return builtins_by_name.get((home, name))


def find(module: str | None, name: str, registered_name: str | None = None, custom_objects=None):
    """The object that a config names, or None."""
    for key in (registered_name, name):
        if key:
            found = get_registered_object(key, custom_objects)
            if found is not None:
                return found
    if not module:
        return next(
            (found for home in HOMES if (found := _builtin_of(home, name)) is not None), None
        )
    public = module.replace("fkeras", "keras", 1) if module.startswith("fkeras") else module
    public = public.replace("tf_keras", "keras").replace("tensorflow.keras", "keras")
    if public.split(".")[0] != "keras":
        return None
    if public.startswith("keras.src"):
        own = ".".join(
            ["keras", *public.split(".")[2:3]]
        )  # keras.src.initializers.x: names such as Identity are in layers too
        for home in sorted(HOMES, key=lambda home: home != own):
            found = find(home, name)
            if found is not None:
                return found
        return None
    _loader(public)
    found = builtins_by_name.get((public, name))
    if found is None and public == "keras":
        for home in HOMES:
            _loader(home)
            if (home, name) in builtins_by_name:
                return builtins_by_name[home, name]
    return found


# Where fkeras's own classes can live, for configs that name an internal module of Keras.
HOMES = (
    "keras.layers",
    "keras.models",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.losses",
    "keras.metrics",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.dtype_policies",
    "keras.random",
    "keras.activations",
    "keras.callbacks",
    "keras.ops",
)
