"""Routes the imports of `keras`, `tensorflow` and `tf_keras`.

Only `builtins.__import__` is told who imports, so that is where scripts and libraries are kept
apart. `importlib.import_module` and `importlib.util.find_spec` go the same way.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

from fkeras.compat import importers, methods, standins, star_imports
from fkeras.compat.tensorflow import absent
from fkeras.core import former_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# Python's own, also after a second `install`.
_import = builtins.__import__
_import_module = importlib.import_module
_find_spec = importlib.util.find_spec


def install() -> None:
    """From now on, `import keras` and `import tensorflow as tf` in the user's own code give fkeras.
    Can be called again.

    JAX's arrays get the methods `numpy`, `get_shape` and `set_shape`, which TensorFlow's have.
    Libraries see fkeras as `keras`, too; TensorFlow is absent for them, installed or not. Call it
    before the first of these imports.

    Example, in a notebook::

        import fkeras.compat

        fkeras.compat.install()
        import tensorflow as tf  # tf.__version__ is '2.19.0'
    """
    builtins.__import__ = import_statement
    importlib.import_module = import_module
    importlib.util.find_spec = find_spec
    methods.want()


def uninstall() -> None:
    """Takes back what `install` did, for later imports and results."""
    methods.remove()
    builtins.__import__ = _import
    importlib.import_module = _import_module
    importlib.util.find_spec = _find_spec


def import_statement(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """What `import` does: `builtins.__import__`."""
    root = name.partition(".")[0]
    # A relative import is of the importer's own package, whatever its name.
    if level or root not in standins.ROOTS:
        _refuse_add_ons(root, level)
        return _import(name, globals, locals, fromlist, level)
    _refuse_libraries(root, importers.own_code_asks())
    module = standins.find(name)
    for attribute in fromlist or ():
        if attribute != "*":
            _check_offered(module, name, attribute)
        elif importers.own_code_asks():
            return star_imports.with_former_names(module, globals, sys._getframe(1).f_code)
    return module if fromlist else standins.find(root)  # `import a.b` binds a


def import_module(name: str, package: str | None = None) -> ModuleType:
    """What `importlib.import_module` does."""
    root = name.partition(".")[0]
    if root not in standins.ROOTS:
        _refuse_add_ons(root, 0)
        return _import_module(name, package)
    _refuse_libraries(root, importers.own_code_asks())
    return standins.find(name)


def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
    """What `importlib.util.find_spec` does: None for what is absent."""
    root = name.partition(".")[0]
    if root not in standins.ROOTS:
        return _find_spec(name, package)
    # Libraries probe for TensorFlow by its spec.
    if root in standins.TENSORFLOW and not importers.own_code_asks():
        return None
    try:
        standins.find(name)
    except ModuleNotFoundError:
        return None
    return standins.spec_of(name)


def _refuse_libraries(root: str, own: bool) -> None:
    """TensorFlow is absent for libraries."""
    if root in standins.TENSORFLOW and not own:
        raise ModuleNotFoundError(f"No module named '{root}'", name=root)


def _refuse_add_ons(root: str, level: int) -> None:
    """Packages around TensorFlow cannot do without it: says what to use in their place."""
    if root in absent.PACKAGES and not level and importers.own_code_asks(3):
        raise ModuleNotFoundError(
            f"No module named '{root}': it needs TensorFlow itself. {absent.PACKAGES[root]}",
            name=root,
        )


def _check_offered(module: ModuleType, name: str, attribute: str) -> None:
    """Says why a name is not there, where Python would only say that it cannot import it."""
    try:
        with former_names.silently():  # Python will ask again
            getattr(module, attribute)
    except AttributeError as error:
        reason = error
    else:
        return
    if not isinstance(module, standins.StandIn):
        # Perhaps a submodule that its package does not import by itself.
        with contextlib.suppress(ModuleNotFoundError):
            standins.find(f"{name}.{attribute}")
            return
    raise ImportError(f"cannot import name {attribute!r} from {name!r}: {reason}", name=name)
