"""Convolutions, pooling and resizing of Keras 2's backend, against `fkeras.ops` and NumPy."""

import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras import ops
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
IMAGES = rng.normal(size=(2, 5, 6, 3)).astype("float32")
KERNEL = rng.normal(size=(3, 3, 3, 4)).astype("float32")
STEPS = rng.normal(size=(2, 6, 3)).astype("float32")
WINDOW = rng.normal(size=(3, 3, 2)).astype("float32")
VOLUME = rng.normal(size=(1, 3, 3, 4, 2)).astype("float32")
FIRST = "channels_first"


def first(x):
    return np.moveaxis(x, -1, 1)


def loop_conv1d(x, kernel):
    places = [x[:, i : i + len(kernel)] for i in range(x.shape[1] - len(kernel) + 1)]
    return np.stack([np.einsum("bkc,kco->bo", part, kernel) for part in places], 1)


ROWS = {
    "conv1d": (lambda: K.conv1d(STEPS, WINDOW), lambda: loop_conv1d(STEPS, WINDOW)),
    "conv1d causal": (
        lambda: K.conv1d(STEPS, WINDOW, padding="causal"),
        lambda: loop_conv1d(np.pad(STEPS, ((0, 0), (2, 0), (0, 0))), WINDOW),
    ),
    "conv1d causal, channels first": (
        lambda: K.conv1d(first(STEPS), WINDOW, padding="causal", data_format=FIRST),
        lambda: first(loop_conv1d(np.pad(STEPS, ((0, 0), (2, 0), (0, 0))), WINDOW)),
    ),
    "conv2d": (
        lambda: K.conv2d(first(IMAGES), KERNEL, (2, 2), "same", FIRST),
        lambda: first(ops.conv(IMAGES, KERNEL, 2, "same")),
    ),
    "conv3d": (
        lambda: K.conv3d(VOLUME, np.ones((2, 2, 2, 2, 1), "float32")),
        lambda: ops.conv(VOLUME, np.ones((2, 2, 2, 2, 1), "float32")),
    ),
    "depthwise_conv2d": (
        lambda: K.depthwise_conv2d(IMAGES, KERNEL),
        lambda: ops.depthwise_conv(IMAGES, KERNEL),
    ),
    "separable_conv2d": (
        lambda: K.separable_conv2d(IMAGES, KERNEL, np.ones((1, 1, 12, 2), "float32")),
        lambda: np.repeat(np.sum(ops.depthwise_conv(IMAGES, KERNEL), -1, keepdims=True), 2, -1),
    ),
    "conv2d_transpose": (
        lambda: K.conv2d_transpose(
            np.ones((2, 3, 3, 4), "float32"), KERNEL, (2, 6, 6, 3), (2, 2), "same"
        ),
        lambda: ops.conv_transpose(np.ones((2, 3, 3, 4), "float32"), KERNEL, 2, "same"),
    ),
    "conv2d_transpose, a batch of any size": (
        lambda: K.conv2d_transpose(IMAGES, KERNEL.swapaxes(2, 3), (None, 7, 8, 4)),
        lambda: ops.conv_transpose(IMAGES, KERNEL.swapaxes(2, 3)),
    ),
    "pool2d": (
        lambda: K.pool2d(IMAGES, (2, 2), (2, 2)),
        lambda: IMAGES[:, :4].reshape(2, 2, 2, 3, 2, 3).max((2, 4)),
    ),
    "pool3d of means": (
        lambda: K.pool3d(VOLUME, (3, 3, 2), (1, 1, 2), pool_mode="avg"),
        lambda: VOLUME.reshape(1, 3, 3, 2, 2, 2).mean((1, 2, 4))[:, None, None],
    ),
    "resize_images": (
        lambda: K.resize_images(first(IMAGES), 2, 3, FIRST),
        lambda: first(IMAGES.repeat(2, 1).repeat(3, 2)),
    ),
    "resize_images bilinear": (
        lambda: K.resize_images(IMAGES, 2, 1, "channels_last", "bilinear")[:, 1:3],
        lambda: np.stack(
            [
                0.75 * IMAGES[:, 0] + 0.25 * IMAGES[:, 1],
                0.25 * IMAGES[:, 0] + 0.75 * IMAGES[:, 1],
            ],
            1,
        ),
    ),
    "resize_volumes": (
        lambda: K.resize_volumes(VOLUME, 2, 1, 3, "channels_last"),
        lambda: VOLUME.repeat(2, 1).repeat(3, 3),
    ),
    "batch_normalization": (
        lambda: K.batch_normalization(
            IMAGES, np.full(3, 2.0), np.full(3, 4.0), np.ones(3), np.full(3, 3.0), epsilon=0.0
        ),
        lambda: 3 * (IMAGES - 2) / 2 + 1,
    ),
    "batch_normalization with all axes": (
        lambda: K.batch_normalization(
            IMAGES, np.ones((1, 1, 1, 3)), np.ones((1, 1, 1, 3)), None, None, epsilon=0.0
        ),
        lambda: IMAGES - 1,
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_values(row):
    ours, expected = (np.asarray(make()) for make in row)
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: K.pool2d(IMAGES, 2), "`pool_size` must be a tuple of 2"),
        (lambda: K.pool2d(IMAGES, (2, 2), pool_mode="min"), "'max' or 'avg'"),
        (lambda: K.resize_images(IMAGES, 2, 2, "channels_last", "cubist"), "cubist"),
        (lambda: K.conv2d_transpose(IMAGES, KERNEL[..., :3], (2, 9, 9, 3)), "output_shape"),
    ],
)
def test_what_cannot_be_is_told(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_they_are_symbolic_too():
    x = fkeras.Input((5, 6, 3))
    assert K.conv2d(x, KERNEL, padding="same").shape == (None, 5, 6, 4)
    assert K.pool2d(x, (2, 2), (2, 2)).shape == (None, 2, 3, 3)
    assert K.conv2d_transpose(x, KERNEL.swapaxes(2, 3), (None, 7, 8, 4)).shape == (None, 7, 8, 4)
