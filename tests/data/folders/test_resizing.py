"""Values that TensorFlow 2.21 gives (`tf.image.resize`, without antialiasing)."""

import numpy as np
import pytest

from fkeras.data.folders import resizing

ROW = np.array([[[0.0], [10.0], [40.0], [20.0], [90.0]]], np.float32)

ROWS = [
    ("nearest", 3, [0.0, 40.0, 90.0]),
    ("nearest", 7, [0.0, 10.0, 10.0, 40.0, 20.0, 20.0, 90.0]),
    ("bilinear", 3, [3.33, 40.0, 66.67]),
    ("bilinear", 7, [0.0, 5.71, 18.57, 40.0, 25.71, 50.0, 90.0]),
    ("bicubic", 3, [1.72, 40.0, 70.03]),
    ("bicubic", 7, [-0.58, 3.6, 18.59, 40.0, 20.62, 49.51, 94.07]),
    ("area", 3, [4.0, 30.0, 62.0]),
    ("area", 7, [0.0, 6.0, 16.0, 40.0, 24.0, 48.0, 90.0]),
    ("lanczos3", 3, [0.29, 40.0, 69.29]),
    ("lanczos3", 7, [-0.05, 1.62, 21.27, 40.0, 17.02, 49.78, 96.12]),
    ("lanczos5", 3, [-2.15, 40.0, 68.63]),
    ("lanczos5", 7, [1.06, -1.72, 25.46, 40.0, 14.54, 50.09, 97.28]),
    ("gaussian", 3, [3.39, 34.67, 66.25]),
    ("gaussian", 7, [0.71, 6.18, 18.38, 34.67, 27.84, 49.9, 85.03]),
    ("mitchellcubic", 3, [2.47, 37.22, 67.67]),
    ("mitchellcubic", 7, [0.0, 4.54, 18.91, 37.22, 24.07, 50.1, 90.0]),
]


@pytest.mark.parametrize("method, length, expected", ROWS)
@pytest.mark.parametrize("axis", [0, 1])
def test_values_along_both_axes(method, length, expected, axis):
    image = np.moveaxis(ROW, 1, axis)
    size = (length, 1) if axis == 0 else (1, length)
    resized = resizing.resize(image, size, method)
    assert resized.dtype == np.float32 and resized.shape == (*size, 1)
    # TensorFlow reads the weights of 'bicubic' from a table.
    np.testing.assert_allclose(resized.ravel(), expected, atol=0.05)


def test_sizes_that_stay():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for method in ("nearest", "bilinear", "area", "bicubic", "lanczos3"):
        np.testing.assert_array_equal(resizing.resize(image, (2, 4), method), image)


def test_proportions():
    image = np.ones((4, 8, 1), np.uint8)
    padded = resizing.resize_with_pad(image, (6, 6), "bilinear")
    assert padded[:, 0, 0].tolist() == [0, 1, 1, 1, 0, 0]  # floor(1.5) rows above, as TensorFlow
    assert resizing.crop_to_proportions(image, (2, 2)).shape == (4, 4, 1)
    assert resizing.crop_to_proportions(image, (1, 100)).shape == (1, 8, 1)
