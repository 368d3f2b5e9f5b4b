# Weights and models in files, and what was newest
import os
import tempfile

import numpy as np
import tensorflow as tf

folder = tempfile.mkdtemp()


def create_model():
    return tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2, name="head")])


model = create_model()
checkpoint_path = os.path.join(folder, "training_1", "ckpt")
assert tf.train.latest_checkpoint(os.path.dirname(checkpoint_path)) is None
model.save_weights(checkpoint_path)
latest = tf.train.latest_checkpoint(os.path.dirname(checkpoint_path))
other = create_model()
other.load_weights(latest)
x = tf.ones((1, 3))
np.testing.assert_allclose(other(x).numpy(), model(x).numpy())

export = os.path.join(folder, "saved_model")
tf.saved_model.save(model, export)
restored = tf.saved_model.load(export)
np.testing.assert_allclose(restored(x).numpy(), model(x).numpy())
infer = restored.signatures["serving_default"]
assert list(infer.structured_outputs) == ["head"] and list(restored.signatures)
for result in (infer(x), infer(any_name=x)):
    np.testing.assert_allclose(result["head"].numpy(), model(x).numpy())
