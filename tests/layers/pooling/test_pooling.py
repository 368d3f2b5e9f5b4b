"""Poolings against windows cut out in NumPy: padding, strides, formats, masks, sizes."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError

RNG = np.random.default_rng(0)
INPUTS = {
    1: RNG.normal(size=(2, 7, 3)).astype("float32"),
    2: RNG.normal(size=(2, 6, 5, 3)).astype("float32"),
    3: RNG.normal(size=(1, 4, 5, 3, 2)).astype("float32"),
}
REDUCE = {"Max": np.max, "Average": np.mean}
NEAR = {"rtol": 1e-5, "atol": 1e-6}


def per_axis(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def windows(size, length, stride, padding):
    """(start, end) of each window over an axis, what lies outside cut off."""
    if padding == "valid":
        return [(i, i + length) for i in range(0, size - length + 1, stride)]
    count = -(-size // stride)
    before = max((count - 1) * stride + length - size, 0) // 2
    starts = [i * stride - before for i in range(count)]
    return [(max(start, 0), min(start + length, size)) for start in starts]


def adaptive_windows(size, count):
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def pool(x, reduce, spans):
    """(batch, *windows, channels) from spans of each axis."""
    outputs = np.zeros((len(x), *map(len, spans), x.shape[-1]))
    for position in itertools.product(*(range(len(s)) for s in spans)):
        cut = [slice(*s[p]) for s, p in zip(spans, position)]
        seen = x[(slice(None), *cut)]
        outputs[(slice(None), *position)] = reduce(seen, axis=tuple(range(1, x.ndim - 1)))
    return outputs


def run(layer, x, data_format):
    first = data_format == "channels_first"
    x = np.moveaxis(x, -1, 1) if first else x
    outputs = np.asarray(layer(x))
    assert layer.compute_output_shape(x.shape) == outputs.shape
    return np.moveaxis(outputs, 1, -1) if first and outputs.ndim > 2 else outputs


FORMATS = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
KINDS = pytest.mark.parametrize("kind", REDUCE)


@FORMATS
@KINDS
@pytest.mark.parametrize(
    "rank, options",
    [
        (1, {"pool_size": 2}),
        (1, {"pool_size": 3, "strides": 1, "padding": "same"}),
        (1, {"pool_size": 2, "strides": 3}),
        (1, {"pool_size": 5, "strides": 4, "padding": "same"}),
        (2, {"pool_size": (2, 3), "strides": (1, 2)}),
        (2, {"pool_size": 3, "padding": "same"}),
        (3, {"pool_size": (2, 1, 3)}),
        (3, {"pool_size": 2, "strides": (1, 2, 1), "padding": "same"}),
    ],
)
def test_pooling_reduces_each_window(rank, options, kind, data_format):
    layer = getattr(layers, f"{kind}Pooling{rank}D")(**options, data_format=data_format)
    x = INPUTS[rank]
    lengths = per_axis(options["pool_size"], rank)
    strides = per_axis(options.get("strides", lengths), rank)
    padding = options.get("padding", "valid")
    spans = [windows(n, *ls, padding) for n, *ls in zip(x.shape[1:-1], lengths, strides)]
    expected = pool(x, REDUCE[kind], spans)
    np.testing.assert_allclose(run(layer, x, data_format), expected, **NEAR)


@FORMATS
@KINDS
@pytest.mark.parametrize("rank, size", [(1, 3), (1, 7), (1, 9), (2, (4, 2)), (3, (3, 1, 2))])
def test_adaptive_windows_tile_an_axis_whatever_its_length(rank, size, kind, data_format):
    layer = getattr(layers, f"Adaptive{kind}Pooling{rank}D")(size, data_format=data_format)
    x = INPUTS[rank]
    spans = [adaptive_windows(n, c) for n, c in zip(x.shape[1:-1], per_axis(size, rank))]
    expected = pool(x, REDUCE[kind], spans)
    np.testing.assert_allclose(run(layer, x, data_format), expected, **NEAR)


@FORMATS
@KINDS
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_global_pooling_reduces_all_positions(rank, keepdims, kind, data_format):
    layer = getattr(layers, f"Global{kind}Pooling{rank}D")(data_format, keepdims)
    x = INPUTS[rank]
    axes = tuple(range(1, rank + 1))
    expected = REDUCE[kind](x, axis=axes, keepdims=keepdims)
    np.testing.assert_allclose(run(layer, x, data_format), expected, **NEAR)


@FORMATS
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_a_mask_of_any_dtype_leaves_steps_out_of_the_mean(dtype, keepdims, data_format):
    x, mask = INPUTS[1], np.array([[1, 1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]]).astype(dtype)
    layer = layers.GlobalAveragePooling1D(data_format, keepdims)
    steps_axis = 1 if data_format == "channels_last" else 2
    outputs = layer(x if steps_axis == 1 else x.swapaxes(1, 2), mask=mask)
    expected = np.stack([x[0, [0, 1, 3]].mean(axis=0), x[1, 6]])
    expected = np.expand_dims(expected, steps_axis) if keepdims else expected
    np.testing.assert_allclose(outputs, expected, **NEAR)
    assert layer.compute_mask(x, mask) is None


LAYERS = {
    "MaxPooling2D": lambda **options: layers.MaxPooling2D((2, 3), **options),
    "AveragePooling2D": lambda **options: layers.AveragePooling2D(2, **options),
    "GlobalMaxPooling2D": lambda **options: layers.GlobalMaxPooling2D(**options),
    "GlobalAveragePooling2D": lambda **options: layers.GlobalAveragePooling2D(**options),
    "AdaptiveMaxPooling2D": lambda **options: layers.AdaptiveMaxPooling2D((2, 3), **options),
    "AdaptiveAveragePooling2D": lambda **options: layers.AdaptiveAveragePooling2D(4, **options),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_output_has_one_unit_of_gradient_to_give(name):
    layer, x = LAYERS[name](), INPUTS[2]
    outputs, pull = jax.vjp(layer, jnp.asarray(x))
    gradient = pull(jnp.ones_like(outputs))[0]
    np.testing.assert_allclose(gradient.sum(), outputs.size, rtol=1e-5)
    apply = lambda x: layer.apply({"params": {}}, x[None])[0][0]
    np.testing.assert_allclose(jax.jit(jax.vmap(apply))(x), outputs, **NEAR)


@pytest.mark.parametrize("name", LAYERS)
def test_precision_configs_and_symbolic_shapes(name):
    x = INPUTS[2]
    layer = LAYERS[name](dtype="mixed_bfloat16", name="mine")
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    outputs = again(x)
    assert outputs.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(outputs, "float32"), LAYERS[name]()(x), atol=0.05)
    symbolic = again(fkeras.Input((6, 5, 3)))
    assert symbolic.shape == (None, *outputs.shape[1:]) and symbolic.dtype == "bfloat16"
    if "Adaptive" not in name:
        unknown = LAYERS[name]()(fkeras.Input((None, None, 3)))
        assert unknown.shape[-1] == 3 and set(unknown.shape[:-1]) == {None}


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_windows_are_two_long_where_no_length_is_given(kind, rank):
    assert getattr(layers, f"{kind}Pooling{rank}D")().pool_size == (2,) * rank


def test_sizes_may_be_numpys_numbers():
    layer = layers.AdaptiveMaxPooling2D((np.int64(2), np.int32(3)))
    assert layer(INPUTS[2]).shape == (2, 2, 3, 3)
    assert layers.AdaptiveAveragePooling1D(np.int64(2)).output_size == (2,)
    assert layers.MaxPooling2D((np.int64(2), 3))(INPUTS[2]).shape == (2, 3, 1, 3)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: layers.MaxPooling1D(-1), UserInputError, "do not satisfy `value > 0`"),
        (lambda: layers.MaxPooling1D(2, strides=0), UserInputError, "`strides` argument"),
        (lambda: layers.AveragePooling3D((2, 2)), UserInputError, "must be a tuple of 3 integers"),
        (lambda: layers.AveragePooling1D(8)(INPUTS[1]), UserInputError, "zero or negative"),
        (
            lambda: layers.MaxPooling1D(2)(INPUTS[2]),
            UserInputError,
            "expected ndim=3, found ndim=4",
        ),
        (
            lambda: layers.AdaptiveMaxPooling1D("3"),
            UserTypeError,
            "tuple of 1 integer. Received: 3",
        ),
        (lambda: layers.AdaptiveMaxPooling1D(0), UserInputError, "do not satisfy `value > 0`"),
        (lambda: layers.AdaptiveMaxPooling3D((1, 2)), UserInputError, "must have length 3"),
        (
            lambda: layers.AdaptiveMaxPooling1D(2, data_format="last"),
            UserInputError,
            "Invalid data_format: last",
        ),
    ],
)
def test_mistakes_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
