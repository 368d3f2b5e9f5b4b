# Text classification as guides have it, and categories of structured data
import re
import string

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers
from tensorflow.keras.layers import TextVectorization

good, bad = "good great lovely".split(), "bad awful dull".split()
draw = np.random.default_rng(0)
labels = draw.integers(0, 2, 64)
reviews = [f"The film<br />was {draw.choice(good if label else bad)}!" for label in labels]
raw_train_ds = tf.data.Dataset.from_tensor_slices((reviews, labels)).batch(16)


def custom_standardization(input_data):
    lowercase = tf.strings.lower(input_data)
    stripped_html = tf.strings.regex_replace(lowercase, "<br />", " ")
    return tf.strings.regex_replace(stripped_html, "[%s]" % re.escape(string.punctuation), "")


vectorize_layer = TextVectorization(
    standardize=custom_standardization,
    max_tokens=100,
    output_mode="int",
    output_sequence_length=6,
)
vectorize_layer.adapt(raw_train_ds.map(lambda x, y: x))
assert vectorize_layer.get_vocabulary()[2:5] == ["was", "the", "film"]


def vectorize_text(text, label):
    text = tf.expand_dims(text, -1)
    return vectorize_layer(text), label


text_batch, label_batch = next(iter(raw_train_ds))
review, label = vectorize_text(text_batch[0], label_batch[0])
assert review.shape == (1, 6)
train_ds = raw_train_ds.map(vectorize_text).cache().prefetch(tf.data.AUTOTUNE)
model = tf.keras.Sequential(
    [
        layers.Embedding(100, 8),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1),
    ]
)
model.compile(
    tf.keras.optimizers.Adam(0.05), tf.keras.losses.BinaryCrossentropy(from_logits=True)
)
model.fit(train_ds, epochs=12, verbose=0)

export_model = tf.keras.Sequential([vectorize_layer, model, layers.Activation("sigmoid")])
export_model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
metrics = export_model.evaluate(raw_train_ds, return_dict=True, verbose=0)
assert metrics["accuracy"] == 1.0
found = export_model.predict(tf.constant(["a great film", "an awful film"]), verbose=0)
assert found[0] > 0.5 > found[1]

# Categories
data = tf.constant([["Cat"], ["Dog"], ["Cat"]])
index = layers.StringLookup()
index.adapt(data)
encoder = layers.StringLookup(vocabulary=index.get_vocabulary(), output_mode="one_hot")
assert np.asarray(encoder(data)).tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0]]
buckets = tf.strings.to_hash_bucket_fast(["a", "b"], 10)
assert buckets.numpy().tolist() == np.asarray(layers.Hashing(10)(tf.constant(["a", "b"]))).tolist()

# Layers that look texts up return what has `numpy()`, and bytes as `tf.strings` has them.
letters = layers.StringLookup(vocabulary=["a", "b"])
numbers = letters(["b", "a"])
assert numbers.numpy().tolist() == [2, 1]
back = layers.StringLookup(vocabulary=["a", "b"], invert=True)(numbers)
assert back.numpy()[0].decode() == "b"
assert tf.strings.reduce_join(back).numpy() == b"ba"
assert tf.strings.join([np.array(["x", "y"], object), back]).numpy().tolist() == [b"xb", b"ya"]
