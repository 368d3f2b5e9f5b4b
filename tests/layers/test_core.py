"""Lambda, Wrapper, EinsumDense, aliases: what the contract table does not reach."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.array([[1.0, -2.0, 3.0]], "float32")


@fkeras.saving.register_keras_serializable("tests")
def doubled(x, training=None):
    return 2 * x if training else x


@fkeras.saving.register_keras_serializable("tests")
class Residual(layers.Wrapper):
    def call(self, x):
        return x + self.layer(x)


def revived(layer, **kwargs):
    config = json.loads(json.dumps(layers.serialize(layer)))
    return type(layer).from_config(config["config"], **kwargs)


def test_lambda_passes_training_and_arguments_on():
    layer = layers.Lambda(doubled)
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer(X, training=True), 2 * X)
    np.testing.assert_array_equal(
        layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3})(X), 3 * X
    )


def test_lambda_of_a_named_function_survives_its_config():
    again = revived(layers.Lambda(doubled, output_shape=(3,), name="twice"))
    assert again.name == "twice" and again.function is doubled
    assert again(fkeras.KerasTensor((None, 3))).shape == (None, 3)


def test_lambda_of_code_is_revived_only_where_that_is_asked_for():
    layer = layers.Lambda(lambda x: x**2)
    with pytest.raises(ValueError, match="is a Python lambda, which is code"):
        revived(layer)
    with pytest.raises(ValueError, match="is a Python lambda, which is code"):
        layers.deserialize(layers.serialize(layer))
    np.testing.assert_array_equal(revived(layer, safe_mode=False)(X), X**2)


def test_lambda_finds_or_takes_its_output_shape():
    stacked = layers.Lambda(lambda x: jnp.concatenate([x, x], axis=1))
    assert stacked(fkeras.KerasTensor((None, 3))).shape == (None, 6)
    assert stacked.compute_output_shape((None, 3)) == (None, 6)
    given = layers.Lambda(lambda x: x, output_shape=lambda shape: (shape[0], 7))
    assert given(fkeras.KerasTensor((None, 3))).shape == (None, 7)
    counted = layers.Lambda(lambda x: jnp.argmax(x, -1))(fkeras.KerasTensor((None, 3)))
    assert counted.shape == (None,) and counted.dtype == "int32"


def test_lambda_sets_the_mask_it_was_given():
    layer = layers.Lambda(
        lambda x: x * 1.0, mask=lambda inputs, mask: jnp.any(inputs != 0, axis=-1)
    )
    np.testing.assert_array_equal(
        layer.compute_mask(jnp.zeros((2, 3, 4)), None), np.zeros((2, 3), bool)
    )
    assert layer.supports_masking and not layers.Lambda(doubled).supports_masking


def test_a_wrapper_owns_the_weights_of_its_layer_and_survives_its_config():
    layer = Residual(layers.Dense(3, kernel_initializer="ones"))
    np.testing.assert_allclose(layer(X), X + X.sum())
    assert [w.path for w in layer.weights] == ["residual/dense/kernel", "residual/dense/bias"]
    variables = layer.init(jax.random.key(0), X.shape)
    assert jax.tree.map(jnp.shape, variables["params"]) == {
        "layer": {"kernel": (3, 3), "bias": (3,)}
    }
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    np.testing.assert_allclose(again(X), layer(X))


def test_wrappers_of_keras_configs(keras):
    theirs = keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 2), power_iterations=2)
    again = layers.deserialize(keras.layers.serialize(theirs))
    assert again.power_iterations == 2 and again.layer.kernel_size == (2, 2)


def test_einsum_dense_counts_fans_as_the_equation_sums(keras):
    layer = layers.EinsumDense(
        "abc,cde->abde",
        (None, 8, 16),
        kernel_initializer=fkeras.initializers.VarianceScaling(mode="fan_in", seed=1),
    )
    layer.build((None, 10, 200))
    assert float(np.std(layer.kernel)) == pytest.approx(200**-0.5, rel=0.05)


def test_identity_passes_structures():
    x = {"a": jnp.ones((2, 3)), "b": [jnp.ones((2,), "int32")]}
    y = layers.Identity()(x)
    assert jax.tree.map(jnp.shape, y) == jax.tree.map(jnp.shape, x) and y["b"][0].dtype == jnp.int32
    out = layers.Identity()([fkeras.KerasTensor((None, 3)), fkeras.KerasTensor((None,), "int32")])
    assert [t.dtype for t in out] == ["float32", "int32"]


@pytest.mark.parametrize(
    "layer",
    [
        layers.Flatten(),
        layers.Reshape((6, 1)),
        layers.Permute((2, 1)),
        layers.ZeroPadding1D(),
        layers.Cropping1D((1, 0)),
        layers.UpSampling1D(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_only_move_values_keep_integers(layer):
    x = jnp.arange(12).reshape(2, 2, 3)
    assert layer(x).dtype == jnp.int32
    symbolic = layer(fkeras.KerasTensor((None, 2, 3), "int32"))
    assert symbolic.dtype == "int32" and symbolic.shape[1:] == layer(x).shape[1:]


def test_functional_forms_and_other_names(keras):
    x, y = X, 2 * X
    for name in (
        "add",
        "subtract",
        "multiply",
        "average",
        "maximum",
        "minimum",
        "concatenate",
        "dot",
    ):
        np.testing.assert_allclose(
            getattr(layers, name)([x, y]), getattr(keras.layers, name)([x, y]), rtol=1e-6
        )
    assert layers.concatenate([x, y], axis=0, name="joined").shape == (2, 3)
    for alias, name in (
        ("MaxPool2D", "MaxPooling2D"),
        ("GlobalAvgPool1D", "GlobalAveragePooling1D"),
        ("Convolution2D", "Conv2D"),
        ("SeparableConvolution1D", "SeparableConv1D"),
        ("Convolution3DTranspose", "Conv3DTranspose"),
    ):
        assert getattr(layers, alias) is getattr(layers, name)


def test_a_convolution_op_of_ones_own():
    class Standardised(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            kernel = kernel - jnp.mean(kernel, axis=(0, 1, 2), keepdims=True)
            return super().convolution_op(inputs, kernel)

    layer = Standardised(4, 3, kernel_initializer="ones")
    np.testing.assert_allclose(
        layer(np.ones((1, 5, 5, 2), "float32")), np.zeros((1, 3, 3, 4)), atol=1e-6
    )


def test_free_spatial_axes_stay_free():
    image = fkeras.KerasTensor((None, None, None, 3))
    assert layers.Conv2D(4, 3, padding="same", strides=2)(image).shape == (None, None, None, 4)
    assert layers.MaxPooling2D()(image).shape == (None, None, None, 3)
    assert layers.Conv2DTranspose(4, 3)(image).shape == (None, None, None, 4)
    assert layers.GlobalAveragePooling2D()(image).shape == (None, 3)
    assert layers.Flatten()(image).shape == (None, None)
    assert layers.UpSampling2D(interpolation="bilinear")(image).shape == (None, None, None, 3)
