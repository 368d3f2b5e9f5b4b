"""Scripts as course notes have them, each run unedited by what `python -m fkeras` does, in this
process.
"""

import pathlib
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.compat import methods, run
from fkeras.compat.tensorflow import notes

SCRIPTS = pathlib.Path(__file__).parent / "tf_scripts"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A process in which scripts get fkeras, put back afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(notes, "_said", set())
    fkeras.compat.install()
    yield
    fkeras.compat.uninstall()


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_script_runs_unedited(installed, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        run.run_script(str(SCRIPTS / f"{name}.py"), [])


def test_arrays_have_the_methods_while_it_is_installed_and_no_longer(installed):
    from fkeras.compat.standins import tensorflow as tf

    x = jnp.array([1.0, 2.0])
    assert x.numpy().tolist() == [1, 2] and x[0].numpy() == 1.0
    assert float(x[:1]) == 1 and int(x[None, 1:]) == 2 and tf.constant(1.0).device.endswith("CPU:0")
    with pytest.raises(TypeError, match="can be converted to Python scalars"):
        float(x)
    values = x.numpy()
    values[0] = 5  # the caller's own
    assert x.numpy()[0] == 1 and x.get_shape().as_list() == [2]
    assert fkeras.KerasTensor((None, 3)).get_shape().as_list() == [None, 3]
    assert fkeras.Variable([1.0]).read_value().shape == (1,)
    assert jax.jit(lambda a: a * a.get_shape().as_list()[0])(x).tolist() == [2, 4]
    assert np.random.choice(3, p=np.squeeze(jnp.array([[0, 1 - 1e-6, 0]]))) == 1
    assert fkeras.KerasTensor((None, 3)).shape.as_list() == [None, 3]
    fkeras.compat.uninstall()
    assert type(fkeras.KerasTensor((None, 3)).shape) is tuple
    assert not hasattr(x, "get_shape") and not hasattr(x, "numpy")
    assert fkeras.Variable([1.0]).numpy().tolist() == [1]
    methods.want()
    assert x.numpy().tolist() == [1, 2]


def test_notes_are_written_once(installed, capsys):
    from fkeras.compat.standins import tensorflow as tf

    for _ in range(2):
        tf.function(len)
        tf.config.set_visible_devices([], "GPU")
        tf.config.experimental.set_memory_growth(None, True)
        tf.get_logger().setLevel("ERROR")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[2] for line in lines] == [
        "tf.function",
        "tf.config.set_visible_devices",
        "tf.config.set_memory_growth",
    ]
