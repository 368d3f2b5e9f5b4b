# Layers and models by subclassing, with tf.Variable and tf.* in `call`
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class Linear(layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        w_init = tf.random_normal_initializer()
        shape = (input_shape[-1], self.units)
        self.w = tf.Variable(initial_value=w_init(shape=shape, dtype="float32"), trainable=True)
        self.b = tf.Variable(initial_value=tf.zeros_initializer()((self.units,)), trainable=True)
        self.calls = tf.Variable(0, trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1)
        return tf.matmul(inputs, self.w) + self.b


class Sampling(layers.Layer):
    def call(self, inputs):
        mean, log_var = inputs
        epsilon = tf.random.normal(shape=tf.shape(mean))
        return mean + tf.exp(0.5 * log_var) * epsilon


class Attention(layers.Layer):
    def call(self, q, k, v):
        scores = tf.matmul(q, k, transpose_b=True)
        scores /= tf.math.sqrt(tf.cast(tf.shape(k)[-1], tf.float32))
        return tf.matmul(tf.nn.softmax(scores, axis=-1), v)


def positions(length, depth):
    angles = np.arange(length)[:, np.newaxis] / np.power(
        10000, np.arange(depth)[np.newaxis] / depth
    )
    return tf.cast(angles[np.newaxis, ...], dtype=tf.float32)


inputs = keras.Input((3, 8))
x = layers.Lambda(lambda t: tf.expand_dims(tf.reduce_mean(t, axis=1), 1))(inputs)
x = tf.concat([inputs, x], axis=1) + positions(4, 8)
x = Attention()(x, x, x)
x = tf.reshape(x, [-1, 4 * 8])
x = Linear(6)(tf.nn.relu(x))
outputs = layers.Dense(1)(Sampling()([x, tf.zeros_like(x) - 4.0]))
model = keras.Model(inputs, outputs)
model.compile("adam", lambda t, p: tf.reduce_mean(tf.square(t - p)))

data = np.random.default_rng(0).normal(size=(16, 3, 8)).astype("float32")
target = tf.reduce_sum(data, axis=[1, 2])[:, tf.newaxis]
before = [w.numpy().copy() for w in model.trainable_variables]
model.fit(data, target, batch_size=8, epochs=2, verbose=0)
assert all((b != w.numpy()).any() for b, w in zip(before, model.trainable_variables))
linear = next(layer for layer in model.layers if isinstance(layer, Linear))
assert isinstance(linear.w, tf.Variable) and linear.calls.numpy() >= 4
first, second = model(data), model(data)
assert not np.allclose(first.numpy(), second.numpy())
assert first.get_shape().as_list() == [16, 1]
