"""Routes the imports of `keras`, `tensorflow` and `tf_keras`.

Only `builtins.__import__` is told who imports, so that is where scripts and libraries are kept
apart. `importlib.import_module` and `importlib.util.find_spec` go the same way.
"""

import builtins
import importlib
import importlib.util

from fkeras.compat import importers, standins

_import = builtins.__import__
_import_module = importlib.import_module
_find_spec = importlib.util.find_spec


def install() -> None:
    """From now on, `import keras` and `import tensorflow as tf` in the user's own code give fkeras.
    Can be called again.

    Libraries see fkeras as `keras`, too; TensorFlow is absent for them, installed or not. Call it
    before the first of these imports.

    Example, in a notebook::

        import fkeras.compat

        fkeras.compat.install()
        import tensorflow as tf  # tf.__version__ is '2.19.0+fkeras'
    """
    builtins.__import__ = import_statement
    importlib.import_module = import_module
    importlib.util.find_spec = find_spec


def uninstall() -> None:
    """Takes back what `install` did, for later imports."""
    builtins.__import__ = _import
    importlib.import_module = _import_module
    importlib.util.find_spec = _find_spec


def import_statement(name, globals=None, locals=None, fromlist=(), level=0):
    root = name.partition(".")[0]
    if level or root not in standins.ROOTS:
        return _import(name, globals, locals, fromlist, level)
    _refuse_libraries(root, importers.own_code_asks())
    module = standins.find(name)
    for wanted in fromlist or ():
        if wanted != "*":
            _check_offered(module, name, wanted)
    return module if fromlist else standins.find(root)


def import_module(name, package=None):
    root = name.partition(".")[0]
    if root not in standins.ROOTS:
        return _import_module(name, package)
    _refuse_libraries(root, importers.own_code_asks())
    return standins.find(name)


def find_spec(name, package=None):
    root = name.partition(".")[0]
    if root not in standins.ROOTS:
        return _find_spec(name, package)
    if root in standins.TENSORFLOW and not importers.own_code_asks():
        return None
    try:
        standins.find(name)
    except ModuleNotFoundError:
        return None
    return standins.spec_of(name)


def _refuse_libraries(root, own):
    if root in standins.TENSORFLOW and not own:
        raise ModuleNotFoundError(f"No module named '{root}'", name=root)


def _check_offered(module, name, wanted):
    """`from tensorflow import data`: our words, where Python would only say that it cannot import
    the name.
    """
    try:
        getattr(module, wanted)
    except AttributeError as error:
        if isinstance(module, standins.StandIn):
            raise ImportError(
                f"cannot import name {wanted!r} from {name!r}: {error}", name=name
            ) from None
        try:
            standins.find(
                f"{name}.{wanted}"
            )  # a submodule that its package does not import by itself
        except ModuleNotFoundError:
            pass  # Python's own words
