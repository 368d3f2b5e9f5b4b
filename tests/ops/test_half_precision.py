"""Long sums in float16 and bfloat16 keep their digits and range: they are taken in float32."""

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops

rng = np.random.default_rng(0)
LONG = rng.uniform(0.5, 1.5, (2, 2000))
IDS = np.zeros(2000, "int32")


def gaps(x):
    return x.reshape(2, -1, 1)


def pool(x, size):
    """Means of windows of `size` by NumPy, one for each place."""
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=1).mean(-1)[..., None]


# what to call, and the same in float64
SUMS = {
    "sum": (lambda x: ops.sum(x, 1), lambda x: x.sum(1)),
    "mean": (lambda x: ops.mean(x, 1), lambda x: x.mean(1)),
    "var": (lambda x: ops.var(x, 1), lambda x: x.var(1)),
    "std": (lambda x: ops.std(x, 1), lambda x: x.std(1)),
    "nanmean": (lambda x: ops.nanmean(x, 1), lambda x: x.mean(1)),
    "nanvar": (lambda x: ops.nanvar(x, 1), lambda x: x.var(1)),
    "nanstd": (lambda x: ops.nanstd(x, 1), lambda x: x.std(1)),
    "average": (lambda x: ops.average(x, 1), lambda x: x.mean(1)),
    "weighted average": (
        lambda x: ops.average(x, 1, weights=x),
        lambda x: np.average(x, 1, weights=x),
    ),
    "cumsum": (lambda x: ops.cumsum(x, 1), lambda x: x.cumsum(1)),
    "nancumsum": (lambda x: ops.nancumsum(x, 1), lambda x: x.cumsum(1)),
    "logsumexp": (lambda x: ops.logsumexp(x, 1), lambda x: np.log(np.exp(x).sum(1))),
    "norm": (lambda x: ops.norm(x, axis=1), lambda x: np.linalg.norm(x, axis=1)),
    "norm of order 1": (lambda x: ops.norm(x, 1, axis=1), lambda x: x.sum(1)),
    "norm of order 3": (lambda x: ops.norm(x, 3, 1), lambda x: (x**3).sum(1) ** (1 / 3)),
    "Frobenius": (ops.norm, np.linalg.norm),
    "moments": (lambda x: ops.moments(x, 1)[1], lambda x: x.var(1)),
    "normalize": (
        lambda x: ops.normalize(x, 1),
        lambda x: x / np.linalg.norm(x, axis=1, keepdims=True),
    ),
    "dot": (lambda x: ops.dot(x, x.T), lambda x: x @ x.T),
    "matmul": (lambda x: ops.matmul(x, x.T), lambda x: x @ x.T),
    "einsum": (lambda x: ops.einsum("ij,kj->ik", x, x), lambda x: x @ x.T),
    "trapezoid": (lambda x: ops.trapezoid(x, axis=1), lambda x: np.trapezoid(x, axis=1)),
    "cdist": (
        lambda x: ops.cdist(x, x[::-1]),
        lambda x: np.linalg.norm(x[:, None] - x[None, ::-1], axis=-1),
    ),
    "corrcoef": (ops.corrcoef, np.corrcoef),
    "segment_sum": (lambda x: ops.segment_sum(x.T, IDS, 1)[0], lambda x: x.sum(1)),
    "scatter": (lambda x: ops.scatter(IDS[:, None], x[0], (1,))[0], lambda x: x[0].sum()),
    "scatter_update": (
        lambda x: ops.scatter_update(x[1, :1], IDS[:, None], x[0], "add")[0],
        lambda x: x[0].sum() + x[1, 0],
    ),
    "bincount": (lambda x: ops.bincount(IDS, x[0])[0], lambda x: x[0].sum()),
    "bincount of rows": (
        lambda x: ops.bincount(np.stack([IDS, IDS]), x)[:, 0],
        lambda x: x.sum(1),
    ),
    "sparse bincount": (
        lambda x: ops.bincount(IDS, x[0], sparse=True).todense()[0],
        lambda x: x[0].sum(),
    ),
    "average_pool": (
        lambda x: ops.average_pool(gaps(x), 1500, 100),
        lambda x: pool(x, 1500)[:, ::100],
    ),
    "adaptive_average_pool": (
        lambda x: ops.adaptive_average_pool(gaps(x), 1)[:, 0, 0],
        lambda x: x.mean(1),
    ),
    "conv": (
        lambda x: ops.conv(gaps(x), jnp.ones((1500, 1, 1), x.dtype), strides=100),
        lambda x: pool(x, 1500)[:, ::100] * 1500,
    ),
    "psnr": (
        lambda x: ops.psnr(x, x[::-1], 1.0),
        lambda x: -10 * np.log10(np.mean((x[0] - x[1]) ** 2)),
    ),
}


