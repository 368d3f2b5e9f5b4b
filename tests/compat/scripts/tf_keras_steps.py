'''Subclass with a test_step of its own (tf.keras 2.4).'''
import numpy as np
import tensorflow as tf
from tensorflow import keras

class CustomModel(keras.Model):
    def train_step(self, data):
        return super(CustomModel, self).train_step(data)

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

inputs = keras.Input(shape=(4,))
outputs = keras.layers.Dense(1)(inputs)
model = CustomModel(inputs, outputs)
model.compile(loss="mse", optimizer=tf.keras.optimizers.legacy.Adam(lr=0.01), metrics=["mae"],
              experimental_run_tf_function=False)
x, y = np.random.random((16, 4)), np.random.random((16, 1))
model.fit(x, y, verbose=0, workers=2, use_multiprocessing=True)
results = model.evaluate(x, y, verbose=0, return_dict=True)
expected = np.mean((model.predict(x, verbose=0) - y) ** 2)
np.testing.assert_allclose(results["loss"], expected, rtol=1e-5)
