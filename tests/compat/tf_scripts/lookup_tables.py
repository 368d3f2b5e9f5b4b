# Tables of words, as preprocessing by hand has them
import pathlib

import numpy as np
import tensorflow as tf

words = tf.constant(["a", "b"])
ids = tf.range(2, dtype=tf.int64)
initializer = tf.lookup.KeyValueTensorInitializer(words, ids)
table = tf.lookup.StaticVocabularyTable(initializer, 3)
found = table.lookup(tf.constant([b"a this b faaaan".split()]))
assert found.numpy().tolist() == [[0, 2, 1, 2]]  # TensorFlow's own buckets
assert found.dtype == tf.int64 and table.size() == 5
numbers = tf.lookup.StaticVocabularyTable(
    tf.lookup.KeyValueTensorInitializer(tf.constant([7, 9], tf.int64), ids), 2
)
assert numbers.lookup(tf.constant([9, 7], tf.int64)).numpy().tolist() == [1, 0]

names = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer([1, 5, 3], ["one", "five", "three"]), default_value="?"
)
assert names[tf.constant([[3, 2]])].numpy().tolist() == [[b"three", b"?"]]
keys, values = names.export()
assert dict(zip(keys.numpy().tolist(), values.numpy().tolist()))[5] == b"five"

pathlib.Path("labels.txt").write_text("cat\ndog\nbird\n")
by_name = tf.lookup.StaticHashTable(
    tf.lookup.TextFileInitializer(
        "labels.txt",
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    ),
    -1,
)
pathlib.Path("pairs.txt").write_text("x 1.5\ny 2.5\n")
pairs = tf.lookup.TextFileInitializer("pairs.txt", tf.string, 0, tf.float32, 1, delimiter=" ")
assert tf.lookup.StaticHashTable(pairs, 0.0).lookup(["y", "z"]).numpy().tolist() == [2.5, 0]
dataset = tf.data.Dataset.from_tensor_slices(["dog", "bird", "cow"]).map(by_name.lookup)
assert [label.numpy() for label in dataset] == [1, 2, -1]

counts = tf.lookup.experimental.DenseHashTable(
    key_dtype=tf.string, value_dtype=tf.int64, default_value=0, empty_key="", deleted_key="$"
)
counts.insert(["x", "y"], [4, 5])
counts.erase(["x"])
assert counts.lookup(tf.constant(["x", "y"])).numpy().tolist() == [0, 5] and counts.size() == 1

for wrong in (
    lambda: table.lookup(tf.constant([1])),
    lambda: tf.lookup.KeyValueTensorInitializer(["a"], [1, 2]),
    lambda: tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], [1, 2]), 0),
    lambda: tf.lookup.StaticVocabularyTable(initializer, 0),
):
    try:
        wrong()
    except ValueError as error:
        assert "tf.lookup" in str(error)
    else:
        raise AssertionError("no error")

# A table of numbers inside of a compiled step
scores = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([4, 1], [0.5, 2.0]), -1.0)
model = tf.keras.Sequential(
    [tf.keras.Input((2,), dtype="int32"), tf.keras.layers.Lambda(scores.lookup)]
)
assert np.array_equal(model.predict(np.array([[1, 4], [2, 1]]), verbose=0), [[2, 0.5], [-1, 2]])
