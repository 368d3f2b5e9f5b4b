"""Every layer against Keras: shape, dtype, values, gradients, state, jit, half precision, symbolic
shapes, configs, order of weights.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

SEQUENCE, IMAGE, VOLUME = (2, 6, 4), (2, 6, 5, 4), (2, 4, 5, 4, 2)
FIRST = {"data_format": "channels_first"}
TRAIN = {"training": True}
REST = {"training": False}
SHIFT = {"height_factor": 0.2, "width_factor": 0.2}

# class, options, input shapes, arguments of the call
ROWS = [
    ("Activation", {"activation": "tanh"}, [(2, 3)], {}),
    ("ReLU", {}, [(2, 3)], {}),
    ("ReLU", {"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.2}, [(2, 3)], {}),
    ("LeakyReLU", {}, [(2, 3)], {}),
    ("PReLU", {"shared_axes": [1]}, [(2, 3, 4)], {}),
    ("PReLU", {}, [(2, 3)], {}),
    ("ELU", {"alpha": 0.7}, [(2, 3)], {}),
    ("Softmax", {}, [(2, 3)], {}),
    ("Softmax", {"axis": [1, 2]}, [(2, 3, 4)], {}),
    ("Dense", {"units": 5, "activation": "relu"}, [(2, 3)], {}),
    ("Dense", {"units": 5, "use_bias": False}, [(2, 3, 4)], {}),
    ("Dense", {"units": 5, "lora_rank": 2}, [(2, 3)], {}),
    (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 3, 2), "bias_axes": "de"},
        [SEQUENCE],
        {},
    ),
    (
        "EinsumDense",
        {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y", "activation": "relu"},
        [SEQUENCE],
        {},
    ),
    (
        "EinsumDense",
        {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c"},
        [SEQUENCE],
        {},
    ),
    (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 3, 2), "lora_rank": 2},
        [SEQUENCE],
        {},
    ),
    (
        "EinsumDense",
        {"equation": "abc,dc->abd", "output_shape": (None, 3), "lora_rank": 2, "lora_alpha": 3.0},
        [SEQUENCE],
        {},
    ),
    ("Identity", {}, [(2, 3)], {}),
    ("Flatten", {}, [SEQUENCE], {}),
    ("Flatten", FIRST, [IMAGE], {}),
    ("Reshape", {"target_shape": (-1, 2)}, [SEQUENCE], {}),
    ("Permute", {"dims": (3, 1, 2)}, [IMAGE], {}),
    ("RepeatVector", {"n": 3}, [(2, 4)], {}),
    ("Cropping1D", {"cropping": (1, 2)}, [SEQUENCE], {}),
    ("Cropping2D", {"cropping": ((1, 0), (2, 1))}, [IMAGE], {}),
    ("Cropping2D", {"cropping": 1, **FIRST}, [IMAGE], {}),
    ("Cropping3D", {"cropping": (1, 2, 1)}, [VOLUME], {}),
    ("ZeroPadding1D", {"padding": (1, 2)}, [SEQUENCE], {}),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 1)), **FIRST}, [IMAGE], {}),
    ("ZeroPadding3D", {"padding": 1}, [VOLUME], {}),
    ("UpSampling1D", {"size": 3}, [SEQUENCE], {}),
    ("UpSampling2D", {"size": (2, 3)}, [IMAGE], {}),
    ("UpSampling2D", {"interpolation": "bilinear", **FIRST}, [IMAGE], {}),
    ("UpSampling3D", {"size": (1, 2, 3)}, [VOLUME], {}),
    ("MaxPooling1D", {}, [SEQUENCE], {}),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, [SEQUENCE], {}),
    ("MaxPooling2D", {"pool_size": (2, 3)}, [IMAGE], {}),
    ("MaxPooling2D", {"pool_size": 3, "strides": 1, "padding": "same", **FIRST}, [IMAGE], {}),
    ("MaxPooling3D", {}, [VOLUME], {}),
    ("AveragePooling1D", {"pool_size": 2}, [SEQUENCE], {}),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, [IMAGE], {}),
    ("AveragePooling2D", {"pool_size": 2, **FIRST}, [IMAGE], {}),
    ("AveragePooling3D", {"pool_size": 2, "padding": "same"}, [VOLUME], {}),
    ("GlobalAveragePooling1D", {}, [SEQUENCE], {}),
    ("GlobalAveragePooling2D", {"keepdims": True}, [IMAGE], {}),
    ("GlobalAveragePooling3D", FIRST, [VOLUME], {}),
    ("GlobalMaxPooling1D", {"keepdims": True}, [SEQUENCE], {}),
    ("GlobalMaxPooling2D", FIRST, [IMAGE], {}),
    ("GlobalMaxPooling3D", {}, [VOLUME], {}),
    ("AdaptiveAveragePooling1D", {"output_size": 4}, [SEQUENCE], {}),
    ("AdaptiveAveragePooling2D", {"output_size": (2, 3)}, [IMAGE], {}),
    ("AdaptiveAveragePooling3D", {"output_size": 2, **FIRST}, [VOLUME], {}),
    ("AdaptiveMaxPooling1D", {"output_size": 4}, [SEQUENCE], {}),
    ("AdaptiveMaxPooling2D", {"output_size": (2, 3), **FIRST}, [IMAGE], {}),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, [VOLUME], {}),
    (
        "Conv1D",
        {"filters": 3, "kernel_size": 2, "padding": "causal", "dilation_rate": 2},
        [SEQUENCE],
        {},
    ),
    (
        "Conv1D",
        {"filters": 4, "kernel_size": 3, "strides": 2, "groups": 2, "use_bias": False},
        [SEQUENCE],
        {},
    ),
    (
        "Conv2D",
        {"filters": 3, "kernel_size": 3, "padding": "same", "activation": "relu"},
        [IMAGE],
        {},
    ),
    (
        "Conv2D",
        {"filters": 3, "kernel_size": (2, 3), "strides": (2, 1), **FIRST},
        [(2, 4, 6, 5)],
        {},
    ),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "dilation_rate": 2, "groups": 2}, [IMAGE], {}),
    ("Conv2D", {"filters": 3, "kernel_size": 1, "strides": 2}, [IMAGE], {}),
    (
        "Conv2D",
        {"filters": 4, "kernel_size": 2, "groups": 2, "lora_rank": 2, "lora_alpha": 4},
        [IMAGE],
        {},
    ),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "strides": (1, 2, 1)}, [VOLUME], {}),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, [SEQUENCE], {}),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        [IMAGE],
        {},
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 2, "strides": 3, "output_padding": 1, **FIRST},
        [(2, 2, 3, 4)],
        {},
    ),
    (
        "Conv3DTranspose",
        {"filters": 2, "kernel_size": 2, "strides": (1, 2, 1), "padding": "same"},
        [VOLUME],
        {},
    ),
    ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 2}, [SEQUENCE], {}),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same", "activation": "tanh"}, [IMAGE], {}),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, [IMAGE], {}),
    (
        "DepthwiseConv2D",
        {"kernel_size": (2, 3), "depth_multiplier": 2, "dilation_rate": (2, 1), **FIRST},
        [(2, 3, 6, 5)],
        {},
    ),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "depth_multiplier": 2}, [SEQUENCE], {}),
    (
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 3, "padding": "same", "strides": 2},
        [IMAGE],
        {},
    ),
    ("BatchNormalization", {}, [IMAGE], {}),
    ("BatchNormalization", {"momentum": 0.8}, [IMAGE], TRAIN),
    ("BatchNormalization", {"axis": 1, "center": False, "scale": False}, [IMAGE], TRAIN),
    (
        "BatchNormalization",
        {"renorm": True, "renorm_clipping": {"rmax": 1.5, "rmin": 0.5, "dmax": 0.3}},
        [(4, 3)],
        TRAIN,
    ),
    ("BatchNormalization", {"renorm": True, "scale": False}, [(4, 3)], TRAIN),
    ("LayerNormalization", {}, [SEQUENCE], {}),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, [SEQUENCE], {}),
    ("LayerNormalization", {"axis": 1, "scale": False}, [SEQUENCE], {}),
    ("GroupNormalization", {"groups": 2}, [IMAGE], {}),
    ("GroupNormalization", {"groups": -1, "axis": 1, "scale": False}, [IMAGE], {}),
    ("RMSNormalization", {}, [SEQUENCE], {}),
    ("UnitNormalization", {"axis": [1, 2]}, [SEQUENCE], {}),
    ("Normalization", {"mean": [0.5, 1.0, -1.0], "variance": [1.0, 4.0, 0.25]}, [(2, 3)], {}),
    ("Normalization", {"axis": None, "mean": 2.0, "variance": 0.5, "invert": True}, [(2, 3)], {}),
    ("Normalization", {"axis": 1, "mean": [1.0, 2.0], "variance": [1.0, 2.0]}, [(3, 2, 4)], {}),
    ("STFTSpectrogram", {"mode": "magnitude", "frame_length": 8}, [(2, 20, 3)], {}),
    (
        "STFTSpectrogram",
        {"mode": "stft", "frame_length": 8, "scaling": None, "expand_dims": True},
        [(2, 20, 3)],
        {},
    ),
    (
        "STFTSpectrogram",
        {
            "mode": "psd",
            "frame_length": 6,
            "frame_step": 2,
            "fft_length": 8,
            "padding": "same",
            **FIRST,
        },
        [(2, 3, 20)],
        {},
    ),
    ("STFTSpectrogram", {"mode": "imag", "window": "hamming", **FIRST}, [(1, 2, 300)], {}),
    (
        "MelSpectrogram",
        {
            "fft_length": 32,
            "sequence_stride": 8,
            "num_mel_bins": 5,
            "sampling_rate": 1000,
            "power_to_db": False,
        },
        [(2, 100)],
        {},
    ),
    ("Dropout", {"rate": 0.5}, [(2, 3)], {}),
    ("SpatialDropout1D", {"rate": 0.5}, [SEQUENCE], {}),
    ("SpatialDropout2D", {"rate": 0.5}, [IMAGE], {}),
    ("SpatialDropout3D", {"rate": 0.5, **FIRST}, [VOLUME], {}),
    ("GaussianNoise", {"stddev": 0.5}, [(2, 3)], {}),
    ("GaussianDropout", {"rate": 0.5}, [(2, 3)], {}),
    ("AlphaDropout", {"rate": 0.5}, [(2, 3)], {}),
    ("Rescaling", {"scale": 0.5, "offset": 0.1}, [IMAGE], {}),
    ("Rescaling", {"scale": [0.5, 1.0, 2.0, 3.0]}, [IMAGE], {}),
    ("Resizing", {"height": 4, "width": 3, "antialias": True}, [IMAGE], {}),
    ("Resizing", {"height": 8, "width": 8, "interpolation": "bicubic", **FIRST}, [IMAGE], {}),
    ("Resizing", {"height": 4, "width": 3, "crop_to_aspect_ratio": True}, [IMAGE], {}),
    ("Resizing", {"height": 4, "width": 4, "pad_to_aspect_ratio": True}, [IMAGE], {}),
    ("CenterCrop", {"height": 3, "width": 3}, [IMAGE], {}),
    ("CenterCrop", {"height": 9, "width": 4, **FIRST}, [IMAGE], {}),
    ("RandomFlip", {"seed": 1}, [IMAGE], REST),
    ("RandomRotation", {"factor": 0.2, "seed": 1}, [IMAGE], REST),
    ("RandomZoom", {"height_factor": 0.2, "seed": 1}, [IMAGE], REST),
    ("RandomTranslation", {**SHIFT, "seed": 1}, [IMAGE], REST),
    ("RandomShear", {"x_factor": 0.2, "seed": 1}, [IMAGE], REST),
    ("RandomPerspective", {"factor": (0.0, 0.0), "seed": 1}, [IMAGE], REST),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, [(2, 3)], {}),
    ("Add", {}, [(2, 3), (2, 3), (2, 1)], {}),
    ("Subtract", {}, [(2, 3), (2, 3)], {}),
    ("Multiply", {}, [(2, 3, 4), (2, 4)], {}),
    ("Average", {}, [(2, 3), (2, 3), (2, 3)], {}),
    ("Maximum", {}, [(2, 3), (2, 3)], {}),
    ("Minimum", {}, [(2, 3), (2, 3)], {}),
    ("Concatenate", {"axis": 1}, [(2, 3, 4), (2, 2, 4)], {}),
    ("Dot", {"axes": (1, 2)}, [(2, 3, 4), (2, 5, 3)], {}),
    ("Dot", {"axes": -1, "normalize": True}, [(2, 3), (2, 3)], {}),
]


def _name(row):
    return f"{row[0]}-{'-'.join(f'{k}={v}' for k, v in row[1].items())}{'-training' * bool(row[3])}"


def _inputs(shapes):
    rng = np.random.default_rng(1)
    made = [rng.normal(size=shape).astype("float32") for shape in shapes]
    return made[0] if len(made) == 1 else made


def _as_in_files(config):
    return json.loads(json.dumps(config))


def _filled(variables, names, values):
    """The variables with values put in by name."""
    by_name = dict(zip(names, values))
    return jax.tree_util.tree_map_with_path(lambda path, _: by_name[path[-1].key], variables)


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_layer_computes_what_kerass_computes(keras, row):
    cls, options, shapes, call = row
    ours, theirs, x = (
        getattr(layers, cls)(**options),
        getattr(keras.layers, cls)(**options),
        _inputs(shapes),
    )
    theirs.build(shapes[0] if len(shapes) == 1 else shapes)
    rng = np.random.default_rng(2)
    weights = [rng.uniform(0.5, 1.5, w.shape).astype("float32") for w in theirs.weights]
    theirs.set_weights(weights)
    variables = ours.init(jax.random.key(0), shapes[0] if len(shapes) == 1 else shapes)
    ours.set_weights(weights)
    names = [w.name for w in ours.weights]
    assert names == [w.name for w in theirs.weights]
    assert [w.name for w in ours.trainable_weights] == [w.name for w in theirs.trainable_weights]
    variables = _filled(variables, names, weights)
    signs = jnp.asarray(
        rng.normal(size=ours.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)),
        "float32",
    )

    @jax.jit
    def our_pure_form(variables, x):
        def scored(params, x):
            y, state = ours.apply({**variables, "params": params}, x, **call)
            return jnp.sum(y * signs), (y, state)

        (_, aux), gradients = jax.value_and_grad(scored, argnums=(0, 1), has_aux=True)(
            variables["params"], x
        )
        return aux, gradients

    @jax.jit
    def keras_pure_form(trainable, rest, x):
        def scored(trainable, x):
            y, state = theirs.stateless_call(trainable, rest, x, **call)
            return jnp.sum(y * signs), (y, state)

        (_, aux), gradients = jax.value_and_grad(scored, argnums=(0, 1), has_aux=True)(trainable, x)
        return aux, gradients

    (y, state), (by_params, by_x) = our_pure_form(variables, x)
    (y_keras, rest), (by_weights_keras, by_x_keras) = keras_pure_form(
        [v.value for v in theirs.trainable_variables],
        [v.value for v in theirs.non_trainable_variables],
        x,
    )
    near = {"rtol": 2e-5, "atol": 2e-5}
    np.testing.assert_allclose(y, y_keras, **near)
    assert y.dtype == y_keras.dtype
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **near), by_x, by_x_keras)
    for variable, expected in zip(theirs.trainable_variables, by_weights_keras):
        np.testing.assert_allclose(
            by_params[variable.name], expected, err_msg=variable.name, **near
        )
    kept = {**variables["params"], **state}  # a frozen weight is one of the params
    for variable, expected in zip(theirs.non_trainable_variables, rest):
        if "seed" not in variable.name:
            np.testing.assert_allclose(kept[variable.name], expected, err_msg=variable.name, **near)

    eager = ours(x, **call)
    np.testing.assert_allclose(eager, y, **near)
    for name, value in state.items():  # the object's own call writes what the pure call returns
        np.testing.assert_allclose(getattr(ours, name), value, **near)


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_layers_config_makes_it_again_and_keras_reads_it(keras, row):
    cls, options, shapes, _ = row
    layer = getattr(layers, cls)(**options)
    config = layer.get_config()
    again = layers.deserialize(_as_in_files(layers.serialize(layer)))
    assert type(again) is type(layer)
    assert _as_in_files(again.get_config()) == _as_in_files(config)
    theirs = getattr(keras.layers, cls).from_config(config)
    expected = theirs.get_config()
    shared = [k for k in config if k in expected and k != "dtype" and "initializer" not in k]
    assert _as_in_files({k: config[k] for k in shared}) == _as_in_files(
        {k: expected[k] for k in shared}
    )
    assert type(layers.deserialize(keras.layers.serialize(theirs))) is type(layer)
    # Symbolic: any batch size.
    free = [fkeras.KerasTensor((None, *shape[1:])) for shape in shapes]
    out = again(free[0] if len(free) == 1 else free)
    shape = theirs.compute_output_shape(
        free[0].shape if len(free) == 1 else [x.shape for x in free]
    )
    assert len(out.shape) == len(shape)
    assert all(known == d for known, d in zip(shape[1:], out.shape[1:]) if known is not None)
    assert out.shape[0] is None
    assert out.dtype == "float32"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_layer_computes_in_bfloat16_and_keeps_float32_weights(row):
    cls, options, shapes, _ = row
    layer, x = getattr(layers, cls)(**options, dtype="mixed_bfloat16"), _inputs(shapes)
    y = layer(x)
    assert y.dtype == jnp.bfloat16
    assert all(w.dtype == "float32" for w in layer.weights)
    assert np.isfinite(np.asarray(y, "float32")).all()
    reference = getattr(layers, cls)(**options)
    reference.build(shapes[0] if len(shapes) == 1 else shapes)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(np.asarray(y, "float32"), reference(x), rtol=0.1, atol=0.1)
