"""What the switches and limits of `fkeras.config` do, not what they hold."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import config, layers, ops
from fkeras.errors import UserInputError


def small_model():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


X, Y = np.ones((12, 3), "float32"), np.ones((12, 2), "float32")


# -- where messages go -------------------------------------------------------------------------


def test_progress_goes_to_the_terminal(capsys, caplog):
    with caplog.at_level(logging.INFO, "fkeras"):
        small_model().fit(X, Y, verbose=2)
    assert "loss" in capsys.readouterr().out and not caplog.records


def test_without_interactive_logging_it_goes_to_the_log(capsys, caplog):
    config.disable_interactive_logging()
    with caplog.at_level(logging.INFO, "fkeras"):
        small_model().fit(X, Y, verbose=2)
    assert not capsys.readouterr().out
    assert any("loss" in record.message for record in caplog.records)
    assert {record.name for record in caplog.records} == {"fkeras"}


def test_interactive_logging_can_be_turned_on_again(capsys):
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    config.enable_interactive_logging()
    assert config.is_interactive_logging_enabled()
    small_model().fit(X, Y, verbose=2)
    assert "loss" in capsys.readouterr().out


# -- dtypes and layout -------------------------------------------------------------------------


@pytest.mark.parametrize("floatx", ["bfloat16", "float16", "float32"])
def test_floatx_is_the_dtype_of_weights_and_constants(floatx):
    config.set_floatx(floatx)
    assert config.floatx() == floatx
    assert layers.Dense(1).dtype == ops.zeros((2,)).dtype == fkeras.Variable([1.0]).dtype == floatx


def test_epsilon_keeps_logarithms_of_probabilities_finite():
    loss = lambda: float(
        ops.categorical_crossentropy(np.array([[1.0, 0]]), np.array([[0.0, 1]]))[0]
    )
    assert loss() == pytest.approx(-np.log(1e-7), rel=1e-5)
    config.set_epsilon(1e-3)
    assert loss() == pytest.approx(-np.log(1e-3), rel=1e-5)


def test_the_image_data_format_is_where_image_layers_expect_channels():
    x = np.ones((1, 2, 4, 4), "float32")
    assert layers.GlobalAveragePooling2D()(x).shape == (1, 4)
    config.set_image_data_format("channels_first")
    assert config.image_data_format() == "channels_first"
    assert layers.GlobalAveragePooling2D()(x).shape == (1, 2)


# -- attention ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choose, expected",
    [
        (lambda: None, "cudnn"),
        (config.enable_flash_attention, "cudnn"),
        (config.disable_flash_attention, "xla"),
    ],
)
def test_attention_is_fused_on_a_gpu_unless_that_is_disabled(monkeypatch, choose, expected):
    used = []

    def attention(*args, implementation=None, **kwargs):
        used.append(implementation)
        return plain(*args, **kwargs)

    plain = jax.nn.dot_product_attention
    monkeypatch.setattr(jax.nn, "dot_product_attention", attention)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    x = jnp.ones((1, 2, 1, 8), "bfloat16")
    choose()
    ops.dot_product_attention(x, x, x)
    assert used[-1] == expected


# -- limits ------------------------------------------------------------------------------------


def test_limits_of_epochs_and_steps():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (2, 3)
    model = small_model()
    with pytest.warns(UserWarning, match="limits the 5 epochs to 2"):
        history = model.fit(X, Y, epochs=5, batch_size=2, verbose=0)
    assert len(history.epoch) == 2 and int(model.optimizer.iterations) == 6
    assert model.predict(X, batch_size=2, verbose=0).shape == (6, 2)
    assert model.predict(X, batch_size=6, verbose=0).shape == (12, 2)
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
    assert len(model.fit(X, Y, epochs=3, batch_size=2, verbose=0).epoch) == 3
    assert model.predict(X, batch_size=2, verbose=0).shape == (12, 2)


# -- values that cannot be ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "put, value, message",
    [
        (config.set_floatx, "float23", "Unknown `floatx` value 'float23'"),
        (config.set_image_data_format, "channels", "channels_first"),
        (config.set_backend, "torch", "fkeras runs on JAX only"),
    ],
)
def test_wrong_values_are_refused_and_change_nothing(put, value, message):
    before = (config.floatx(), config.image_data_format(), config.backend())
    with pytest.raises(UserInputError, match=message):
        put(value)
    assert (config.floatx(), config.image_data_format(), config.backend()) == before


def test_there_is_one_backend():
    config.set_backend("jax")
    assert config.backend() == "jax" and config.is_nnx_enabled()
