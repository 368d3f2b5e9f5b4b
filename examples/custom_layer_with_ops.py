"""A layer written for Keras 3, with `keras.ops`, unedited. Run it with
`python -m fkeras custom_layer_with_ops.py`.

Expected: about 10 s on two slow cores; the mean squared error falls below 0.05, and fkeras is what
`keras` was.
"""

import keras
import numpy as np
from keras import ops


class GatedLinear(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], 2 * self.units), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(2 * self.units,), initializer="zeros", name="bias")

    def call(self, x):
        values, gates = ops.split(ops.matmul(x, self.kernel) + self.bias, 2, axis=-1)
        return values * ops.sigmoid(gates)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, size=(512, 3)).astype("float32")
y = x[:, :1] * x[:, 1:2] + x[:, 2:]

inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(1)(GatedLinear(16)(inputs)))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
history = model.fit(x, y, epochs=40, verbose=0)

error = model.evaluate(x, y, verbose=0)
print(f"mean squared error: {error:.4f}")
assert error < 0.05
print("this was", type(model).__module__.partition(".")[0])
