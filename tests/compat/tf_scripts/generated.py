# A generator's noise and losses of a GAN, without training: eager arithmetic
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)


def discriminator_loss(real_output, fake_output):
    real_loss = cross_entropy(tf.ones_like(real_output), real_output)
    return real_loss + cross_entropy(tf.zeros_like(fake_output), fake_output)


generator = tf.keras.Sequential([layers.Input((5,)), layers.Dense(16), layers.Reshape((4, 4, 1))])
discriminator = tf.keras.Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])
noise = tf.random.normal([3, 5])
images = generator(noise, training=False)
loss = discriminator_loss(discriminator(tf.random.uniform((3, 4, 4, 1))), discriminator(images))
assert loss.numpy().shape == () and np.isfinite(float(loss))
picture = tf.cast(images[0, :, :, 0] * 127.5 + 127.5, tf.uint8).numpy()
assert picture.dtype == np.uint8
labels = tf.random.categorical(tf.math.log([[0.5, 0.5]]), 4)
assert labels.shape == (1, 4)
codes = tf.concat([noise, tf.one_hot([0, 1, 1], 2)], axis=1)
assert codes.shape == (3, 7)
