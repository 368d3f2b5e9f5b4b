import pytest

from fkeras import config
from fkeras.errors import UserInputError

SWITCHES = [
    (config.enable_interactive_logging, config.disable_interactive_logging, config.is_interactive_logging_enabled),
    (config.enable_traceback_filtering, config.disable_traceback_filtering, config.is_traceback_filtering_enabled),
    (config.enable_flash_attention, config.disable_flash_attention, config.is_flash_attention_enabled),
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


@pytest.mark.parametrize("put, value, message", [
    (config.set_floatx, "float23", "Unknown `floatx` value 'float23'"),
    (config.set_image_data_format, "channels", "channels_first"),
    (config.set_backend, "torch", "fkeras runs on JAX only"),
])
def test_wrong_values_are_refused(put, value, message):
    with pytest.raises(UserInputError, match=message):
        put(value)


def test_there_is_one_backend():
    config.set_backend("jax")
    assert config.backend() == "jax" and config.is_nnx_enabled()
