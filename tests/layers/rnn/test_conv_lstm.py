"""Convolutional LSTMs: a 1 x 1 window is an LSTM at each pixel; shapes, states, mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers
from fkeras.errors import UserInputError

from .reference import run

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 3, 4, 5, 2)).astype("float32")  # (batch, steps, rows, columns, ...)
MASK = np.array([[1, 0, 1], [0, 1, 1]], bool)
ALL = {"return_sequences": True, "return_state": True}
NEAR = {"rtol": 1e-5, "atol": 1e-6}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}])
def test_a_window_of_one_pixel_is_an_lstm_at_each(options, data_format):
    layer = layers.ConvLSTM2D(3, 1, data_format=data_format, **options, **ALL)
    x = IMAGES if data_format == "channels_last" else np.moveaxis(IMAGES, -1, 2)
    layer.build(x.shape)
    weights = [RNG.normal(size=w.shape).astype("float32") for w in layer.weights]
    layer.set_weights(weights)
    outputs, h, c = layer(x, mask=MASK)
    if data_format == "channels_first":
        outputs, h, c = np.moveaxis(outputs, 2, -1), np.moveaxis(h, 1, -1), np.moveaxis(c, 1, -1)
    kernel, recurrent, bias = weights
    plain = (kernel[0, 0], recurrent[0, 0], bias)
    for row, column in ((0, 0), (3, 4)):
        pixel = IMAGES[:, :, row, column]
        expected, states = run("LSTM", pixel, plain, mask=MASK, **options)
        np.testing.assert_allclose(outputs[:, :, row, column], expected, **NEAR)
        np.testing.assert_allclose(h[:, row, column], states[0], **NEAR)
        np.testing.assert_allclose(c[:, row, column], states[1], **NEAR)


def test_the_first_step_is_a_convolution_through_the_gates(keras):
    layer = layers.ConvLSTM2D(
        2, (2, 3), strides=(1, 2), padding="same", recurrent_activation="tanh"
    )
    x = IMAGES[:, :1]
    output = layer(x)
    gates = keras.ops.conv(
        x[:, 0], layer.cell.kernel.value, strides=(1, 2), padding="same"
    ) + np.asarray(layer.cell.bias.value)
    i, _, candidate, o = np.split(np.asarray(gates), 4, axis=-1)
    expected = np.tanh(o) * np.tanh(np.tanh(i) * np.tanh(candidate))
    np.testing.assert_allclose(output, expected, **NEAR)


@pytest.mark.parametrize(
    "options, shape",
    [
        ({}, (3, 3, 4)),
        ({"padding": "same"}, (4, 5, 4)),
        ({"strides": 2}, (2, 2, 4)),
        ({"strides": (1, 3), "padding": "same"}, (4, 2, 4)),
        ({"dilation_rate": (3, 2)}, (1, 1, 4)),
        ({"kernel_size": (np.int64(1), np.int32(5))}, (4, 1, 4)),
    ],
)
def test_states_have_the_shape_of_the_output(options, shape):
    options = {"kernel_size": (2, 3), **options}
    layer = layers.ConvLSTM2D(np.int64(4), **options, return_state=True)
    expected = layer.compute_output_shape(IMAGES.shape)
    assert expected == ((2, *shape),) * 3
    outputs = jax.eval_shape(layer, jax.ShapeDtypeStruct(IMAGES.shape, "float32"))
    assert tuple(tuple(y.shape) for y in outputs) == expected
    cell_shape, states = layer.cell.compute_output_shape((2, 4, 5, 2))
    assert cell_shape == states[0] == states[1] == (2, *shape)


def test_a_stateful_layer_of_images_goes_on():
    layer = layers.ConvLSTM1D(2, 2, padding="same", stateful=True, dropout=0.5)
    x = IMAGES[:, :, 0]
    whole = layers.ConvLSTM1D(2, 2, padding="same")
    whole.build(x.shape)
    layer(x[:, :1])
    whole.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x[:, 1:]), whole(x), **NEAR)


def test_gates_have_their_own_noise():
    layer = layers.ConvLSTM1D(2, 2, dropout=0.5, recurrent_dropout=0.5)
    x = IMAGES[:, :, 0]
    variables = layer.init(jax.random.key(0), x)
    draw = lambda seed: layer.apply(variables, x, training=True, rngs=jax.random.key(seed))[0]
    np.testing.assert_array_equal(draw(1), draw(1))
    assert float(jnp.abs(draw(1) - draw(2)).max()) > 1e-4
    noise = layer.cell.draw_noise(x[:, 0], x[:, 0, :, :1], training=True)
    assert noise["inputs"].shape == (4, *x[:, 0].shape)


def test_configs_hold_all_settings():
    settings = {"strides": 2, "padding": "same", "dropout": 0.25, "unit_forget_bias": False}
    layer = layers.ConvLSTM3D(2, 3, **settings, kernel_regularizer="l1")
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert again.strides == (2, 2, 2) and again.kernel_size == (3, 3, 3)
    assert "rank" not in layer.get_config() and again.cell.rank == 3


MISTAKES = {
    "filters": (lambda: layers.ConvLSTM2D(0, 3), "`filters`, expected a positive integer, got 0"),
    "window": (lambda: layers.ConvLSTM2D(2, (3, 3, 3)), "must be a tuple of 2 integers"),
    "padding": (lambda: layers.ConvLSTM1D(2, 3, padding="causal"), "`padding` argument"),
    "both": (
        lambda: layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2),
        "`strides > 1` is not compatible with `dilation_rate > 1`",
    ),
    "small": (lambda: layers.ConvLSTM2D(2, 6)(IMAGES), "input is smaller than the kernel"),
    "rank": (lambda: layers.ConvLSTM2D(2, 3)(IMAGES[0]), "expected ndim=5, found ndim=4"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    make, message = MISTAKES[name]
    with pytest.raises(UserInputError, match=message):
        make()
