"""AWQ against its formulas written out with Keras's rounding."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.quantizers import awq, zero_points

RNG = np.random.default_rng(0)


def config(**options):
    return fkeras.quantizers.AWQConfig(None, None, **{"group_size": -1, **options})


def kernel_and_inputs(outputs=6, inputs=32):
    x = RNG.normal(size=(200, inputs)) * np.exp(RNG.normal(size=inputs))
    return RNG.normal(size=(outputs, inputs)).astype("float32"), x.astype("float32")


def kept_by_keras(keras, kernel, group_size):
    """A kernel after Keras's rounding to 4 bits."""
    from keras.src.quantizers import quantizers as theirs

    scale, zero, largest = theirs.compute_quantization_parameters(
        kernel, bits=4, per_channel=True, group_size=group_size
    )
    size = kernel.shape[1] if group_size == -1 else group_size
    groups = np.arange(kernel.shape[1]) // size
    numbers = theirs.quantize_with_sz_map(kernel, scale, zero, groups, largest)
    return np.asarray(theirs.dequantize_with_sz_map(numbers, scale, zero, groups))


def kept(found):
    """A kernel from its numbers."""
    scaled = zero_points.dequantize_with_sz_map(
        found.numbers, found.scale, found.zero, found.groups
    )
    return np.asarray(scaled / found.input_scales)


@pytest.mark.parametrize("group_size", [-1, 8])
def test_scales_are_the_best_on_the_grid(keras, group_size):
    kernel, x = kernel_and_inputs()
    sizes = np.abs(x).mean(0)
    grouped = np.abs(kernel).reshape(6, -1, 32 if group_size == -1 else group_size)
    weights = (grouped / (grouped.max(2, keepdims=True) + 1e-6)).reshape(6, 32).mean(0)
    best = None
    for ratio in np.linspace(0, 1, 11):
        scales = np.maximum(sizes**ratio / weights ** (1 - ratio), 1e-4)
        scales = (scales / np.sqrt(scales.max() * scales.min())).astype("float32")
        after = kept_by_keras(keras, kernel * scales, group_size) / scales
        error = np.mean(((kernel - after) * sizes) ** 2)
        if best is None or error < best[0]:
            best = error, scales, after
    settings = config(group_size=group_size, num_grid_points=10, apply_clip=False)
    found = awq.quantize(kernel, sizes, None, settings)
    np.testing.assert_allclose(found.input_scales, best[1], rtol=1e-4)
    np.testing.assert_allclose(kept(found), best[2], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("group_size", [-1, 8])
def test_ranges_are_cut_where_outputs_come_nearer(keras, group_size):
    kernel, x = kernel_and_inputs()
    sizes = np.abs(x).mean(0)
    settings = config(group_size=group_size)
    found = awq.quantize(kernel, sizes, x, settings)
    # The same search with the outputs written out.
    scales, size = np.asarray(found.input_scales), 32 if group_size == -1 else group_size
    scaled, met = (kernel * scales).reshape(6, -1, size), (x / scales).reshape(200, -1, size)
    limits = np.abs(scaled).max(2, keepdims=True)
    expected, smallest = scaled.copy(), np.full(limits.shape, np.inf)
    for step in range(20):
        limit = limits * (1 - step * 0.025)
        cut = np.clip(scaled, -limit, limit)
        after = kept_by_keras(keras, cut.reshape(6, 32), group_size).reshape(cut.shape)
        outputs = np.einsum("rgk,ogk->org", met, after - scaled)
        error = np.mean(outputs**2, axis=1)[..., None]
        expected = np.where(error < smallest, after, expected)
        smallest = np.minimum(error, smallest)
    after = expected.reshape(6, 32) / scales
    assert np.mean(np.isclose(kept(found), after, rtol=1e-3, atol=1e-4)) > 0.95
    plain = awq.quantize(kernel, sizes, None, settings)
    errors = [np.mean((x @ (kept(n) - kernel).T) ** 2) for n in (found, plain)]
    assert errors[0] <= errors[1]


def test_outputs_are_nearer_than_with_plain_rounding(keras):
    kernel, x = kernel_and_inputs(16, 40)
    found = awq.quantize(kernel, np.abs(x).mean(0), x, config(group_size=16))
    assert found.scale.shape == found.zero.shape == (16, 3) and found.zero.dtype == "uint8"
    plain = kept_by_keras(keras, kernel, 16)
    errors = [np.mean((x @ (k - kernel).T) ** 2) for k in (kept(found), plain)]
    assert errors[0] < 0.8 * errors[1]


def test_magnitudes_of_parts_are_those_of_the_whole():
    x = RNG.normal(size=(50, 7)).astype("float32")
    parts, count = jnp.zeros(7), 0
    for part in (x[:5], x[5:30], x[30:]):
        parts, count = awq.add_to_magnitudes(parts, count, part), count + len(part)
    np.testing.assert_allclose(parts, np.abs(x).mean(0), rtol=1e-5)
