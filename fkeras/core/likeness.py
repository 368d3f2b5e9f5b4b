"""`likeness`: whether two object graphs would make the same program, as a key that can be compared.

The key holds what objects are, attribute by attribute, and which of them are one object. It exists
only where every function that could be reached is fkeras's own or a named one of the libraries
below: what a user's function does depends on more than can be seen.

Names of what no computation reads (caches, histories, automatic names) stand in the classes
themselves, as `_apart`. What searches names (`re.Pattern`) has no key: automatic names are others
in each model.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
import types
from collections.abc import Hashable, Mapping
from typing import Any, TypeAlias

import jax
import numpy as np

Token: TypeAlias = Hashable

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OWN = "fkeras"
_LIBRARIES = frozenset(
    ("fkeras", "jax", "jaxlib", "flax", "optax", "numpy", "ml_dtypes", "builtins", "functools")
)
# Of JAX, whose functions somebody may replace while trying something out.
_OF_JAX = frozenset(("jax.numpy", "jax.nn", "jax.lax", "jax.random", "jax.image"))
_PLAIN = (type(None), bool, int, str, bytes, float, complex, type(Ellipsis), type(NotImplemented))
_WRAPPERS = {
    staticmethod: "__func__",
    classmethod: "__func__",
    property: "fget",
    functools.cached_property: "func",
}
_MOST_BYTES = 1 << 16  # of an array that is compared by value


class ForeignError(Exception):
    """Something was met that only its owner knows."""


def likeness(
    *roots: Any, known: Mapping[int, Token], renamed: Mapping[str, str]
) -> tuple[Token, ...] | None:
    """A key of object graphs; None where a part of them is the user's.

    Args:
        *roots: objects.
        known: by the ids of objects, what stands for them in the key.
        renamed: strings that are names, with what stands for them.
    """
    walk = _Walk(known, renamed)
    try:
        for root in roots:
            walk.visit(root)
    except (ForeignError, RecursionError):
        return None
    return tuple(walk.tokens)


class _Library:
    """Remembers fkeras's modules as they were last, which is nearly always as they are.

    Attributes:
        versions: the number of each state that they were in.
        present, version: the values of their names when they were last looked at, and its number.
    """

    def __init__(self) -> None:
        self.versions: dict[tuple[Token, ...], int] = {}
        self.present: list[Any] = []
        self.version = -1


_library = _Library()


def library() -> int | None:
    """A number for fkeras's modules, and JAX's, as they are now: their functions are theirs, and
    their plain values have these values. None where somebody has put a function in a place of
    theirs.
    """
    spaces = [
        (name, vars(module))
        for name, module in list(sys.modules.items())
        if module is not None and (name.partition(".")[0] == _OWN or name in _OF_JAX)
    ]
    present = [value for _, space in spaces for value in list(space.values())]
    before = _library.present
    if len(present) == len(before) and all(map(operator.is_, present, before)):
        return _library.version
    tokens: list[Token] = []
    try:
        for name, space in spaces:
            _add_namespace(tokens, name, space, frozenset())
    except ForeignError:
        return None
    versions = _library.versions
    _library.version = versions.setdefault(tuple(tokens), len(versions))
    _library.present = present
    return _library.version


class _Walk:
    """One walk over object graphs, depth first."""

    def __init__(self, known: Mapping[int, Token], renamed: Mapping[str, str]) -> None:
        self.tokens: list[Token] = []
        self._known = known
        self._renamed = renamed
        self._seen: dict[int, tuple[int, Any]] = {}  # with the object, which keeps its id its own
        self._classes: set[type] = set()

    def visit(self, value: Any) -> None:
        """Adds what a value is."""
        kind = type(value)
        if kind is str:
            self.tokens += kind, self._renamed.get(value, value)
            return
        if kind in _PLAIN:
            # `repr` tells -0.0 from 0.0, and a NaN is like itself.
            self.tokens += kind, repr(value) if kind in (float, complex) else value
            return
        if id(value) in self._known:
            self.tokens += "known", self._known[id(value)]
            return
        if id(value) in self._seen:
            self.tokens += "again", self._seen[id(value)][0]
            return
        self._seen[id(value)] = len(self._seen), value
        self._describe(kind, value)

    def _describe(self, kind: type, value: Any) -> None:
        if kind in (tuple, list):
            self._add_items(kind, value)
        elif kind in (dict, types.MappingProxyType):
            self.tokens += kind, len(value)
            for key, item in value.items():
                self.visit(key)
                self.visit(item)
        elif kind in (set, frozenset):
            self._add_items(kind, sorted(value, key=repr) if _is_plain(value) else _refuse(value))
        elif isinstance(value, (np.ndarray, np.generic, jax.Array)):
            self._add_array(kind, value)
        elif isinstance(value, (type, np.dtype)) or _is_named_function(value):
            self._add_named(value)
        elif kind is functools.partial:
            self._add_items(kind, [value.func, value.args, value.keywords])
        elif kind is types.MethodType:
            self._add_items(kind, [value.__func__, value.__self__])
        elif kind is types.FunctionType:
            self._add_function(value)
        else:
            self._add_object(kind, value)

    def _add_items(self, kind: type, items: Any) -> None:
        self.tokens += kind, len(items)
        for item in items:
            self.visit(item)

    def _add_array(self, kind: type, value: Any) -> None:
        is_gone = isinstance(value, jax.Array) and (
            isinstance(value, jax.core.Tracer) or value.is_deleted()
        )
        if is_gone or value.nbytes > _MOST_BYTES:
            _refuse(value)
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            value = jax.random.key_data(value)
        array = np.asarray(value)
        if array.dtype.hasobject:
            _refuse(value)
        weak = getattr(value, "weak_type", None)
        self.tokens += kind, str(array.dtype), array.shape, weak, array.tobytes()

    def _add_named(self, value: Any) -> None:
        if isinstance(value, np.dtype):
            self.tokens += np.dtype, str(value)
            return
        module, name = _place_of(value)
        self.tokens += "named", module, name
        if isinstance(value, type):
            self._add_class(value)

    def _add_function(self, value: types.FunctionType) -> None:
        """A function that was made in a function of ours, with what it closes over."""
        if not _is_ours(value):
            _refuse(value)
        self.tokens += types.FunctionType, id(value.__code__)
        self.visit(value.__defaults__)
        self.visit(value.__kwdefaults__)
        for cell in value.__closure__ or ():
            self.visit(cell.cell_contents)

    def _add_object(self, kind: type, value: Any) -> None:
        if not _is_of_libraries(kind):
            _refuse(value)
        self._add_named(kind)
        apart = _apart_of(kind)
        for name, part in _attributes(value):
            if name not in apart:
                self.tokens.append(name)
                self.visit(part)
        if isinstance(value, (tuple, list)):
            self._add_items(kind, list(value))
        elif isinstance(value, dict):
            self._add_items(kind, list(value.items()))

    def _add_class(self, kind: type) -> None:
        """What a class and those above it hold, once."""
        for base in kind.__mro__:
            if base in self._classes:
                continue
            self._classes.add(base)
            if base.__module__.partition(".")[0] == _OWN:
                _add_namespace(self.tokens, base.__qualname__, vars(base), _apart_of(base))


def _refuse(value: Any) -> Any:
    raise ForeignError(type(value))


def _is_plain(values: Any) -> bool:
    return all(type(value) in _PLAIN for value in values)


def _place_of(value: Any) -> tuple[str, str]:
    """(module, name) where something is found again, of the libraries that are known."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or module.partition(".")[0] not in _LIBRARIES:
        _refuse(value)
    found: Any = sys.modules.get(module)
    for part in (name or "").split("."):
        found = getattr(found, part, None)
    if found is not value:
        _refuse(value)
    return module, name


