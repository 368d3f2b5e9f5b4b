# tf.data with functions of tf.* in `map`
import numpy as np
import tensorflow as tf

AUTOTUNE = tf.data.AUTOTUNE
BATCH_SIZE = 4
x = np.random.default_rng(0).integers(0, 256, (12, 6, 6, 1)).astype("uint8")
y = np.arange(12) % 3


def normalize_img(image, label):
    """Normalizes images: `uint8` -> `float32`."""
    return tf.cast(image, tf.float32) / 255.0, label


def augment(image, label):
    image = tf.image.resize(image, [8, 8])
    image = tf.image.random_flip_left_right(image)
    if tf.random.uniform(()) > 0.5:
        image = tf.image.rot90(image)
    return image, tf.one_hot(label, 3)


ds_train = tf.data.Dataset.from_tensor_slices((x, y))
ds_train = ds_train.map(normalize_img, num_parallel_calls=AUTOTUNE).cache().shuffle(12)
ds_train = ds_train.map(augment, num_parallel_calls=AUTOTUNE).batch(BATCH_SIZE).prefetch(AUTOTUNE)
for images, labels in ds_train.take(1):
    assert images.shape == (4, 8, 8, 1) and images.dtype == tf.float32
    assert labels.numpy().sum() == 4
model = tf.keras.Sequential(
    [tf.keras.Input((8, 8, 1)), tf.keras.layers.Flatten(), tf.keras.layers.Dense(3, "softmax")]
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(ds_train, epochs=2, verbose=0)

options = tf.data.Options()
options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
assert ds_train.with_options(options).cardinality().numpy() == 3

numbers = tf.data.Dataset.range(10).filter(lambda n: tf.equal(n % 2, 0)).map(lambda n: n * n)
assert [int(n) for n in numbers] == [0, 4, 16, 36, 64]
words = tf.data.Dataset.from_tensor_slices(["A b", "C d"]).map(tf.strings.lower)
assert [w.numpy() for w in words.map(lambda t: tf.strings.split(t)[0])] == [b"a", b"c"]
pairs = numbers.apply(tf.data.experimental.shuffle_and_repeat(5, count=2))
assert sorted(int(n) for n in pairs) == [0, 0, 4, 4, 16, 16, 36, 36, 64, 64]
