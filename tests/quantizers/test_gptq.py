"""GPTQ against Keras's loop over the columns of a kernel."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError
from fkeras.quantizers import gptq, zero_points

RNG = np.random.default_rng(0)


def config(**options):
    return fkeras.quantizers.GPTQConfig(None, None, **{"group_size": -1, **options})


def kernel_and_curvature(outputs, inputs, samples=400):
    mix = RNG.normal(size=(inputs, inputs)) / np.sqrt(inputs) + np.eye(inputs)
    x = (RNG.normal(size=(samples, inputs)) @ mix * RNG.uniform(0.2, 2, inputs)).astype("float32")
    kernel = RNG.normal(size=(outputs, inputs)).astype("float32")
    zeros = jnp.zeros((inputs, inputs))
    return kernel, x, gptq.add_to_curvature(zeros, 0, x)


def as_keras_has_it(keras, kernel, curvature, settings):
    """Keras's loop, given the factor that it should have been given (Keras 3.15 takes the inverse
    for it), and the inputs in their order.
    """
    from keras.src.quantizers.gptq import gptq_quantize_matrix
    from keras.src.quantizers.quantizers import compute_quantization_parameters

    damped = np.asarray(curvature, "float64")
    diagonal = np.diag(damped)
    damped = damped + np.eye(len(damped)) * settings.hessian_damping * diagonal.mean()
    order = np.arange(len(damped))
    if settings.activation_order:
        order = np.argsort(-np.diag(damped), kind="stable")
    inverse = np.linalg.inv(damped[order][:, order])
    numbers, scale, zero, groups = gptq_quantize_matrix(
        keras.ops.convert_to_tensor(kernel[:, order]),
        keras.ops.convert_to_tensor(np.linalg.cholesky(inverse).T.astype("float32")),
        group_size=settings.group_size,
        compute_scale_zero=lambda x: compute_quantization_parameters(
            x,
            bits=settings.weight_bits,
            symmetric=settings.symmetric,
            per_channel=settings.per_channel,
            group_size=settings.group_size,
        ),
    )
    place = np.argsort(order)
    return [np.asarray(x) for x in (numbers[:, place], scale, zero, groups[place])]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"group_size": 8},
        {"group_size": 8, "activation_order": True},
        {"symmetric": True, "weight_bits": 8},
        {"group_size": 16, "weight_bits": 2},
    ],
    ids=["plain", "groups", "order", "symmetric", "two_bits"],
)
def test_numbers_are_those_of_keras(keras, options):
    settings = config(**options)
    kernel, _, curvature = kernel_and_curvature(6, 32)
    mine = gptq.quantize(kernel, curvature, settings)
    numbers, scale, zero, groups = as_keras_has_it(keras, kernel, curvature, settings)
    # A number at the edge between two may fall to either side.
    assert np.mean(np.asarray(mine.numbers) == numbers) > 0.99
    np.testing.assert_allclose(mine.scale, scale, rtol=1e-4)
    np.testing.assert_array_equal(mine.zero, zero)
    np.testing.assert_array_equal(mine.groups, groups.astype(int))


def test_numbers_over_several_blocks_are_those_of_keras(keras):
    settings = config(group_size=64)
    kernel, _, curvature = kernel_and_curvature(4, 192, samples=600)
    mine = gptq.quantize(kernel, curvature, settings)
    numbers, scale, *_ = as_keras_has_it(keras, kernel, curvature, settings)
    assert np.mean(np.asarray(mine.numbers) == numbers) > 0.98
    np.testing.assert_allclose(mine.scale, scale, rtol=1e-3)


@pytest.mark.parametrize(
    "inputs, group_size, groups",
    [(192, -1, 1), (150, 100, 2), (20, 8, 3), (5, 32, 1), (200, 48, 5)],
)
def test_outputs_are_nearer_than_with_plain_rounding(inputs, group_size, groups):
    settings = config(group_size=group_size, weight_bits=3)
    kernel, x, curvature = kernel_and_curvature(8, inputs)
    found = gptq.quantize(kernel, curvature, settings)
    assert found.scale.shape == found.zero.shape == (8, groups)
    assert found.groups.tolist() == [
        i // (inputs if group_size == -1 else group_size) for i in range(inputs)
    ]
    kept = zero_points.dequantize_with_sz_map(found.numbers, found.scale, found.zero, found.groups)
    scale, zero, largest = zero_points.compute_quantization_parameters(
        kernel, bits=3, per_channel=True, group_size=group_size
    )
    plain = zero_points.dequantize_with_sz_map(
        zero_points.quantize_with_sz_map(kernel, scale, zero, found.groups, largest),
        scale,
        zero,
        found.groups,
    )
    errors = [np.mean((x @ np.asarray(k).T - x @ kernel.T) ** 2) for k in (kept, plain)]
    assert errors[0] < errors[1]


def test_without_correlations_it_is_plain_rounding():
    kernel = RNG.normal(size=(3, 16)).astype("float32")
    found = gptq.quantize(kernel, jnp.eye(16), config(hessian_damping=0.0))
    scale, zero, largest = zero_points.compute_quantization_parameters(
        kernel, bits=4, per_channel=True
    )
    expected = zero_points.quantize_with_zero_point(kernel, scale, zero, largest)
    np.testing.assert_array_equal(found.numbers, expected)


def test_the_curvature_of_parts_is_that_of_the_whole():
    x = RNG.normal(size=(50, 7)).astype("float32")
    parts, count = jnp.zeros((7, 7)), 0
    for part in (x[:5], x[5:30], x[30:]):
        parts, count = gptq.add_to_curvature(parts, count, part), count + len(part)
    np.testing.assert_allclose(parts, 2 / 50 * x.T @ x, rtol=1e-5, atol=1e-6)


def test_an_input_that_is_always_zero_is_just_rounded():
    kernel, x, _ = kernel_and_curvature(3, 8)
    x[:, 2] = 0
    curvature = gptq.add_to_curvature(jnp.zeros((8, 8)), 0, x)
    assert np.isfinite(gptq.quantize(kernel, curvature, config()).numbers).all()


def test_a_curvature_that_cannot_be_used_is_an_error():
    with pytest.raises(UserInputError, match="not positive definite.*hessian_damping=0.01"):
        gptq.quantize(jnp.ones((2, 3)), jnp.full((3, 3), jnp.nan), config())
