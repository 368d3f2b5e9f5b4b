# Standardization of text in the manner of the IMDB tutorial
import re
import string

import numpy as np
import tensorflow as tf


def custom_standardization(input_data):
    lowercase = tf.strings.lower(input_data)
    stripped_html = tf.strings.regex_replace(lowercase, "<br />", " ")
    return tf.strings.regex_replace(stripped_html, "[%s]" % re.escape(string.punctuation), "")


texts = tf.constant(["A <br /> Great, GREAT film!", "Not so good..."])
clean = custom_standardization(texts)
assert clean.numpy()[0] == b"a   great great film"
words = tf.strings.split(clean)
table = words.to_tensor()
vocabulary, ids = tf.unique(tf.reshape(table, [-1]))
ids = tf.reshape(ids, tf.shape(table))
assert vocabulary.numpy().tolist()[:2] == [b"a", b"great"] and ids.shape == (2, 4)
joined = tf.strings.reduce_join(words[0], separator=" ").numpy().decode("utf-8")
assert joined == "a great great film"
assert tf.strings.length(clean).numpy().tolist() == [20, 11]
chars = tf.strings.unicode_split("naïve", input_encoding="UTF-8")
assert [c.numpy().decode() for c in chars] == list("naïve")

model = tf.keras.Sequential(
    [
        tf.keras.layers.Embedding(int(tf.size(vocabulary)), 4),
        tf.keras.layers.GlobalAveragePooling1D(),
        tf.keras.layers.Dense(1),
    ]
)
model.compile("adam", tf.keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(ids, np.array([[1.0], [0.0]]), verbose=0)
