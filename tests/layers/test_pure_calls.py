"""What holds for every layer without randomness: pure calls, batches of any size, masks, dtypes."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.masks import get_mask, set_mask

# class, options, shape of one example
ROWS = [
    ("Activation", {"activation": "gelu"}, (3,)),
    ("ReLU", {}, (3,)),
    ("PReLU", {}, (3, 2)),
    ("Softmax", {}, (3,)),
    ("Dense", {"units": 2, "activation": "tanh"}, (4, 3)),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 2)}, (4, 3)),
    ("Identity", {}, (3,)),
    ("Masking", {}, (4, 3)),
    ("Lambda", {"function": fkeras.ops.square}, (3,)),
    ("Flatten", {}, (2, 3)),
    ("Reshape", {"target_shape": (3, 2)}, (2, 3)),
    ("Permute", {"dims": (2, 1)}, (2, 3)),
    ("RepeatVector", {"n": 2}, (3,)),
    ("Cropping1D", {}, (4, 2)),
    ("ZeroPadding2D", {}, (2, 3, 1)),
    ("UpSampling2D", {"interpolation": "bilinear"}, (2, 3, 1)),
    ("BatchNormalization", {}, (4, 3)),
    ("LayerNormalization", {}, (4, 3)),
    ("GroupNormalization", {"groups": 2}, (3, 4)),
    ("RMSNormalization", {}, (4, 3)),
    ("UnitNormalization", {}, (4, 3)),
]
each = pytest.mark.parametrize(
    ("name", "options", "shape"), ROWS, ids=lambda v: v if type(v) is str else ""
)


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@each
def test_a_mapped_and_jitted_pure_call_gives_what_the_object_gives(name, options, shape):
    layer, x = getattr(layers, name)(**options), normal(3, *shape)
    facade = np.asarray(layer(x))
    variables = layer.init(layer.build_key, x)
    one = lambda x: layer.apply(variables, x[None])[0][0]
    rows = jax.jit(jax.vmap(one))(x)
    np.testing.assert_allclose(rows, facade, rtol=1e-5, atol=1e-6)


@each
def test_an_empty_batch_has_the_shape_that_symbols_say(name, options, shape):
    layer = getattr(layers, name)(**options)
    symbol = layer(fkeras.KerasTensor((None, *shape)))
    assert symbol.shape[0] is None
    empty = layer(np.zeros((0, *shape), "float32"))
    assert empty.shape == (0, *symbol.shape[1:])
    assert str(empty.dtype) == symbol.dtype
    assert layer.compute_output_shape((None, *shape)) == symbol.shape


@each
def test_integers_give_the_dtype_that_keras_gives(keras, name, options, shape):
    x = np.ones((2, *shape), "int32")
    try:
        expected = getattr(keras.layers, name)(**options)(x)
    except (TypeError, ValueError):  # Keras refuses them: here they count as floats
        assert str(getattr(layers, name)(**options)(x).dtype) == "float32"
        return
    ours = getattr(layers, name)(**options)(x)
    if name != "RMSNormalization":  # of integers Keras rounds what it normalised
        assert str(ours.dtype) == str(expected.dtype)


@each
def test_a_mask_passes_where_keras_lets_it_pass(keras, name, options, shape):
    layer = getattr(layers, name)(**options)
    supports = getattr(keras.layers, name)(**options).supports_masking
    assert layer.supports_masking is supports
    if supports and name not in ("Softmax", "Masking"):  # these two do something with it
        x = jax.numpy.asarray(normal(2, *shape)) + 0
        mask = jax.numpy.arange(2 * shape[0]).reshape(2, shape[0]) % 2 == 0
        set_mask(x, mask)
        np.testing.assert_array_equal(get_mask(layer(x)), mask)