@pytest.mark.parametrize(("dtype", "rtol"), [("bfloat16", 8e-3), ("float16", 2e-3)])
@pytest.mark.parametrize("name", SUMS)
def test_a_long_sum_keeps_its_digits(name, dtype, rtol):
    function, reference = SUMS[name]
    x = jnp.asarray(LONG, dtype)
    out = function(x)
    assert out.dtype == dtype
    expected = reference(np.asarray(x, "float64"))
    np.testing.assert_allclose(np.asarray(out, "float64"), expected, rtol=rtol, atol=rtol)


HUNDREDS = np.full(5000, 100, "float16")  # the sum, and a sum of squares, exceed 65504
IN_RANGE = [
    (lambda x: ops.mean(x), 100),
    (lambda x: ops.nanmean(x), 100),
    (lambda x: ops.average(x, weights=x), 100),
    (lambda x: ops.nanstd(x), 0),
    (lambda x: ops.norm(x), 100 * 5000**0.5),
    (lambda x: ops.normalize(x)[0], 5000**-0.5),
    (lambda x: ops.rms_normalization(x)[0], 1),
    (lambda x: ops.average_pool(x[None, :, None], 5000)[0, 0, 0], 100),
    (lambda x: ops.cdist(x[None], 0 * x[None])[0, 0], 100 * 5000**0.5),
    (lambda x: ops.psnr(x, 0 * x, 1000.0), 20),
]


@pytest.mark.parametrize(("call", "expected"), IN_RANGE, ids=range(len(IN_RANGE)))
def test_what_overflows_on_the_way_is_finite_in_the_end(call, expected):
    out = call(HUNDREDS)
    assert out.dtype == jnp.float16
    np.testing.assert_allclose(float(out), expected, rtol=2e-3)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_zeros_stay_zeros_when_normalized(dtype, order):
    out = ops.normalize(jnp.zeros((2, 3), dtype), order=order)
    assert out.dtype == dtype
    np.testing.assert_array_equal(np.asarray(out, "float32"), 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sparsemax_of_many_classes_sums_to_one(dtype):
    x = jnp.asarray(rng.normal(size=(3, 1000)), dtype)
    out = np.asarray(ops.sparsemax(x), "float64")
    np.testing.assert_allclose(out.sum(-1), 1, rtol=5e-3)
    expected = np.asarray(ops.sparsemax(x.astype("float32")))
    np.testing.assert_allclose(out, expected, rtol=1e-2, atol=1e-3)


def test_running_sums_keep_their_dtypes():
    small = np.array([100, 100, 100], "int8")
    assert ops.cumsum(small, dtype="int32").tolist() == [100, 200, 300]
    assert ops.cumsum(np.array([True, True])).tolist() == [1, 2]
    halves = ops.cumsum(np.full(1000, 0.5, "float32"), dtype="bfloat16")
    assert halves.dtype == jnp.bfloat16 and halves[-1] == 500
    assert ops.cumsum(np.array([1j, 2.0])).dtype == "complex64"


def test_similarity_in_half_precision_is_that_of_float32():
    x = rng.uniform(0, 1, (2, 12, 12, 1)).astype("float32")
    noisy = np.clip(x + rng.normal(size=x.shape) * 0.1, 0, 1).astype("float32")
    half = ops.image.ssim(jnp.asarray(x, "float16"), jnp.asarray(noisy, "float16"))
    assert half.dtype == jnp.float16
    np.testing.assert_allclose(half, ops.image.ssim(x, noisy), rtol=5e-3)
