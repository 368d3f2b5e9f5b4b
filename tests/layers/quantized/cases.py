"""Layers that can be quantized, and pairs of one of ours and one of Keras's with the same
weights.
"""

import numpy as np

from fkeras import layers, quantizers

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def of_both_signs(shape):
    """Numbers whose neighbours along any axis have the other sign. Blocks of one sign are where
    Keras cuts values to wrong ones.
    """
    signs = (-1) ** np.indices(shape).sum(axis=0)
    return (np.abs(rng.normal(size=shape)) * signs).astype("float32")


DENSE = ("Dense", {"units": 5}, normal(3, 2, 12))
LAYERS = {
    "Dense": DENSE,
    "Dense without bias": (
        "Dense",
        {"units": 4, "use_bias": False, "activation": "tanh"},
        DENSE[2],
    ),
    "query": (
        "EinsumDense",
        {"equation": "btd,dnh->btnh", "output_shape": (None, 2, 3), "bias_axes": "nh"},
        normal(2, 3, 12),
    ),
    "output": (
        "EinsumDense",
        {"equation": "btnh,nhd->btd", "output_shape": (None, 4)},
        normal(2, 3, 2, 6),
    ),
    "axes inside": (
        "EinsumDense",
        {"equation": "btd,ndh->btnh", "output_shape": (None, 2, 3), "bias_axes": "h"},
        normal(2, 3, 12),
    ),
    "Embedding": (
        "Embedding",
        {"input_dim": 6, "output_dim": 12},
        np.array([[0, 5, 2], [3, 3, 1]]),
    ),
    "tied": ("ReversibleEmbedding", {"input_dim": 6, "output_dim": 12}, np.array([[0, 5, 2]])),
    "not tied": (
        "ReversibleEmbedding",
        {"input_dim": 6, "output_dim": 12, "tie_weights": False},
        np.array([[0, 5, 2]]),
    ),
}
OF_KERNELS = [name for name in LAYERS if "Dense" in LAYERS[name][0]]

# config in words -> arguments of `quantize`, made by a function of the module of quantizers
CONFIGS = {
    "int8": lambda q: {"mode": "int8"},
    "int8, inputs as floats": lambda q: {
        "config": q.Int8QuantizationConfig(activation_quantizer=None)
    },
    "int4": lambda q: {"mode": "int4"},
    "int4 in blocks of 5": lambda q: {"config": q.Int4QuantizationConfig(block_size=5)},
    "int4 by column": lambda q: {"config": q.Int4QuantizationConfig(block_size=None)},
    "float8": lambda q: {"mode": "float8"},
}
OF_TABLES = [name for name in CONFIGS if name != "float8"]
CASES = [
    (layer, config)
    for layer in LAYERS
    for config in (CONFIGS if layer in OF_KERNELS else OF_TABLES)
    # What are columns there are pieces of several outputs: of one sign, with these weights.
    if not (layer == "axes inside" and config == "int4 in blocks of 5")
]


def pair(keras, case, **options):
    """A layer of ours and one of Keras's, built, with the same weights."""
    name, arguments, x = LAYERS[case]
    ours = getattr(layers, name)(**arguments, **options)
    theirs = getattr(keras.layers, name)(**arguments, **options)
    for layer in (ours, theirs):
        layer.build(x.shape)
    theirs.set_weights([of_both_signs(w.shape) for w in theirs.weights])
    ours.set_weights(theirs.get_weights())
    return ours, theirs, x


def quantize_both(keras, ours, theirs, config):
    make = CONFIGS[config]
    ours.quantize(**make(quantizers))
    theirs.quantize(**make(keras.quantizers))


def kept(layer):
    """What files hold of a layer, by position."""
    store = {}
    layer.save_own_variables(store)
    arrays = {key: getattr(value, "value", value) for key, value in store.items()}
    return {key: np.asarray(value) for key, value in arrays.items()}
