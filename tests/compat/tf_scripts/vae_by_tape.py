# The VAE of the guides: train_step with a tape, metrics as trackers, a Sampling layer.
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

latent_dim = 2


class Sampling(layers.Layer):
    def call(self, inputs):
        z_mean, z_log_var = inputs
        batch = tf.shape(z_mean)[0]
        dim = tf.shape(z_mean)[1]
        epsilon = tf.keras.backend.random_normal(shape=(batch, dim))
        return z_mean + tf.exp(0.5 * z_log_var) * epsilon


encoder_inputs = keras.Input(shape=(8,))
x = layers.Dense(6, activation="relu")(encoder_inputs)
z_mean = layers.Dense(latent_dim, name="z_mean")(x)
z_log_var = layers.Dense(latent_dim, name="z_log_var")(x)
encoder = keras.Model(encoder_inputs, [z_mean, z_log_var, Sampling()([z_mean, z_log_var])])
latent_inputs = keras.Input(shape=(latent_dim,))
decoder = keras.Model(latent_inputs, layers.Dense(8, activation="sigmoid")(latent_inputs))


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super(VAE, self).__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        return [self.total_loss_tracker, self.kl_loss_tracker]

    def train_step(self, data):
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(data)
            reconstruction = self.decoder(z)
            crossentropy = keras.losses.binary_crossentropy(
                data[..., None], reconstruction[..., None]
            )
            reconstruction_loss = tf.reduce_mean(tf.reduce_sum(crossentropy, axis=1))
            kl_loss = -0.5 * (1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var))
            kl_loss = tf.reduce_mean(tf.reduce_sum(kl_loss, axis=1))
            total_loss = reconstruction_loss + kl_loss
        grads = tape.gradient(total_loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
        self.total_loss_tracker.update_state(total_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return {"loss": self.total_loss_tracker.result(), "kl_loss": self.kl_loss_tracker.result()}


data = np.random.default_rng(0).uniform(size=(32, 8)).astype("float32") > 0.5
vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(0.02))
history = vae.fit(data.astype("float32"), epochs=10, batch_size=8, verbose=0)
assert sorted(history.history) == ["kl_loss", "loss"]
assert history.history["loss"][-1] < history.history["loss"][0]
