"""`tf.train.Checkpoint`: a loop that goes on where another one stopped."""

import numpy as np
import tensorflow as tf


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = tf.keras.layers.Dense(4, activation="tanh")
        self.out = tf.keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


rows = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")


def start():
    data = tf.data.Dataset.from_tensor_slices(rows).shuffle(12, seed=3).batch(2).repeat()
    parts = {"step": tf.Variable(0), "net": Net(), "optimizer": tf.keras.optimizers.Adam(0.05)}
    parts["rows"] = iter(data)
    checkpoint = tf.train.Checkpoint(**parts)
    return checkpoint, tf.train.CheckpointManager(checkpoint, "kept", max_to_keep=2)


def train(checkpoint, steps):
    losses = []
    for _ in range(steps):
        x = next(checkpoint.rows)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(checkpoint.net(x) - x[:, :1]))
        weights = checkpoint.net.trainable_variables
        checkpoint.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        checkpoint.step.assign_add(1)
        losses.append(float(loss))
    return losses


first, manager = start()
assert first.restore(manager.latest_checkpoint) is not None and manager.latest_checkpoint is None
train(first, 3)
for _ in range(3):
    path = manager.save()
assert path == "kept/ckpt-3" and manager.checkpoints == ["kept/ckpt-2", "kept/ckpt-3"]
expected = train(first, 5)

# Nothing of the second one is built when it is restored.
second, manager = start()
assert manager.checkpoints == ["kept/ckpt-2", "kept/ckpt-3"]
assert tf.train.latest_checkpoint("kept") == manager.latest_checkpoint == path
second.restore(path).expect_partial()
assert int(second.step) == 3 and int(second.optimizer.iterations) == 3
np.testing.assert_allclose(train(second, 5), expected, rtol=1e-5)
assert manager.save() == "kept/ckpt-4"

# A part of it; and what does not fit.
bias = tf.Variable(tf.zeros([4]))
part = tf.train.Checkpoint(net=tf.train.Checkpoint(hidden=tf.train.Checkpoint(bias=bias)))
status = part.restore(tf.train.latest_checkpoint("kept"))
np.testing.assert_array_equal(bias.numpy(), second.net.hidden.bias.numpy())
status.assert_existing_objects_matched()
for wrong in (status.assert_consumed, tf.train.Checkpoint(x=bias).restore(path).assert_consumed):
    try:
        wrong()
    except AssertionError:
        pass
    else:
        raise RuntimeError("it should not match")
try:
    tf.train.Checkpoint(step=bias).restore(path)
except ValueError as error:
    assert "'step' has shape (4,)" in str(error) and "shape ()" in str(error), error
try:
    tf.train.Checkpoint().restore("kept/ckpt-77")
except FileNotFoundError as error:
    assert "kept/ckpt-77" in str(error)
try:
    tf.train.Checkpoint(rate=0.1)
except TypeError as error:
    assert "rate=0.1" in str(error)

# Containers, dtypes, and names.
half = tf.Variable([1.5, 2.5], dtype=tf.bfloat16)
root = tf.train.Checkpoint(parts=[half, {"again": tf.Variable(7)}])
root.late = tf.Variable([True, False])
written = root.write("one/file")
reader = tf.train.load_checkpoint(written)
assert reader.get_tensor("parts/1/again/.ATTRIBUTES/VARIABLE_VALUE") == 7
assert ("parts/0", [2]) in tf.train.list_variables(written)
half.assign([0, 0])
root.read("one/file").assert_consumed()
assert half.numpy().tolist() == [1.5, 2.5]
# The parts of a model by their own names.
built = Net()
built(rows)
saved = tf.train.Checkpoint(built).save("root")
assert tf.train.load_checkpoint(saved).has_tensor("hidden/kernel")
