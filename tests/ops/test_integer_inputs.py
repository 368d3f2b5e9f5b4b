"""Integers as input: nothing wraps around, pixels are rounded, float functions give floatx."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops

rng = np.random.default_rng(0)
BYTES = rng.integers(0, 256, (2, 12, 13, 3)).astype("uint8")
OTHERS = rng.integers(0, 256, (2, 12, 13, 3)).astype("uint8")
TURN = np.array([0.9, -0.3, 2.0, 0.3, 0.9, -1.0, 0, 0], "float32")
CORNERS = np.array([[0, 0], [12, 0], [0, 11], [12, 11]], "float32")

# Each pixel is computed in floats, and rounded.
ROUNDED = {
    "bilinear": lambda x: ops.image.resize(x, (7, 5)),
    "antialias": lambda x: ops.image.resize(x, (5, 6), antialias=True),
    "affine": lambda x: ops.image.affine_transform(x, TURN),
    "perspective": lambda x: ops.image.perspective_transform(x, CORNERS, CORNERS + 0.3),
    "blur": lambda x: ops.image.gaussian_blur(x, (5, 3)),
    "elastic": lambda x: ops.image.elastic_transform(x, seed=3),
    "map_coordinates": lambda x: ops.image.map_coordinates(
        x[0, :, :, 0], np.array([[1.2, 3.6, 7.7], [0.4, 5.1, 9.9]], "float32"), 1
    ),
}


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
@pytest.mark.parametrize("name", ROUNDED)
def test_pixels_are_rounded_not_cut(name, dtype):
    out = ROUNDED[name](BYTES.astype(dtype))
    exact = np.asarray(ROUNDED[name](BYTES.astype("float32")))
    assert out.dtype == dtype
    # A half may fall to either side in float32.
    assert (np.abs(np.asarray(out, "float64") - exact) <= 0.5 + 1e-3).all()


@pytest.mark.parametrize("method", ["bicubic", "lanczos3", "lanczos5"])
def test_a_resized_byte_stays_in_its_range(method):
    x = np.kron(np.array([[0, 255], [255, 0]], "uint8"), np.ones((4, 4), "uint8"))[..., None]
    exact = np.asarray(ops.image.resize(x.astype("float32"), (20, 20), method))
    assert exact.min() < -1 and exact.max() > 256  # it overshoots
    expected = np.clip(np.round(exact), 0, 255)
    np.testing.assert_array_equal(ops.image.resize(x, (20, 20), method), expected)


def test_edges_of_unsigned_pixels_may_be_negative():
    exact = ops.image.sobel_edges(BYTES.astype("float32"))
    assert float(exact.min()) < 0
    for dtype in ("uint8", "int32"):
        edges = ops.image.sobel_edges(BYTES.astype(dtype))
        assert edges.dtype == "int32"
        np.testing.assert_array_equal(edges, exact)


# name, call, the same on floats
DIFFERENCES = {
    "psnr": lambda x, y: ops.psnr(x, y, 255),
    "ssim": lambda x, y: ops.image.ssim(x, y, 255.0),
    "cdist": lambda x, y: ops.cdist(x[:, :, 0], y[:, :, 0]),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_differences_of_unsigned_pixels_do_not_wrap_around(name):
    call = DIFFERENCES[name]
    expected = call(BYTES.astype("float32"), OTHERS.astype("float32"))
    for dtype in ("uint8", "int32"):
        out = call(BYTES.astype(dtype), OTHERS.astype(dtype))
        assert out.dtype == "float32"
        np.testing.assert_allclose(out, expected, rtol=1e-5)


FLOATS = [
    lambda x: ops.average_pool(x, 2, 2),
    lambda x: ops.adaptive_average_pool(x, 3),
    lambda x: ops.normalize(x),
    lambda x: ops.mean(x, 1),
    lambda x: ops.var(x),
    lambda x: ops.median(x, axis=(0, 1)),
    lambda x: ops.norm(x, axis=-1),
    lambda x: ops.sqrt(x),
    lambda x: ops.erf(x),
    lambda x: ops.rsqrt(x),
]


@pytest.mark.parametrize("call", FLOATS, ids=range(len(FLOATS)))
def test_float_functions_of_integers_are_those_of_floats(call):
    out = call(BYTES)
    assert out.dtype == "float32"
    np.testing.assert_allclose(out, call(BYTES.astype("float32")), rtol=1e-6)
    assert jax.eval_shape(call, BYTES).dtype == "float32"


def test_integer_reductions_count_in_32_bits():
    assert ops.sum(np.full(300, 200, "uint8")) == 60000
    assert ops.sum(np.ones(300, bool)) == 300
    assert ops.sum(np.full(300, 100, "int8")).dtype == "int32"
    assert ops.prod(np.array([100, 100], "uint8")) == 10000
    assert ops.segment_sum(np.array([200, 100], "int32"), [0, 0], 1).tolist() == [300]
    assert ops.bincount(np.array([1, 1]), weights=np.array([5, 6])).tolist() == [0, 11]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
def test_bins_reach_up_to_the_largest_value(dtype):
    x = np.array([[3, 1, 1], [0, 1, 0]], dtype)
    assert ops.bincount(x[0]).tolist() == [0, 2, 0, 1]
    assert ops.bincount(x, minlength=5).tolist() == [[0, 2, 0, 1, 0], [2, 1, 0, 0, 0]]
    assert ops.bincount(x, sparse=True).todense().tolist() == [[0, 2, 0, 1], [2, 1, 0, 0]]
    assert ops.bincount(x[:, :0], minlength=2).tolist() == [[0, 0], [0, 0]]


def test_a_pool_of_the_largest_integers_needs_no_infinity():
    x = jnp.array([[[-128], [-127], [-128]]], "int8")
    assert ops.max_pool(x, 2, 1, "same").tolist() == [[[-127], [-127], [-128]]]
    assert ops.adaptive_max_pool(x, 2).tolist() == [[[-127], [-127]]]