def _is_named_function(value: Any) -> bool:
    if isinstance(value, type) or not callable(value) or isinstance(value, types.MethodType):
        return False
    try:
        _place_of(value)
    except ForeignError:
        return False
    return True


def _is_of_libraries(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in (_OWN, "flax", "optax")


def _is_ours(function: types.FunctionType) -> bool:
    path = function.__code__.co_filename
    if path.startswith(_HOME):
        return function.__globals__.get("__name__", "").partition(".")[0] == _OWN
    return path == "<string>" and function.__name__.startswith("__")  # of a dataclass or a tuple


def _apart_of(kind: type) -> frozenset[str]:
    return frozenset().union(*(vars(base).get("_apart", ()) for base in kind.__mro__))


def _attributes(value: Any) -> list[tuple[str, Any]]:
    """Names and values of an object's attributes, but for NNX's own."""
    found = list(getattr(value, "__dict__", {}).items())
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                found.append((slot, getattr(value, slot)))
    return [(name, part) for name, part in found if not name.startswith(("_pytree__", "_object__"))]


def _add_namespace(
    tokens: list[Token], owner: str, namespace: Mapping[str, Any], apart: frozenset[str]
) -> None:
    """The plain values of a module or class, whose functions must be of the libraries."""
    tokens.append(owner)
    for name, value in list(namespace.items()):
        kind = type(value)
        if kind in _PLAIN:
            if not name.startswith("__") and name not in apart:
                tokens += name, repr(value) if kind is float else value
        elif isinstance(value, type):
            if not _is_of_a_library(value.__module__):
                _refuse(value)
            tokens += name, value.__module__, value.__qualname__
        elif kind in _WRAPPERS:
            _require_known(getattr(value, _WRAPPERS[kind]))
        else:
            _require_known(value)


def _require_known(value: Any) -> None:
    """Nothing where a value is no function; a function must be ours or a library's."""
    if isinstance(value, types.FunctionType):
        if not _is_ours(value) and not _is_of_a_library(value.__globals__.get("__name__") or ""):
            _refuse(value)


def _is_of_a_library(module: str) -> bool:
    root = module.partition(".")[0]
    if root in _LIBRARIES or root in sys.stdlib_module_names:
        return True
    place = getattr(sys.modules.get(root), "__file__", None) or ""
    return "site-packages" in place or "dist-packages" in place  # as scikit-learn in `wrappers`
