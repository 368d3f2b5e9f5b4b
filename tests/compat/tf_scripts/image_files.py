# Images from files: decoding, resizing, small changes at random
import os
import tempfile

import numpy as np
import tensorflow as tf

IMG_SIZE = 16
folder = tempfile.mkdtemp()
for i in range(3):
    pixels = np.random.default_rng(i).integers(0, 256, (20 + i, 24, 3)).astype("uint8")
    tf.io.write_file(os.path.join(folder, f"{i}.png"), tf.io.encode_png(pixels))
    with tf.io.gfile.GFile(os.path.join(folder, f"{i}.txt"), "w") as f:
        f.write(str(i % 2))


def load(path):
    image = tf.io.read_file(path)
    image = tf.image.decode_png(image, channels=3)
    image = tf.image.convert_image_dtype(image, tf.float32)
    return tf.image.resize(image, [IMG_SIZE, IMG_SIZE])


def augment(image, seed=None):
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_brightness(image, max_delta=0.1)
    image = tf.image.resize_with_crop_or_pad(image, IMG_SIZE + 4, IMG_SIZE + 4)
    image = tf.image.random_crop(image, size=[IMG_SIZE, IMG_SIZE, 3])
    return tf.clip_by_value(image, 0.0, 1.0)


paths = sorted(tf.io.gfile.glob(folder + "/*.png"))
assert len(paths) == 3 and tf.io.gfile.exists(paths[0])
labels = [int(tf.io.read_file(p.replace(".png", ".txt")).numpy()) for p in paths]
images = tf.stack([augment(load(p)) for p in paths])
assert images.shape == (3, 16, 16, 3) and images.dtype == tf.float32
assert 0 <= images.numpy().min() and images.numpy().max() <= 1
same = [tf.image.stateless_random_flip_left_right(images, seed=(1, 2)).numpy() for _ in range(2)]
np.testing.assert_array_equal(*same)
standard = tf.image.per_image_standardization(images[0])
np.testing.assert_allclose(tf.reduce_mean(standard), 0, atol=1e-5)

model = tf.keras.Sequential(
    [tf.keras.Input((16, 16, 3)), tf.keras.layers.Flatten(), tf.keras.layers.Dense(2)]
)
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(images, tf.constant(labels), epochs=1, verbose=0)
print(tf.argmax(model.predict(images, verbose=0), axis=-1).numpy().tolist())
tf.io.gfile.rmtree(folder)
