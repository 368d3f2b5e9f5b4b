"""Whole numbers with scales, float8, and rounding with gradients, against Keras and arithmetic."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import fkeras
from fkeras import quantizers
from fkeras.quantizers import zero_points

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


@pytest.mark.parametrize("to_numpy", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("axis", [-1, 0, (0, 2)])
def test_abs_max_numbers_are_kerass(keras, axis, dtype, to_numpy):
    x = jnp.asarray(normal(3, 4, 5), dtype)
    ours = quantizers.abs_max_quantize(x, axis, to_numpy=to_numpy)
    theirs = keras.quantizers.abs_max_quantize(x, axis, to_numpy=to_numpy)
    for a, b in zip(ours, theirs):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_array_equal(np.asarray(a, "float32"), np.asarray(b, "float32"))


@pytest.mark.parametrize("to_numpy", [False, True])
@pytest.mark.parametrize("rows, block_size", [(64, 32), (50, 32), (40, 128)])
def test_grouped_numbers_are_kerass(keras, rows, block_size, to_numpy):
    kernel = normal(rows, 6)
    arguments = {"block_size": block_size, "to_numpy": to_numpy}
    ours = quantizers.abs_max_quantize_grouped_with_zero_point(kernel, **arguments)
    theirs = keras.quantizers.abs_max_quantize_grouped_with_zero_point(kernel, **arguments)
    for a, b in zip(ours, theirs):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("low, high", [(1.0, 1.3), (-1.3, -1.0), (0.4, 0.4), (0.0, 0.0)])
def test_groups_of_one_sign_keep_their_values(low, high):
    # The zero point is a number of 4 bits: the range has to have 0 in it.
    kernel = np.linspace(low, high, 8, dtype="float32")[:, None]
    numbers, scale, zero = quantizers.abs_max_quantize_grouped_with_zero_point(kernel, 8)
    values = (np.asarray(numbers, "float32") - np.asarray(zero, "float32")) * np.asarray(scale)
    np.testing.assert_allclose(values, kernel, atol=float(scale[0, 0]) / 2 + 1e-6)


def test_symbolic_values_and_variables_are_quantized():
    numbers, scale = quantizers.abs_max_quantize(fkeras.KerasTensor((None, 4)), -1)
    assert (numbers.shape, numbers.dtype) == ((None, 4), "int8")
    assert (scale.shape, scale.dtype) == ((None, 1), "float32")
    variable = fkeras.Variable(normal(2, 3))
    np.testing.assert_array_equal(
        quantizers.AbsMaxQuantizer()(variable)[0],
        quantizers.AbsMaxQuantizer()(variable.numpy())[0],
    )


def test_wrong_blocks_and_ranges_are_refused():
    with pytest.raises(ValueError, match=r"takes arrays \(rows, columns\)"):
        quantizers.abs_max_quantize_grouped_with_zero_point(normal(2, 3, 4), 2)
    with pytest.raises(ValueError, match="`block_size` must be positive"):
        quantizers.abs_max_quantize_grouped_with_zero_point(normal(2, 3), 0)
    with pytest.raises(ValueError, match="value_range within"):
        quantizers.AbsMaxQuantizer(value_range=(-256, 256))


# -- zero points of groups --------------------------------------------------------------------


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"symmetric": True},
        {"per_channel": True},
        {"per_channel": True, "group_size": 32},
        {"per_channel": True, "group_size": 40, "symmetric": True},
        {"per_channel": True, "group_size": 32, "signed": True, "epsilon": 1e-3},
        {"per_channel": True, "group_size": 1000},
    ],
    ids=str,
)
def test_parameters_of_groups_are_kerass(keras, options, bits):
    theirs = keras.src.quantizers.quantizers
    kernel = normal(6, 96)
    ours = zero_points.compute_quantization_parameters(kernel, bits=bits, **options)
    expected = theirs.compute_quantization_parameters(jnp.asarray(kernel), bits=bits, **options)
    for a, b in zip(ours, expected):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-6)
    scale, zero, largest = ours
    size = -(-96 // scale.shape[1]) if options.get("group_size") != 40 else 40
    groups = np.arange(96) // size
    numbers = zero_points.quantize_with_sz_map(kernel, scale, zero, groups, largest)
    np.testing.assert_array_equal(
        numbers,
        theirs.quantize_with_sz_map(jnp.asarray(kernel), scale, zero, groups, largest),
    )
    np.testing.assert_allclose(
        zero_points.dequantize_with_sz_map(numbers, scale, zero, groups),
        theirs.dequantize_with_sz_map(numbers, scale, zero, jnp.asarray(groups)),
        rtol=1e-6,
    )
    one = (scale[:, :1], zero[:, :1])
    np.testing.assert_allclose(
        zero_points.dequantize_with_zero_point(numbers, *one),
        theirs.dequantize_with_zero_point(numbers, *one),
        rtol=1e-6,
    )


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_parameters_of_groups_of_one_sign_keep_their_values(sign, symmetric):
    kernel = sign * np.linspace(1.0, 1.3, 8, dtype="float32")[None]
    scale, zero, largest = zero_points.compute_quantization_parameters(
        kernel, bits=4, per_channel=True, symmetric=symmetric
    )
    numbers = zero_points.quantize_with_zero_point(kernel, scale, zero, largest)
    values = zero_points.dequantize_with_zero_point(numbers, scale, zero)
    np.testing.assert_allclose(values, kernel, atol=1.01 * float(scale[0, 0]))


@pytest.mark.parametrize(
    "kernel, message",
    [
        (None, "cannot be None"),
        (np.ones(3), "rank at least 2"),
        (np.ones((0, 3)), "cannot be empty"),
    ],
    ids=["none", "rank", "empty"],
)
def test_what_is_no_kernel_is_refused(kernel, message):
    with pytest.raises(ValueError, match=message):
        zero_points.compute_quantization_parameters(kernel, bits=4)


# -- float8 ---------------------------------------------------------------------------------------


def test_float8_scales_follow_the_largest_magnitude(keras):
    for amax, scale in [(3.0, 4.0), (0.0, 4.0), (np.inf, 0.5), (np.nan, 2.0)]:
        arguments = (jnp.float32(amax), jnp.float32(scale), jnp.float32(448.0))
        ours = quantizers.compute_float8_scale(*arguments)
        np.testing.assert_allclose(ours, keras.quantizers.compute_float8_scale(*arguments))
    assert float(quantizers.compute_float8_scale(3.0, 4.0, 448.0, margin=1)) == pytest.approx(
        3 / 448 * 2
    )


def test_float8_histories_put_the_newest_first(keras):
    history = jnp.arange(1.0, 5.0)
    ours = quantizers.compute_float8_amax_history(jnp.array([2.0, -9.0]), history)
    assert ours.tolist() == [9.0, 3.0, 4.0, 1.0]
    theirs = keras.quantizers.compute_float8_amax_history(jnp.array([2.0, -9.0]), history)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
def test_float8_rounding_is_that_of_the_dtype(dtype):
    x = 100 * normal(50)
    ours = quantizers.quantize_and_dequantize(x, 0.5, dtype, "float32")
    largest = float(ml_dtypes.finfo(dtype).max)
    expected = np.clip(x / 0.5, -largest, largest).astype(dtype).astype("float32") * 0.5
    np.testing.assert_array_equal(ours, expected)


# -- rounding with gradients ------------------------------------------------------------------


@pytest.mark.parametrize("narrow_range", [False, True])
@pytest.mark.parametrize("num_bits", [8, 3])
@pytest.mark.parametrize(
    "low, high, axis",
    [
        (np.float32(-1.0), np.float32(0.7), None),
        (np.array([-1.0, 0.1, -2.0], "f"), np.array([0.5, 2.0, -0.1], "f"), 1),
    ],
    ids=["one range", "channels"],
)
def test_fake_quantization_is_kerass_with_its_gradients(
    keras, low, high, axis, num_bits, narrow_range
):
    x = normal(40, 3)
    options = {"num_bits": num_bits, "narrow_range": narrow_range, "axis": axis}

    def both(quantize):
        def total(*arguments):
            return jnp.sum(quantize(*arguments, **options) * jnp.arange(x.size).reshape(x.shape))

        return quantize(x, low, high, **options), jax.grad(total, argnums=(0, 1, 2))(x, low, high)

    ours = both(quantizers.fake_quant_with_min_max_vars)
    theirs = both(keras.quantizers.fake_quant_with_min_max_vars)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs)):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_fake_quantization_takes_channels_of_any_axis():
    x = normal(3, 40)
    low, high = -np.arange(1.0, 4.0, dtype="f"), np.arange(1.0, 4.0, dtype="f")
    rows = quantizers.fake_quant_with_min_max_vars(x, low, high, axis=0)
    columns = quantizers.fake_quant_with_min_max_vars(x.T, low, high, axis=-1)
    np.testing.assert_array_equal(rows, columns.T)
    gradient = jax.grad(
        lambda bound: quantizers.fake_quant_with_min_max_vars(x, bound, 1.0, axis=0).sum()
    )(jnp.float32(-1.0))
    assert gradient.shape == ()
    symbolic = quantizers.fake_quant_with_min_max_vars(fkeras.KerasTensor((None, 3)), -1.0, 1.0)
    assert symbolic.shape == (None, 3)
    with pytest.raises(ValueError, match="outside of inputs of rank 2"):
        quantizers.fake_quant_with_min_max_vars(x, low, high, axis=2)
