"""The names of `fkeras.backend`, those of Keras and the older ones."""

import subprocess
import sys

import pytest

import fkeras
from fkeras import backend


def test_every_public_name_of_keras_is_there(keras):
    names = {name for name in vars(keras.backend) if not name.startswith("_")}
    assert not {name for name in names if not hasattr(backend, name)}


def test_the_older_functions_of_keras_are_there(keras):
    legacy = pytest.importorskip("keras.src.legacy.backend")
    functions = {
        name
        for name, value in vars(legacy).items()
        if callable(value)
        and getattr(value, "__module__", "") == legacy.__name__
        and not name.startswith("_")
    }
    assert not {name for name in functions if not hasattr(backend, name)}
    with pytest.raises(AttributeError, match="no 'conv4d'. Look for it in `fkeras.ops`"):
        _ = backend.conv4d
    assert len(functions) > 100


def test_names_are_those_of_their_rooms():
    assert backend.clear_session is fkeras.utils.clear_session
    assert backend.floatx is fkeras.config.floatx
    assert backend.backend() == "jax"
    assert backend.mean is fkeras.ops.mean
    assert backend.reverse is fkeras.ops.flip


def test_private_names_are_looked_for_nowhere():
    with pytest.raises(AttributeError, match="^_hidden$"):
        _ = backend._hidden


def test_the_older_functions_load_when_one_is_used():
    script = """if True:
        import sys, fkeras.backend
        before = "fkeras.keras2.variables" in sys.modules
        fkeras.backend.mean
        print(before, "fkeras.keras2.variables" in sys.modules)
    """
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert process.stdout == "False True\n", process.stderr
