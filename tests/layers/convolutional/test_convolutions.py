"""Convolutions against loops over positions in NumPy: strides, dilation, groups, formats, edges."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.layers.convolutional.convolution import Convolution

RNG = np.random.default_rng(0)
SEQUENCE, IMAGE, VOLUME = (
    RNG.normal(size=size).astype("float32") for size in ((2, 7, 4), (2, 6, 5, 4), (1, 4, 5, 3, 2))
)
INPUTS = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}
NEAR = {"rtol": 1e-4, "atol": 1e-5}


def per_axis(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def pad_input(x, window, strides, dilation, padding):
    """Zeros around the spatial axes, as 'same' and 'causal' have them."""
    widths = [(0, 0)]
    for size, length, stride, rate in zip(x.shape[1:-1], window, strides, dilation):
        reach = (length - 1) * rate + 1
        total = {
            "valid": 0,
            "same": max((-(-size // stride) - 1) * stride + reach - size, 0),
            "causal": reach - 1,
        }[padding]
        before = total if padding == "causal" else total // 2
        widths.append((before, total - before))
    return np.pad(x, [*widths, (0, 0)])


def convolve(x, kernel, strides=1, padding="valid", dilation_rate=1, groups=1):
    """(batch, *positions, filters) of x (batch, *sizes, channels), one position after the other."""
    rank = x.ndim - 2
    strides, dilation = per_axis(strides, rank), per_axis(dilation_rate, rank)
    window = kernel.shape[:rank]
    x = pad_input(x.astype("float64"), window, strides, dilation, padding)
    counts = [
        (size - (length - 1) * rate - 1) // stride + 1
        for size, length, stride, rate in zip(x.shape[1:-1], window, strides, dilation)
    ]
    outputs = np.zeros((len(x), *counts, kernel.shape[-1]))
    inputs_by_group = np.split(np.arange(x.shape[-1]), groups)
    filters_by_group = np.split(np.arange(kernel.shape[-1]), groups)
    for position in itertools.product(*map(range, counts)):
        for offset in itertools.product(*map(range, window)):
            place = [
                p * stride + o * rate
                for p, stride, o, rate in zip(position, strides, offset, dilation)
            ]
            seen = x[(slice(None), *place)]  # (batch, channels)
            for channels, filters in zip(inputs_by_group, filters_by_group):
                change = seen[:, channels] @ kernel[offset][:, filters]
                outputs[(slice(None), *position)][:, filters] += change
    return outputs


def by_channel(x, kernel, **options):
    """Each channel with its own filters: kernel (*window, channels, multiplier)."""
    parts = [
        convolve(x[..., c : c + 1], kernel[..., c : c + 1, :], **options)
        for c in range(x.shape[-1])
    ]
    return np.concatenate(parts, axis=-1)


def run(layer, x, data_format="channels_last"):
    """Outputs in channels_last, for weights that are not 0 anywhere."""
    first = data_format == "channels_first"
    x = np.moveaxis(x, -1, 1) if first else x
    layer.build(x.shape)
    weights = [RNG.normal(size=w.shape).astype("float32") for w in layer.weights]
    layer.set_weights(weights)
    outputs = np.asarray(layer(x))
    assert layer.compute_output_shape(x.shape) == outputs.shape
    return (np.moveaxis(outputs, 1, -1) if first else outputs), weights


ROWS = [
    (1, {"kernel_size": 3}),
    (1, {"kernel_size": 2, "strides": 3, "padding": "same"}),
    (1, {"kernel_size": 3, "dilation_rate": 2, "padding": "causal"}),
    (1, {"kernel_size": 4, "strides": 2, "padding": "causal"}),
    (1, {"kernel_size": 2, "groups": 4, "padding": "same"}),
    (2, {"kernel_size": (2, 3), "strides": (1, 2)}),
    (2, {"kernel_size": 3, "dilation_rate": (1, 2), "padding": "same"}),
    (2, {"kernel_size": 1, "strides": 2, "groups": 2}),
    (2, {"kernel_size": 4, "strides": 3, "padding": "same", "use_bias": False}),
    (3, {"kernel_size": (2, 1, 3), "padding": "same"}),
    (3, {"kernel_size": 2, "strides": (1, 2, 1), "groups": 2}),
]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank, options", ROWS)
def test_a_convolution_is_a_sum_over_its_window(rank, options, data_format):
    layer = getattr(layers, f"Conv{rank}D")(
        4, **options, data_format=data_format, activation="relu"
    )
    outputs, (kernel, *bias) = run(layer, INPUTS[rank], data_format)
    options = {name: v for name, v in options.items() if name not in ("kernel_size", "use_bias")}
    expected = convolve(INPUTS[rank], kernel, **options) + (bias[0] if bias else 0)
    np.testing.assert_allclose(outputs, np.maximum(expected, 0), **NEAR)


CHANNEL_ROWS = [
    (1, {"kernel_size": 3, "strides": 2}),
    (1, {"kernel_size": 2, "dilation_rate": 3, "padding": "same"}),
    (2, {"kernel_size": (3, 2), "strides": 2, "padding": "same"}),
    (2, {"kernel_size": 2, "dilation_rate": (2, 1)}),
]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank, options", CHANNEL_ROWS)
def test_a_depthwise_convolution_keeps_channels_apart(rank, options, data_format):
    layer = getattr(layers, f"DepthwiseConv{rank}D")(
        **options, depth_multiplier=np.int64(3), data_format=data_format
    )
    outputs, (kernel, bias) = run(layer, INPUTS[rank], data_format)
    options = {name: value for name, value in options.items() if name != "kernel_size"}
    expected = by_channel(INPUTS[rank], kernel, **options) + bias
    np.testing.assert_allclose(outputs, expected, **NEAR)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank, options", CHANNEL_ROWS)
def test_a_separable_convolution_mixes_channels_afterwards(rank, options, data_format):
    layer = getattr(layers, f"SeparableConv{rank}D")(
        5, **options, depth_multiplier=2, data_format=data_format
    )
    outputs, (depthwise, pointwise, bias) = run(layer, INPUTS[rank], data_format)
    options = {name: value for name, value in options.items() if name != "kernel_size"}
    expected = by_channel(INPUTS[rank], depthwise, **options) @ pointwise.reshape(-1, 5) + bias
    np.testing.assert_allclose(outputs, expected, **NEAR)


def transpose(x, kernel, strides, dilation_rate):
    """Each input spreads its window over the output; kernel (*window, filters, channels)."""
    rank = x.ndim - 2
    strides, dilation = per_axis(strides, rank), per_axis(dilation_rate, rank)
    window = kernel.shape[:rank]
    sizes = [
        (size - 1) * stride + (length - 1) * rate + 1
        for size, stride, length, rate in zip(x.shape[1:-1], strides, window, dilation)
    ]
    outputs = np.zeros((len(x), *sizes, kernel.shape[-2]))
    for position in itertools.product(*map(range, x.shape[1:-1])):
        for offset in itertools.product(*map(range, window)):
            place = [
                p * stride + o * rate
                for p, stride, o, rate in zip(position, strides, offset, dilation)
            ]
            outputs[(slice(None), *place)] += x[(slice(None), *position)] @ kernel[offset].T
    return outputs


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "rank, options",
    [
        (1, {"kernel_size": 3}),
        (1, {"kernel_size": 4, "strides": 3}),
        (1, {"kernel_size": 2, "strides": 2}),
        (1, {"kernel_size": 3, "dilation_rate": 2}),
        (2, {"kernel_size": (3, 2), "strides": (1, 2)}),
        (3, {"kernel_size": 2, "strides": 2}),
    ],
)
def test_a_transposed_convolution_spreads_each_input(rank, options, data_format):
    layer = getattr(layers, f"Conv{rank}DTranspose")(3, **options, data_format=data_format)
    outputs, (kernel, bias) = run(layer, INPUTS[rank], data_format)
    strides, dilation = options.get("strides", 1), options.get("dilation_rate", 1)
    expected = transpose(INPUTS[rank], kernel, strides, dilation) + bias
    np.testing.assert_allclose(outputs, expected, **NEAR)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("window, stride", [(1, 3), (2, 3), (3, 2), (4, 2), (5, 3)])
def test_output_padding_of_every_size_is_kerass(keras, window, stride, padding):
    kernel = RNG.normal(size=(window, 3, 4)).astype("float32")
    for output_padding in (None, *range(stride)):
        options = {"strides": stride, "padding": padding, "output_padding": output_padding}
        layer = layers.Conv1DTranspose(3, window, use_bias=False, **options)
        layer.build(SEQUENCE.shape)
        layer.set_weights([kernel])
        expected = keras.ops.conv_transpose(SEQUENCE, kernel, **options)
        np.testing.assert_allclose(layer(SEQUENCE), expected, **NEAR)
        assert layer.compute_output_shape(SEQUENCE.shape) == expected.shape


def test_a_transposed_convolution_is_the_gradient_of_a_convolution():
    down = layers.Conv2D(3, 3, strides=2, padding="same", use_bias=False)
    up = layers.Conv2DTranspose(4, 3, strides=2, padding="same", use_bias=False)
    x = IMAGE[:, :, :4]  # even sizes: strides divide them
    down.build(x.shape)
    outputs, pull = jax.vjp(down, jnp.asarray(x))
    up.build(outputs.shape)
    up.set_weights(down.get_weights())
    np.testing.assert_allclose(up(outputs), pull(outputs)[0], **NEAR)


# -- shapes, precision, the pure form ----------------------------------------------

LAYERS = {
    "Conv2D": lambda **options: layers.Conv2D(4, 3, **options),
    "Conv2DTranspose": lambda **options: layers.Conv2DTranspose(4, 3, **options),
    "DepthwiseConv2D": lambda **options: layers.DepthwiseConv2D(3, **options),
    "SeparableConv2D": lambda **options: layers.SeparableConv2D(4, 3, **options),
}


@pytest.mark.parametrize("name", LAYERS)
def test_unknown_sizes_stay_unknown_and_channels_must_be_known(name):
    layer = LAYERS[name](strides=2, padding="same")
    assert layer(fkeras.Input((None, None, 4))).shape == (None, None, None, 4)
    assert layer.compute_output_shape((None, None, 5, 4))[1] is None
    assert layer.input_spec.axes == {-1: 4}
    with pytest.raises(UserInputError, match="expected axis -1 .*to have value 4"):
        layer(np.ones((1, 6, 6, 3), "float32"))


@pytest.mark.parametrize("name", LAYERS)
def test_configs_make_the_same_layer(name):
    kernel = "depthwise" if name in ("DepthwiseConv2D", "SeparableConv2D") else "kernel"
    settings = {
        "strides": (1, 2),
        "padding": "SAME",
        "use_bias": False,
        f"{kernel}_regularizer": "l2",
        f"{kernel}_constraint": "max_norm",
        "activation": "tanh",
        "activity_regularizer": "l1",
        "name": "mine",
    }
    layer = LAYERS[name](**settings)
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert again.padding == "same" and again.strides == (1, 2) and again.name == "mine"
    outputs = again(IMAGE)
    assert again.bias is None and len(again.losses) == 2  # of the output and of the kernel
    np.testing.assert_allclose(
        again.losses[0], 0.01 * np.abs(outputs).sum() / len(IMAGE), rtol=1e-4
    )


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float16"])
@pytest.mark.parametrize("name", LAYERS)
def test_half_precision_stays_near(name, dtype):
    exact, layer = LAYERS[name](), LAYERS[name](dtype=dtype)
    expected = exact(IMAGE)
    layer.build(IMAGE.shape)
    layer.set_weights(exact.get_weights())
    outputs = layer(IMAGE)
    assert str(outputs.dtype) == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(np.asarray(outputs, "float32"), expected, atol=0.1)


@pytest.mark.parametrize("name", LAYERS)
def test_the_pure_form_maps_over_images_and_differentiates(name):
    layer = LAYERS[name](padding="same")
    expected = layer(IMAGE)
    variables = layer.init(layer.build_key, IMAGE)
    one = lambda x: layer.apply(variables, x[None])[0][0]
    np.testing.assert_allclose(jax.jit(jax.vmap(one))(IMAGE), expected, **NEAR)
    gradient = jax.grad(lambda v: jnp.sum(layer.apply(v, IMAGE)[0]))(variables)["params"]
    positions = np.prod(expected.shape[:-1])
    np.testing.assert_allclose(gradient["bias"], positions, rtol=1e-5)


def test_ints_are_cast_to_the_compute_dtype():
    layer = layers.Conv2D(3, 2)
    ids = (4 * IMAGE).astype("uint8")
    np.testing.assert_allclose(layer(ids), layer(ids.astype("float32")), **NEAR)


def test_counts_may_be_numpys_numbers():
    layer = layers.Conv2D(np.int64(4), (np.int64(3), np.int32(2)), groups=np.int64(2))
    assert type(layer.filters) is int and type(layer.groups) is int
    assert layer(IMAGE).shape == (2, 4, 4, 4)


def test_an_overridden_convolution_op_gets_the_kernel():
    class Doubled(layers.Conv1D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, 2 * kernel.value)

    layer, plain = Doubled(2, 3, padding="causal"), layers.Conv1D(2, 3, padding="causal")
    outputs = layer(SEQUENCE)
    plain.build(SEQUENCE.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(outputs, 2 * plain(SEQUENCE), **NEAR)


def test_a_convolution_of_ones_own_must_say_how():
    class Mine(Convolution):
        rank = 1

    with pytest.raises(NotImplementedError, match="Mine must define `_convolve"):
        Mine(3)._convolve(SEQUENCE)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Conv1D(True, 3), "`filters`. Expected a strictly positive value"),
        (lambda: layers.Conv1D(2.0, 3), "Received filters=2.0"),
        (lambda: layers.Conv1D(2, 3, groups=1.5), "groups=1.5"),
        (lambda: layers.DepthwiseConv1D(3, depth_multiplier="2"), "depth_multiplier=2"),
        (lambda: layers.SeparableConv1D(2, 3, depth_multiplier=-1), "depth_multiplier=-1"),
        (lambda: layers.Conv3DTranspose(2, 3, output_padding=(0, 0)), "tuple of 3 integers"),
        (lambda: layers.Conv1DTranspose(2, 3, output_padding=1), "strictly less than `strides`"),
        (lambda: layers.Conv1DTranspose(2, 3, 2, dilation_rate=2), "not supported in conjunction"),
        (lambda: layers.DepthwiseConv2D(8)(IMAGE), "input is smaller than the kernel"),
        (lambda: layers.SeparableConv1D(2, 3, padding="causal"), "`padding` argument"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(UserInputError, match=message):
        make()
