# DCGAN's step of two tapes.
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

BATCH_SIZE, noise_dim = 4, 3


def make_generator_model():
    model = tf.keras.Sequential()
    model.add(layers.Dense(2 * 2 * 4, use_bias=False, input_shape=(noise_dim,)))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((2, 2, 4)))
    model.add(layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="tanh"))
    return model


def make_discriminator_model():
    model = tf.keras.Sequential()
    model.add(layers.Conv2D(4, (3, 3), strides=2, padding="same", input_shape=[4, 4, 1]))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model


generator, discriminator = make_generator_model(), make_discriminator_model()
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)


def discriminator_loss(real_output, fake_output):
    real_loss = cross_entropy(tf.ones_like(real_output), real_output)
    fake_loss = cross_entropy(tf.zeros_like(fake_output), fake_output)
    return real_loss + fake_loss


def generator_loss(fake_output):
    return cross_entropy(tf.ones_like(fake_output), fake_output)


generator_optimizer = tf.keras.optimizers.Adam(1e-2)
discriminator_optimizer = tf.keras.optimizers.Adam(1e-2)


@tf.function
def train_step(images):
    noise = tf.random.normal([BATCH_SIZE, noise_dim])
    with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
        generated_images = generator(noise, training=True)
        real_output = discriminator(images, training=True)
        fake_output = discriminator(generated_images, training=True)
        gen_loss = generator_loss(fake_output)
        disc_loss = discriminator_loss(real_output, fake_output)
    gradients_of_generator = gen_tape.gradient(gen_loss, generator.trainable_variables)
    gradients_of_discriminator = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
    generator_optimizer.apply_gradients(zip(gradients_of_generator, generator.trainable_variables))
    discriminator_optimizer.apply_gradients(
        zip(gradients_of_discriminator, discriminator.trainable_variables)
    )
    return gen_loss, disc_loss


images = np.random.default_rng(0).normal(size=(8, 4, 4, 1)).astype("float32")
before = [w.numpy() for w in generator.weights + discriminator.weights]
for image_batch in tf.data.Dataset.from_tensor_slices(images).batch(BATCH_SIZE):
    gen_loss, disc_loss = train_step(image_batch)
assert np.isfinite([float(gen_loss), disc_loss.numpy()]).all()
after = [w.numpy() for w in generator.weights + discriminator.weights]
assert all(np.abs(a - b).max() > 0 for a, b in zip(after, before))
moving_mean = generator.layers[1].moving_mean.numpy()
assert np.abs(moving_mean).max() < 0.5  # updated twice, not more



# WGAN-GP's penalty: a gradient of a gradient
def gradient_penalty(real_images, fake_images):
    alpha = tf.random.uniform([BATCH_SIZE, 1, 1, 1], 0.0, 1.0)
    interpolated = real_images + alpha * (fake_images - real_images)
    with tf.GradientTape() as gp_tape:
        gp_tape.watch(interpolated)
        pred = discriminator(interpolated, training=True)
    grads = gp_tape.gradient(pred, [interpolated])[0]
    norm = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1, 2, 3]))
    return tf.reduce_mean((norm - 1.0) ** 2)


penalties = []
for _ in range(4):
    with tf.GradientTape() as tape:
        gp = gradient_penalty(images[:BATCH_SIZE], generator(tf.random.normal([4, 3])))
    gradients = tape.gradient(gp, discriminator.trainable_variables)
    assert gradients[-1] is None  # the last bias moves no slope
    discriminator_optimizer.apply_gradients(
        (g, v) for g, v in zip(gradients, discriminator.trainable_variables) if g is not None
    )
    penalties.append(gp.numpy())
assert np.isfinite(penalties).all() and len(set(map(float, penalties))) == 4
