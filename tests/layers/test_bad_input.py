"""Wrong arguments and inputs of layers: the error names what was wrong."""

import numpy as np
import pytest

from fkeras import KerasTensor, layers

ROWS = [
    (
        lambda: layers.Conv2D(0, 3),
        ValueError,
        "`filters`. Expected a strictly positive value. Received filters=0",
    ),
    (
        lambda: layers.Conv2D(2, (3, 0)),
        ValueError,
        r"`kernel_size` argument must be a tuple of 2 integers.*\{0\} that do not satisfy",
    ),
    (
        lambda: layers.Conv2D(2, (3, 3, 3)),
        ValueError,
        "must be a tuple of 2 integers. Received kernel_size=",
    ),
    (lambda: layers.Conv2D(2, "3x3"), ValueError, "kernel_size=3x3"),
    (
        lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2),
        ValueError,
        "not supported in conjunction with",
    ),
    (lambda: layers.Conv2D(2, 3, padding="causal"), ValueError, "The `padding` argument must be"),
    (lambda: layers.Conv1D(2, 3, padding="full"), ValueError, "The `padding` argument must be"),
    (lambda: layers.Conv2D(2, 3, groups=0), ValueError, "groups must be a positive integer"),
    (
        lambda: layers.Conv2D(3, 3, groups=2),
        ValueError,
        "filters must be evenly divisible by the number of groups",
    ),
    (
        lambda: layers.Conv2D(4, 3, groups=2).build((None, 8, 8, 3)),
        ValueError,
        "input channels must be evenly divisible",
    ),
    (
        lambda: layers.Conv2D(4, 5).build((None, 2, 2, 3)),
        ValueError,
        "output size would be zero or.*kernel_size=.5, 5.*'same'",
    ),  # B112
    (
        lambda: layers.Conv2D(4, 5)(KerasTensor((None, 2, 2, 3))),
        ValueError,
        "output size would be zero or negative",
    ),
    (
        lambda: layers.Conv2D(4, 2, name="c").build((None, 9, 2, 8, 3)),
        ValueError,
        "Conv2D 'c' takes inputs of rank 4",
    ),
    (
        lambda: layers.Conv2D(4, 3)(np.ones((8, 8, 3), "float32")),
        ValueError,
        "expected min_ndim=4, found ndim=3",
    ),
    (
        lambda: layers.Conv2D(4, 3, data_format="last"),
        ValueError,
        "`data_format` argument must be one of",
    ),
    (
        lambda: layers.Conv2D(4, 3, lora_rank=0),
        ValueError,
        "Conv2D 'conv2d': the rank of adapters must be a positive integer. Received: 0",
    ),
    (lambda: layers.Conv2D(4, 3, kernel_initialiser="zeros"), TypeError, "kernel_initialiser"),
    (
        lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2),
        ValueError,
        "`output_padding` must be strictly less than",
    ),
    (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=0),
        ValueError,
        "`depth_multiplier`. Expected a strictly positive",
    ),
    (
        lambda: layers.SeparableConv2D(0, 3),
        ValueError,
        "`filters`. Expected a strictly positive value",
    ),
    (
        lambda: layers.MaxPooling2D(0),
        ValueError,
        "`pool_size` argument must be a tuple of 2 integers",
    ),
    (
        lambda: layers.MaxPooling2D(padding="causal"),
        ValueError,
        "`padding` must be either 'valid' or 'same'",
    ),
    (
        lambda: layers.MaxPooling2D(4)(np.ones((1, 3, 8, 2), "float32")),
        ValueError,
        "output size would be zero or negative",
    ),
    (
        lambda: layers.AdaptiveMaxPooling2D((2, 3, 4)),
        ValueError,
        "`output_size` tuple must have length 2",
    ),
    (
        lambda: layers.Concatenate()([np.ones((2, 4, 5)), np.ones((2, 3, 5))]),
        ValueError,
        r"matching.*\(2, 4, 5\), \(2, 3, 5\)",
    ),  # B113
    (lambda: layers.Concatenate()(np.ones((2, 4))), ValueError, "list of at least 1 input"),
    (
        lambda: layers.Add(name="sum")(np.ones((2, 4))),
        ValueError,
        "Add 'sum': a merge layer should be called on a list",
    ),
    (
        lambda: layers.Add()([np.ones((2, 4)), np.ones((2, 3))]),
        ValueError,
        "incompatible shapes.*4 against 3",
    ),
    (lambda: layers.Add()([np.ones((2, 4)), np.ones((3, 4))]), ValueError, "different batch sizes"),
    (lambda: layers.Subtract()([np.ones((2, 4))] * 3), ValueError, "exactly 2 inputs"),
    (
        lambda: layers.Dot(1)([np.ones((2, 4)), np.ones((2, 3))]),
        ValueError,
        r"axis values 4 \(at axis 1\) != 3",
    ),
    (
        lambda: layers.Dot(0)([np.ones((2, 4)), np.ones((2, 4))]),
        ValueError,
        "other than the batch axis 0",
    ),
    (lambda: layers.Dot("1"), TypeError, "`axes`: it should be a list or an int"),
    (
        lambda: layers.Reshape((3, -1))(np.ones((2, 4))),
        ValueError,
        "total size of the tensor must be unchanged",
    ),
    (
        lambda: layers.Reshape((5,))(np.ones((2, 4))),
        ValueError,
        "total size of the tensor must be unchanged",
    ),
    (lambda: layers.Reshape((-1, -1)), ValueError, "at most one unknown dimension"),
    (lambda: layers.Reshape((2.5,)), TypeError, "must hold integers"),
    (lambda: layers.Permute((0, 1)), ValueError, "consecutive and start from 1"),
    (lambda: layers.RepeatVector(2.0), TypeError, "integer value for `n`"),
    (
        lambda: layers.Cropping1D(2)(np.ones((1, 4, 2))),
        ValueError,
        "must be smaller than the input length",
    ),
    (lambda: layers.ZeroPadding2D((1, 2, 3)), ValueError, "`padding` should have two elements"),
    (
        lambda: layers.UpSampling2D(interpolation="cubic"),
        ValueError,
        "`interpolation` argument should be one of",
    ),
    (lambda: layers.Dropout(1.2), ValueError, "between 0 and 1. Received: rate=1.2"),
    (lambda: layers.Dropout("0.5"), ValueError, "between 0 and 1. Received: rate='0.5'"),
    (lambda: layers.Dropout(0.5, noise_shape=(1, -1)), ValueError, "positive integers or None"),
    (lambda: layers.GaussianDropout(1), ValueError, "infinite variance"),
    (lambda: layers.GaussianNoise(-1), ValueError, "`stddev`"),
    (
        lambda: layers.BatchNormalization(axis=3).build((None, 4)),
        ValueError,
        "Axis 3 is out of bounds",
    ),
    (lambda: layers.BatchNormalization(synchronized=True), ValueError, "statistics of all devices"),
    (
        lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1}),
        ValueError,
        "invalid keys for `renorm_clipping`",
    ),
    (
        lambda: layers.BatchNormalization()(
            np.ones((2, 3, 4), "float32"), training=True, mask=np.ones((2, 3, 4), bool)
        ),
        ValueError,
        "one dimension less",
    ),
    (
        lambda: layers.LayerNormalization(axis=[1, -1]).build((None, 4)),
        ValueError,
        "Duplicate axes",
    ),
    (lambda: layers.GroupNormalization(3).build((None, 4)), ValueError, "must be a multiple"),
    (
        lambda: layers.GroupNormalization().build((None, 4)),
        ValueError,
        "cannot be more than the number of channels",
    ),
    (
        lambda: layers.PReLU(shared_axes=[3]).build((None, 4)),
        ValueError,
        "`shared_axes` must be axes from 1 to 1",
    ),
    (
        lambda: layers.EinsumDense("ab,bc", 3).build((None, 4)),
        ValueError,
        "Invalid einsum equation 'ab,bc'",
    ),
    (
        lambda: layers.EinsumDense("ab,bc->ac", 3).build((None, 4, 5)),
        ValueError,
        "is for inputs of rank 2",
    ),
    (
        lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="d").build((None, 4)),
        ValueError,
        "Bias dimension 'd'",
    ),
    (
        lambda: layers.EinsumDense("ab,cd->ad", 3).build((None, 4)),
        ValueError,
        "Weight dimension 'c' did not have a match",
    ),
    (
        lambda: layers.Dense(3, quantization_config="int8"),
        ValueError,
        "`quantization_config` must be a `QuantizationConfig`.*'int8'",
    ),
    (
        lambda: layers.Dense(3, dtype="float64").build((None, 4)),
        ValueError,
        "float64, which JAX computes in.*jax_enable_x64",
    ),  # B077
    (
        lambda: layers.Dense(3)(KerasTensor((None, None))),
        ValueError,
        r"fully-defined.*\(None, 3\) for.*path='dense/kernel'",
    ),  # B115
    (
        lambda: layers.Activation("relu", dtype="float64")(np.ones((2, 3))),
        ValueError,
        "Activation 'activation.* has dtype float64.*jax_enable_x64",
    ),  # B077
    *[
        (lambda kind=kind: kind(epsilon=-1.0), ValueError, "`epsilon` must be 0 or more")
        for kind in (
            layers.BatchNormalization,
            layers.LayerNormalization,
            layers.GroupNormalization,
            layers.RMSNormalization,
        )
    ],
    (lambda: layers.Dense(3, lora_alpha=2), ValueError, "there are none without `lora_rank`"),
    (
        lambda: layers.Dense(3, lora_rank=2, lora_alpha=0),
        ValueError,
        "`lora_alpha` must be a number other than zero, such as 4. Received: lora_alpha=0",
    ),
    (lambda: layers.Wrapper("dense"), ValueError, "isn't a supported layer type"),
    (
        lambda: layers.SpectralNormalization(layers.ReLU())(np.ones((2, 3), "float32")),
        ValueError,
        "no attribute 'kernel' nor 'embeddings'",
    ),
    (lambda: layers.Lambda("square"), ValueError, "`function` must be callable"),
    (
        lambda: layers.deserialize(
            {"class_name": "Adam", "module": "keras.optimizers", "config": {}}
        ),
        ValueError,
        "not a `fkeras.layers.Layer`",
    ),
    (
        lambda: layers.deserialize(
            {"class_name": "Dens", "module": "keras.layers", "config": {"units": 1}}
        ),
        ValueError,
        "Did you mean 'Dense'",
    ),
]


@pytest.mark.parametrize(
    ("make", "error", "words"), ROWS, ids=[f"{i}-{row[2][:30]}" for i, row in enumerate(ROWS)]
)
def test_the_error_says_what_is_wrong(make, error, words):
    with pytest.raises(error, match=words):
        make()
