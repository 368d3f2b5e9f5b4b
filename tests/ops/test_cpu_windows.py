"""The forms for the CPU against XLA's own kernels: values, and gradients for both operands."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from fkeras import ops
from fkeras.ops import cpu_windows

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


TIES = np.round(normal(2, 7, 6, 3))
FIRST = {"data_format": "channels_first"}
ROWS = [
    (ops.max_pool, (TIES, 2), {}),
    (ops.max_pool, (TIES, (3, 2)), {"strides": (2, 1), "padding": "same"}),
    (ops.max_pool, (TIES, 3), {"strides": 1, **FIRST}),
    (ops.max_pool, (np.round(normal(2, 5, 4, 6, 2)), 2), {"strides": 1, "padding": "same"}),
    (
        ops.depthwise_conv,
        (normal(2, 7, 6, 3), normal(3, 2, 3, 2)),
        {"strides": 2, "padding": "same"},
    ),
    (
        ops.depthwise_conv,
        (normal(2, 3, 7, 6), normal(2, 3, 3, 2)),
        {"dilation_rate": (2, 1), **FIRST},
    ),
    (ops.conv, (normal(2, 7, 6, 12), normal(2, 2, 1, 24)), {}),
    (
        ops.conv,
        (normal(2, 7, 6, 24), normal(2, 2, 2, 12)),
        {"strides": 2, "padding": "same"},
    ),  # 12 groups in 6 convolutions
    (
        ops.conv,
        (normal(2, 22, 6, 5), normal(2, 2, 2, 22)),
        {"dilation_rate": 2, **FIRST},
    ),  # 11 groups in one
    (ops.conv, (normal(2, 7, 6, 3), normal(1, 1, 3, 4)), {"strides": (2, 3)}),
    (ops.conv, (normal(2, 7, 6, 1), normal(3, 3, 1, 32)), {"strides": (2, 1), "padding": "same"}),
    (ops.conv, (normal(2, 9, 3), normal(5, 3, 32)), {"dilation_rate": 2}),
    (ops.conv_transpose, (normal(2, 4, 3), normal(7, 5, 3), 3), {}),
    (ops.conv_transpose, (normal(2, 4, 5, 3), normal(3, 2, 4, 3), (2, 3)), {"padding": "same"}),
    (
        ops.conv_transpose,
        (normal(2, 3, 4, 5), normal(2, 3, 4, 3), 4),
        {"output_padding": 2, **FIRST},
    ),
    (
        ops.conv_transpose,
        (normal(2, 4, 5, 3), normal(3, 2, 4, 3), (3, 2)),
        {"padding": "same", "output_padding": (2, 1)},
    ),
]


def _names(row):
    return f"{row[0].__name__}{[np.shape(a) for a in row[1] if np.ndim(a)]}{row[2]}"


@pytest.mark.parametrize("row", ROWS, ids=_names)
def test_windows_as_slices_compute_what_xlas_kernels_compute(row, monkeypatch):
    op, args, options = row
    arrays = [a for a in args if np.ndim(a) > 1]

    def run():
        def scored(*arrays):
            y = op(*arrays, *args[len(arrays) :], **options)
            return jnp.sum(y * jnp.cos(jnp.arange(y.size).reshape(y.shape))), y

        return jax.jit(jax.value_and_grad(scored, argnums=tuple(range(len(arrays))), has_aux=True))(
            *arrays
        )

    assert cpu_windows.preferred()
    (_, ours), gradients = run()
    monkeypatch.setattr(cpu_windows, "preferred", lambda: False)
    (_, theirs), expected = run()
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), gradients, expected
    )


def test_the_gradient_by_patches_is_taken_for_small_patches_and_many_filters_only():
    taken = {
        shape: cpu_windows.small_patches(jnp.zeros(shape))
        for shape in ((3, 3, 1, 32), (3, 3, 3, 32), (3, 3, 1, 16), (5, 5, 3, 64), (3, 3, 32, 64))
    }
    assert list(taken.values()) == [True, True, False, False, False]
    assert not cpu_windows.small_patches(jnp.zeros((3, 3, 1, 32), "bfloat16"))


@pytest.mark.parametrize("platform, products", [("cpu", 1), ("tpu", 0), ("cuda", 0)])
def test_programs_for_other_platforms_hold_xlas_own_gradient(platform, products):
    gradient = jax.jit(jax.grad(lambda kernel, x: jnp.sum(ops.conv(x, kernel) ** 2)))
    program = jax.export.export(gradient, platforms=[platform])(
        normal(3, 3, 1, 32), normal(2, 7, 6, 1)
    ).mlir_module()
    assert program.count("stablehlo.dot_general") == products
    assert program.count("stablehlo.convolution") == 2 - products


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_the_gradient_by_patches_has_both_modes_a_second_order_and_vmap(mode):
    x, kernel = jnp.asarray(normal(2, 4, 4, 1)), jnp.asarray(normal(2, 2, 1, 32))
    convolve = lambda x, kernel: ops.conv(x, kernel, padding="same")
    check_grads(convolve, (x, kernel), order=2, modes=[mode], rtol=2e-2, atol=2e-2)
    gradient = jax.grad(lambda kernel, x: jnp.sum(convolve(x, kernel) ** 2))
    apart = [gradient(kernel * scale, x) for scale in (1, 2)]
    together = jax.vmap(gradient, in_axes=(0, None))(jnp.stack([kernel, 2 * kernel]), x)
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-4)


def test_a_nan_or_an_infinity_comes_through_max_pooling():
    x = np.array([1.0, np.nan, 2.0, 3.0, -np.inf, -np.inf, np.inf, 0.0], "float32").reshape(1, 8, 1)
    np.testing.assert_array_equal(ops.max_pool(x, 2)[0, :, 0], [np.nan, 3, -np.inf, np.inf])
    np.testing.assert_array_equal(
        ops.max_pool(np.array([5, -7, -9, -8]).reshape(1, 4, 1), 2)[0, :, 0], [5, -8]
    )


def test_half_precision_is_summed_in_float32():
    x, kernel = normal(2, 9, 4), normal(5, 4, 1)
    exact = ops.depthwise_conv(x, kernel)
    half = ops.depthwise_conv(jnp.asarray(x, "bfloat16"), jnp.asarray(kernel, "bfloat16"))
    rounded = ops.depthwise_conv(
        jnp.asarray(x, "bfloat16").astype("float32"),
        jnp.asarray(kernel, "bfloat16").astype("float32"),
    )
    assert half.dtype == jnp.bfloat16 and exact.dtype == jnp.float32
    np.testing.assert_array_equal(half, rounded.astype("bfloat16"))


def test_a_large_window_takes_xlas_kernel():
    assert not cpu_windows.few_positions((30, 30))
    x, kernel = normal(1, 300, 2), normal(200, 2, 1)
    expected = np.stack([np.correlate(x[0, :, c], kernel[:, c, 0]) for c in range(2)], -1)
    np.testing.assert_allclose(ops.depthwise_conv(x, kernel)[0], expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(
        ops.max_pool(x, 200, 50)[0, :, 0], [x[0, i : i + 200, 0].max() for i in (0, 50, 100)]
    )
