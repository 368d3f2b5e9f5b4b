"""Layers that Keras 3 dropped, against arithmetic."""

import json
import warnings

import numpy as np
import pytest

import fkeras
from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.former.dense_of_keras1 import Highway, MaxoutDense
from fkeras.layers.former.locally_connected import LocallyConnected1D, LocallyConnected2D
from fkeras.layers.former.merge import merge
from fkeras.layers.former.random_size import RandomHeight, RandomWidth
from fkeras.layers.former.thresholded_relu import ThresholdedReLU

rng = np.random.default_rng(0)
X = rng.normal(size=(2, 3)).astype("float32")
IMAGES = rng.normal(size=(2, 4, 5, 2)).astype("float32")


def windows(x, kernel, bias, strides, size):
    rows, columns = ((x.shape[i + 1] - size[i]) // strides[i] + 1 for i in range(2))
    out = np.zeros((len(x), rows, columns, kernel.shape[-1]), "float32")
    for r in range(rows):
        for c in range(columns):
            top, left = r * strides[0], c * strides[1]
            part = x[:, top : top + size[0], left : left + size[1]].reshape(len(x), -1)
            out[:, r, c] = part @ kernel[r * columns + c] + bias[r, c]
    return out


def local2d(layer, x):
    kernel, bias = layer.get_weights()
    return windows(x, kernel, bias + 0, layer.strides, layer.kernel_size)


def local1d(layer, x):
    kernel, bias = layer.get_weights()
    strides, size = (1, *layer.strides), (1, *layer.kernel_size)
    return windows(x[:, None], kernel, bias[None], strides, size)[:, 0]


def highway(layer, x):
    kernel, bias, gate, gate_bias = layer.get_weights()
    open_ = 1 / (1 + np.exp(-(x @ gate + gate_bias)))
    return open_ * np.tanh(x @ kernel + bias) + (1 - open_) * x


def maxout(layer, x):
    kernel, bias = layer.get_weights()
    return np.max([x @ k + b for k, b in zip(kernel, bias, strict=True)], axis=0)


ROWS = [
    (ThresholdedReLU(0.5), X, lambda layer, x: np.where(x > 0.5, x, 0)),
    (LocallyConnected2D(3, (2, 3), strides=(2, 1), bias_initializer="ones"), IMAGES, local2d),
    (LocallyConnected1D(3, 2, strides=2, bias_initializer="ones"), IMAGES[:, :, 0], local1d),
    (Highway(activation="tanh"), X, highway),
    (MaxoutDense(4, 3), X, maxout),
]


@pytest.mark.parametrize("layer, x, expected", ROWS, ids=[type(r[0]).__name__ for r in ROWS])
def test_values_shapes_and_configs(layer, x, expected):
    outputs = layer(x)
    np.testing.assert_allclose(outputs, expected(layer, x), rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *outputs.shape[1:])
    config = json.loads(json.dumps(fkeras.layers.serialize(layer)))
    same = fkeras.layers.deserialize(config)
    assert type(same) is type(layer) and same.get_config() == layer.get_config()


def test_channels_first_is_the_same_moved():
    last = LocallyConnected2D(3, 2)
    first = LocallyConnected2D(3, 2, data_format="channels_first")
    expected = np.moveaxis(np.asarray(last(IMAGES)), -1, 1)
    first.build((None, 2, 4, 5))
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(first(np.moveaxis(IMAGES, -1, 1)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "mode, expected",
    [
        ("sum", X + 2 * X),
        ("mul", 2 * X * X),
        ("ave", 1.5 * X),
        ("max", np.maximum(X, 2 * X)),
        ("concat", np.concatenate([X, 2 * X], -1)),
        ("dot", 2 * (X * X).sum(1, keepdims=True)),
        ("cos", np.ones((2, 1))),
        (lambda pair: pair[0] - pair[1], -X),
    ],
)
def test_merge_by_mode(mode, expected):
    np.testing.assert_allclose(merge([X, 2 * X], mode=mode), expected, rtol=1e-5)
    with pytest.raises(UserInputError, match="'join'"):
        merge([X, X], mode="join")


def test_merge_of_models_takes_all_their_inputs():
    parts = [fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)]) for _ in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        merged = fkeras.layers.Merge(parts, mode="concat")
    model = fkeras.Sequential([merged, fkeras.layers.Dense(1)])
    assert model([X, X]).shape == (2, 1)


@pytest.mark.parametrize("cls, axis", [(RandomHeight, 1), (RandomWidth, 2)])
def test_sizes_are_drawn_in_training_and_kept_in_inference(cls, axis):
    layer = cls((0.5, 0.5), seed=0)
    grown = list(IMAGES.shape)
    grown[axis] = int(1.5 * grown[axis])
    assert list(layer(IMAGES, training=True).shape) == grown
    assert layer(IMAGES, training=False).shape == IMAGES.shape
    free = list(IMAGES.shape)
    free[axis] = None
    assert list(layer(fkeras.Input(IMAGES.shape[1:])).shape)[1:] == free[1:]
    with pytest.raises(UserInputError, match="draws the size"):
        ops.map(lambda x: layer(x, training=True), IMAGES[None])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ThresholdedReLU(-1),
        lambda: RandomHeight((0.5, 0.1)),
        lambda: RandomWidth(1.5),
        lambda: LocallyConnected1D(2, 3, padding="same"),
        lambda: fkeras.Sequential([fkeras.Input((None, 2)), LocallyConnected1D(2, 3)]),
    ],
)
def test_what_cannot_be_is_told(make):
    with pytest.raises(UserInputError):
        make()
