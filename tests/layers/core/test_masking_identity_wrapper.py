"""Masking, Identity and Wrapper."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.masks import get_mask


def test_masking_marks_steps_and_sets_them_to_zero(keras):
    x = np.array(
        [[[1, 9, 9], [9, 9, 9], [9, 0, 9]], [[np.nan, 9, 9], [9, 9, 9], [9, 9, 9]]], "float32"
    )
    ours, theirs = (L.Masking(mask_value=9.0)(x) for L in (layers, keras.layers))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours._keras_mask, theirs._keras_mask)
    again = layers.deserialize(
        json.loads(json.dumps(layers.serialize(layers.Masking(mask_value=9.0))))
    )
    np.testing.assert_array_equal(again(x), ours)
    assert again(fkeras.Input((None, 3))).shape == (None, None, 3)


@pytest.mark.parametrize("mark", [0, 0.0, -1, np.nan])
def test_masking_compares_with_its_mark(keras, mark):
    x = np.array([[[0, 0], [1, 0], [-1, -1]], [[np.nan, np.nan], [0, np.nan], [2, 2]]], "float32")
    ours = layers.Masking(mark)(x)
    theirs = keras.layers.Masking(mark)(x)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(get_mask(ours), theirs._keras_mask)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_mark_that_half_precision_rounds_is_still_found(dtype):
    x = np.array([[[0.1, 0.1], [0.1, 0.2]]], "float32")
    y = layers.Masking(0.1, dtype=dtype)(x)
    assert get_mask(y).tolist() == [[False, True]] and y.dtype == jnp.dtype(dtype)


def test_masking_keeps_integers_and_reaches_the_layers_behind():
    y = layers.Masking(7)(np.array([[[7, 7], [1, 7]]]))
    assert y.dtype == jnp.int32 and y.tolist() == [[[0, 0], [1, 7]]]
    hidden = layers.Dense(2)(layers.Masking()(np.array([[[0.0], [1.0]]], "float32")))
    assert get_mask(hidden).tolist() == [[False, True]]


def test_masking_has_a_gradient_of_0_in_masked_steps():
    layer = layers.Masking()
    x = jnp.array([[[0.0, 0.0], [1.0, 0.0]]])
    gradient = jax.jit(jax.grad(lambda x: layer.apply({"params": {}}, x)[0].sum()))(x)
    assert gradient.tolist() == [[[0, 0], [1, 1]]]


def test_identity_keeps_masks_dtypes_and_sparseness():
    x = layers.Masking()(np.array([[[0.0], [1.0]]], "float32"))
    assert get_mask(layers.Identity()(x)).tolist() == [[False, True]]
    symbol = layers.Identity()(fkeras.KerasTensor((None, 3), "int8", sparse=True))
    assert (symbol.dtype, symbol.sparse, symbol.shape) == ("int8", True, (None, 3))
    assert layers.Identity()({"a": None, "b": X})["a"] is None


X = np.ones((2, 3), "float32")


class Halved(layers.Wrapper):
    def call(self, x):
        return self.layer(x) / 2

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


def test_a_wrapper_builds_its_layer_once():
    dense = layers.Dense(2)
    dense.build((None, 3))
    kernel = dense.kernel
    wrapper = Halved(dense)
    wrapper.build((None, 3))
    assert wrapper.layer.kernel is kernel and wrapper(fkeras.KerasTensor((None, 3))).shape == (
        None,
        2,
    )
    assert wrapper.count_params() == 8 and wrapper.trainable_weights == dense.trainable_weights
    wrapper.trainable = False
    assert dense.trainable_weights == [] and not dense.trainable


def test_wrappers_of_wrappers_survive_their_config():
    layer = Halved(Halved(layers.Dense(2, kernel_initializer="ones")))
    again = Halved.from_config(layer.get_config(), custom_objects={"Halved": Halved})
    np.testing.assert_allclose(again(X), np.full((2, 2), 0.75))


@pytest.mark.parametrize("thing", [None, "dense", layers.Dense, lambda x: x])
def test_what_is_no_layer_cannot_be_wrapped(thing):
    with pytest.raises(ValueError, match="isn't a supported layer type"):
        Halved(thing)
