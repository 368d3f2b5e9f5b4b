# Writing a training loop from scratch; linear regression by hand.
import time

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

inputs = keras.Input(shape=(12,), name="digits")
x = layers.Dense(8, activation="relu", kernel_regularizer="l2", name="dense_1")(inputs)
x = layers.Dropout(0.2)(x)
outputs = layers.Dense(4, name="predictions")(x)
model = keras.Model(inputs=inputs, outputs=outputs)

optimizer = tf.keras.optimizers.Adam(learning_rate=1e-2)
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_acc_metric = keras.metrics.SparseCategoricalAccuracy()
val_acc_metric = keras.metrics.SparseCategoricalAccuracy()

rng = np.random.default_rng(0)
y_train = rng.integers(0, 4, 64)
x_train = np.eye(12)[y_train] + 0.1 * rng.normal(size=(64, 12))
train_dataset = tf.data.Dataset.from_tensor_slices((x_train.astype("float32"), y_train))
train_dataset = train_dataset.shuffle(buffer_size=64, seed=1).batch(16)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
        loss_value += sum(model.losses)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply_gradients(zip(grads, model.trainable_weights))
    train_acc_metric.update_state(y, logits)
    return loss_value


losses = []
for epoch in range(6):
    start_time = time.time()
    for step, (x_batch_train, y_batch_train) in enumerate(train_dataset):
        loss_value = train_step(x_batch_train, y_batch_train)
        if step % 2 == 0:
            print("Training loss at step %d: %.4f" % (step, float(loss_value)))
        losses.append(loss_value.numpy())
    train_acc = train_acc_metric.result()
    print("Training acc over epoch: %.4f" % (float(train_acc),))
    train_acc_metric.reset_state()
    val_acc_metric.update_state(y_train, model(x_train.astype("float32"), training=False))
    val_acc = val_acc_metric.result()
    val_acc_metric.reset_state()
    print("Time taken: %.2fs" % (time.time() - start_time))
assert len(losses) == 24 and losses[-1] < losses[0] and float(val_acc) > 0.5

# By hand
TRUE_W, TRUE_B = 3.0, 2.0
x = tf.random.normal([101])
y = x * TRUE_W + TRUE_B


class MyModel(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.w = tf.Variable(5.0)
        self.b = tf.Variable(0.0)

    def call(self, x):
        return self.w * x + self.b


linear = MyModel()
for epoch in range(60):
    with tf.GradientTape() as t:
        current_loss = tf.reduce_mean(tf.square(y - linear(x)))
    dw, db = t.gradient(current_loss, [linear.w, linear.b])
    linear.w.assign_sub(0.1 * dw)
    linear.b.assign_sub(0.1 * db)
np.testing.assert_allclose([linear.w.numpy(), linear.b.numpy()], [3.0, 2.0], atol=0.05)

# Higher order
x = tf.Variable(1.0)
with tf.GradientTape() as t2:
    with tf.GradientTape() as t1:
        y = x * x * x
    dy_dx = t1.gradient(y, x)
d2y_dx2 = t2.gradient(dy_dx, x)
print("dy_dx:", dy_dx.numpy(), "d2y_dx2:", d2y_dx2.numpy())
assert (dy_dx.numpy(), d2y_dx2.numpy()) == (3.0, 6.0)
