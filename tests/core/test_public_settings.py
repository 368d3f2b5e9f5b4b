import subprocess
import sys
import textwrap

import numpy as np
import pytest

import fkeras
from fkeras import config
from fkeras.errors import UserInputError

SWITCHES = [
    (
        config.enable_interactive_logging,
        config.disable_interactive_logging,
        config.is_interactive_logging_enabled,
    ),
    (
        config.enable_traceback_filtering,
        config.disable_traceback_filtering,
        config.is_traceback_filtering_enabled,
    ),
    (
        config.enable_flash_attention,
        config.disable_flash_attention,
        config.is_flash_attention_enabled,
    ),
]


@pytest.mark.parametrize("enable, disable, enabled", SWITCHES, ids=lambda f: f.__name__)
def test_switches(enable, disable, enabled):
    disable()
    assert enabled() is False
    enable()
    assert enabled() is True


VALUES = [
    (config.set_floatx, config.floatx, "bfloat16"),
    (config.set_epsilon, config.epsilon, 1e-3),
    (config.set_image_data_format, config.image_data_format, "channels_first"),
    (config.set_max_epochs, config.max_epochs, 3),
    (config.set_max_steps_per_epoch, config.max_steps_per_epoch, 2),
]


@pytest.mark.parametrize("put, get, value", VALUES, ids=lambda f: getattr(f, "__name__", None))
def test_values(put, get, value):
    before = get()
    put(value)
    assert get() == value
    put(before)
    assert get() == before


@pytest.mark.parametrize(
    "put, value, message",
    [
        (config.set_floatx, "float23", "Unknown `floatx` value 'float23'"),
        (config.set_image_data_format, "channels", "channels_first"),
        (config.set_backend, "torch", "fkeras runs on JAX only"),
    ],
)
def test_wrong_values_are_refused(put, value, message):
    with pytest.raises(UserInputError, match=message):
        put(value)


def test_there_is_one_backend():
    config.set_backend("jax")
    assert config.backend() == "jax" and config.is_nnx_enabled()


_CACHED = """
    import sys
    import jax
    import numpy as np
    import fkeras

    heard = []
    jax.monitoring.register_event_listener(lambda event, **kwargs: heard.append(event.rsplit("/", 1)[-1]))
    fkeras.config.enable_compilation_cache(sys.argv[1])
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    print(heard.count("cache_misses"))
"""


def test_the_next_process_finds_all_programs_in_the_compilation_cache(tmp_path):
    misses = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(_CACHED), str(tmp_path / "programs")],
            capture_output=True,
            text=True,
            timeout=300,
        )
        misses.append(done.stdout.strip() or done.stderr)
    assert int(misses[0]) > 3 and misses[1] == "0"


def test_a_file_cannot_be_the_compilation_cache(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        config.enable_compilation_cache(tmp_path / "file")


def test_limits_of_epochs_and_steps():
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((12, 3), "float32"), np.ones((12, 2), "float32")
    try:
        config.set_max_epochs(2)
        config.set_max_steps_per_epoch(3)
        with pytest.warns(UserWarning, match="limits the 5 epochs to 2"):
            history = model.fit(x, y, epochs=5, batch_size=2, verbose=0)
        assert len(history.epoch) == 2 and int(model.optimizer.iterations) == 6
        assert model.predict(x, batch_size=2, verbose=0).shape == (6, 2)
        assert model.predict(x, batch_size=6, verbose=0).shape == (12, 2)
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
