"""Layer, group, RMS, unit and spectral normalisation: formulas, axes, precision, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
X = rng.normal(2.0, 3.0, size=(2, 4, 6)).astype("float32")
CONSTANT = fkeras.initializers.Constant


@pytest.mark.parametrize("axis", [-1, 1, 2, (1, 2), [2, 1], [-1], (-2, -1), 0])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_normalization_is_its_formula_along_any_axes(axis, affine):
    layer = layers.LayerNormalization(
        axis,
        epsilon=0.1,
        center=affine,
        scale=affine,
        gamma_initializer=CONSTANT(2.0),
        beta_initializer=CONSTANT(1.0),
    )
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    y = (X - X.mean(axes, keepdims=True)) / np.sqrt(X.var(axes, keepdims=True) + 0.1)
    np.testing.assert_allclose(layer(X), 2 * y + 1 if affine else y, rtol=1e-4, atol=1e-4)
    shape = [X.shape[a] for a in sorted(np.atleast_1d(axes) % 3)]
    assert [list(w.shape) for w in layer.weights] == [shape] * (2 * affine)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [0, 2]])
def test_rms_normalization_is_its_formula_along_any_axes(axis):
    layer = layers.RMSNormalization(axis, epsilon=0.1)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    scale = rng.normal(size=[X.shape[a] for a in np.atleast_1d(axes)]).astype("float32")
    layer.build(X.shape)
    layer.set_weights([scale])
    along = [d if i in np.atleast_1d(axes) % 3 else 1 for i, d in enumerate(X.shape)]
    expected = X / np.sqrt((X**2).mean(axes, keepdims=True) + 0.1) * scale.reshape(along)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [0, 2]])
def test_unit_normalization_makes_lengths_of_1(axis):
    axes = tuple(axis) if isinstance(axis, list) else axis
    y = np.asarray(layers.UnitNormalization(axis)(X))
    np.testing.assert_allclose((y**2).sum(axes), np.ones_like((y**2).sum(axes)), rtol=1e-5)
    np.testing.assert_allclose(y / X, np.abs(y / X), rtol=1e-6)  # directions stay


@pytest.mark.parametrize("groups", [1, 2, 3, 6, -1])
@pytest.mark.parametrize("axis", [-1, 1])
def test_group_normalization_is_its_formula(groups, axis):
    layer = layers.GroupNormalization(
        groups,
        axis,
        epsilon=0.1,
        gamma_initializer=CONSTANT(2.0),
        beta_initializer=CONSTANT(1.0),
    )
    x = X if axis == -1 else np.moveaxis(X, -1, 1)
    count = 6 if groups == -1 else groups
    grouped = X.reshape(2, 4, count, 6 // count)
    mean = grouped.mean((1, 3), keepdims=True)
    variance = grouped.var((1, 3), keepdims=True)
    expected = (2 * (grouped - mean) / np.sqrt(variance + 0.1) + 1).reshape(X.shape)
    y = layer(x)
    np.testing.assert_allclose(
        y if axis == -1 else np.moveaxis(np.asarray(y), 1, -1), expected, rtol=1e-4, atol=1e-4
    )
    assert layer.gamma.shape == (6,)


@pytest.mark.parametrize(
    "cls", ["LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization"]
)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_normalised_in_float32(cls, dtype):
    options = {"groups": 2} if cls == "GroupNormalization" else {}
    x = 300 * X  # the squares do not fit float16
    y = getattr(layers, cls)(dtype=dtype, **options)(x)
    assert str(y.dtype) == dtype.removeprefix("mixed_")
    expected = getattr(layers, cls)(**options)(x)
    np.testing.assert_allclose(np.asarray(y, "float32"), expected, rtol=1e-2, atol=2e-2)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_zeros_stay_zeros_with_a_finite_gradient(dtype):
    for layer in (
        layers.UnitNormalization(dtype=dtype),
        layers.LayerNormalization(dtype=dtype),
        layers.RMSNormalization(dtype=dtype),
    ):
        x = jnp.zeros((2, 3), dtype)
        variables = layer.init(jax.random.key(0), x)
        y, gradient = jax.value_and_grad(
            lambda x, layer=layer, v=variables: layer.apply(v, x)[0].astype("float32").sum()
        )(x)
        assert float(y) == 0 and np.isfinite(np.asarray(gradient, "float32")).all()


@pytest.mark.parametrize("shape", [(6,), (2, 6), (1, 2, 1, 2, 6)])
@pytest.mark.parametrize(
    "cls", ["LayerNormalization", "RMSNormalization", "UnitNormalization"], ids=str
)
def test_ranks_and_integers_are_kerass(keras, cls, shape):
    x = rng.integers(-5, 5, size=shape).astype("int32")
    floats = x.astype("float32")
    expected = getattr(keras.layers, cls)()(floats)
    np.testing.assert_allclose(getattr(layers, cls)()(floats), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(getattr(layers, cls)()(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LayerNormalization(3).build((2, 3)), "Axis 3 is out of bounds"),
        (lambda: layers.LayerNormalization([0, -2]).build((2, 3)), "Duplicate axes"),
        (lambda: layers.RMSNormalization([1, 1]).build((2, 3)), "Duplicate axes"),
        (lambda: layers.UnitNormalization(2).compute_output_shape((2, 3)), "out of bounds"),
        (lambda: layers.LayerNormalization("last"), "expected an int or a list/tuple of ints"),
        (lambda: layers.UnitNormalization(None), "expected an int or a list/tuple of ints"),
        (lambda: layers.GroupNormalization(0), "expected a positive integer"),
        (lambda: layers.GroupNormalization(-2), "groups=-2"),
        (lambda: layers.GroupNormalization(8).build((2, 4)), "cannot be more than the number"),
        (lambda: layers.GroupNormalization(3).build((2, 4)), "must be a multiple"),
        (lambda: layers.GroupNormalization(2).build((2, None)), "should have a defined dimension"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_free_sizes_stay_free():
    image = fkeras.KerasTensor((None, None, None, 4))
    for layer in (
        layers.LayerNormalization(),
        layers.GroupNormalization(2),
        layers.RMSNormalization(),
        layers.UnitNormalization(),
    ):
        assert layer(image).shape == image.shape


# -- spectral normalisation ----------------------------------------------------


def spectral_norm(kernel):
    return np.linalg.svd(np.asarray(kernel, "float32").reshape(-1, kernel.shape[-1]))[1][0]


@pytest.mark.parametrize(
    ("inner", "shape"),
    [
        (lambda: layers.Dense(3, use_bias=False), (2, 4)),
        (lambda: layers.Conv1D(3, 2, use_bias=False), (2, 5, 4)),
        (lambda: layers.EinsumDense("ab,bcd->acd", (3, 2)), (2, 4)),
    ],
    ids=["dense", "convolution", "einsum"],
)
def test_the_wrapped_layer_sees_a_kernel_of_norm_1(inner, shape):
    layer = layers.SpectralNormalization(inner(), power_iterations=100)
    x = rng.normal(size=shape).astype("float32")
    y = layer(x, training=True)
    kernel = layer.layer.kernel.numpy()
    plain = inner()
    plain.build(shape)
    plain.set_weights([kernel / spectral_norm(kernel)])
    np.testing.assert_allclose(y, plain(x), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(layer(x), y, rtol=1e-3, atol=1e-4)  # inference after training
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), kernel)
    assert layer.compute_output_shape(shape) == y.shape


def test_inference_before_any_training_uses_the_kernel_itself():
    dense = layers.Dense(3)
    layer = layers.SpectralNormalization(dense)
    x = rng.normal(size=(2, 4)).astype("float32")
    np.testing.assert_allclose(layer(x), dense(x), rtol=1e-6)


def test_an_embedding_is_normalised_by_its_table():
    layer = layers.SpectralNormalization(layers.Embedding(5, 3), power_iterations=100)
    rows = layer(np.array([[0, 1, 2, 3, 4]]), training=True)
    assert spectral_norm(np.asarray(rows)[0]) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("units", [3, 37])
def test_inference_in_half_precision_finds_the_vector_of_training(dtype, units):
    dense = layers.Dense(units, use_bias=False, dtype=dtype)
    layer = layers.SpectralNormalization(dense, power_iterations=30, dtype=dtype)
    x = np.eye(4, dtype="float32")
    trained = layer(x, training=True)
    np.testing.assert_allclose(
        np.asarray(layer(x), "float32"), np.asarray(trained, "float32"), rtol=0.05, atol=0.02
    )
    assert spectral_norm(layer(x)) == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16"])
def test_the_norm_of_a_half_precision_kernel_is_found_in_float32(dtype):
    dense = layers.Dense(3, use_bias=False, dtype=dtype)
    layer = layers.SpectralNormalization(dense, power_iterations=50, dtype=dtype)
    layer.build((None, 4))
    kernel = 200 * rng.normal(size=(4, 3))
    dense.kernel.assign(kernel.astype("float32"))
    rows = layer(np.eye(4, dtype="float32"), training=True)
    assert rows.dtype == jnp.float16
    assert spectral_norm(rows) == pytest.approx(1, rel=5e-3)


@pytest.mark.parametrize("power_iterations", [0, -1, 1.5, "2"])
def test_power_iterations_are_a_positive_count(power_iterations):
    with pytest.raises(ValueError, match="`power_iterations` should be greater than zero"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations)


def test_the_state_of_a_pure_call_is_the_singular_vector():
    layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False), power_iterations=100)
    x = rng.normal(size=(2, 4)).astype("float32")
    variables = layer.init(jax.random.key(0), x)
    _, state = jax.jit(lambda v, x: layer.apply(v, x, training=True))(variables, x)
    kernel = jax.tree.leaves(variables["params"])[0]
    right = np.linalg.svd(kernel)[2][0]
    assert abs(float(state["vector_u"][0] @ right)) == pytest.approx(1, abs=1e-3)
    again = layers.SpectralNormalization.from_config(layer.get_config())
    assert again.power_iterations == 100 and again.layer.units == 3
