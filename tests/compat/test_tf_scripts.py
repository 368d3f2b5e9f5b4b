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
    symbolic = fkeras.KerasTensor((None, 3), "float16")
    assert symbolic.shape.as_list() == [None, 3]
    assert symbolic.dtype.name == symbolic.dtype == "float16" and symbolic.dtype.is_floating
    fkeras.compat.uninstall()
    assert type(symbolic.shape) is tuple and type(symbolic.dtype) is str
    assert not hasattr(x, "get_shape") and not hasattr(x, "numpy")
    assert fkeras.Variable([1.0]).numpy().tolist() == [1]
    methods.want()
    assert x.numpy().tolist() == [1, 2]


def test_sizes_are_cut_off_in_scripts_as_in_keras_2(installed):
    layers = fkeras.layers
    methods.add_if_wanted()
    for size in (5 / 2, 2.0):
        with pytest.warns(UserWarning, match=f"size of {size} is cut off to 2"):
            assert layers.Dense(size).units == 2
    with pytest.warns(UserWarning, match="cut off"):
        assert layers.LSTM(7 / 2).units == 3
    fkeras.compat.uninstall()
    for size in (5 / 2, 0.5):
        with pytest.raises(ValueError, match="positive integer"):
            layers.Dense(size)


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
