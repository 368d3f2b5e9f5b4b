# tf.summary beside fit
import os
import tempfile

import numpy as np
import tensorflow as tf

logdir = os.path.join(tempfile.mkdtemp(), "train")
writer = tf.summary.create_file_writer(logdir)
with writer.as_default():
    for step in range(3):
        tf.summary.scalar("loss", 1.0 / (step + 1), step=step)
    tf.summary.histogram("weights", tf.random.normal([100]), step=0)
    tf.summary.image("pictures", np.zeros((2, 4, 4, 3)), step=0)
    tf.summary.text("note", "done", step=0)
    tf.summary.audio("sounds", np.zeros((2, 4, 1)), sample_rate=8000, step=0)
assert not tf.summary.scalar("loss", 1.0, step=4)


class Rate(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        with writer.as_default():
            tf.summary.scalar("learning rate", self.model.optimizer.learning_rate, step=epoch)


model = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(tf.ones((4, 1)), tf.ones((4, 1)), verbose=0, callbacks=[Rate()])
writer.close()
(name,) = os.listdir(logdir)
with open(os.path.join(logdir, name), "rb") as file:
    content = file.read()
assert all(
    tag in content for tag in (
        b"loss",
        b"weights",
        b"pictures/1",
        b"note",
        b"sounds/1",
        b"learning rate",
    )
)
