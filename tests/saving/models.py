"""Small models for the tests of saving."""

import numpy as np

import fkeras
from fkeras import layers

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(8, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def dense(units=(4, 1), names=(None, None), compiled=False):
    """Two Dense layers behind each other."""
    stack = [layers.Dense(n, name=name) for n, name in zip(units, names, strict=True)]
    model = fkeras.Sequential([fkeras.Input((3,)), *stack])
    if compiled:
        model.compile(fkeras.optimizers.Adam(0.05), "mse")
    return model


def with_everything():
    """Trained, with a random layer, batch statistics, nesting and two dtypes."""
    inputs = fkeras.Input((3,))
    block = fkeras.Sequential([layers.Dense(4), layers.BatchNormalization()], name="block")
    hidden = layers.Dropout(0.5)(block(inputs))
    model = fkeras.Model(inputs, layers.Dense(1, dtype="mixed_bfloat16")(hidden))
    model.compile(fkeras.optimizers.Adam(0.05), "mse")
    model.fit(X, Y, batch_size=4, epochs=1, verbose=0)
    return model


@fkeras.saving.register_keras_serializable("tests.saving")
class Counted(layers.Layer):
    """Weights in a list and under a name of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [layers.Dense(2), layers.Dense(1)]

    def build(self, input_shape):
        self.offset = self.add_weight(shape=(), name="shift")
        self.blocks[0].build(input_shape)
        self.blocks[1].build((None, 2))

    def call(self, x):
        return self.blocks[1](self.blocks[0](x)) + self.offset
