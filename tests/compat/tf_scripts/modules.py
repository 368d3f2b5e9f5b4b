"""`tf.Module` and `tf.TensorArray`: layers of one's own, without Keras."""

import numpy as np
import tensorflow as tf


class Affine(tf.Module):
    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.size = size
        self.is_built = False

    @tf.Module.with_name_scope
    def __call__(self, x):
        if not self.is_built:
            self.weight = tf.Variable(tf.ones([x.shape[-1], self.size]), name="weight")
            self.bias = tf.Variable(tf.zeros([self.size]), name="bias")
            self.calls = tf.Variable(0, trainable=False)
            self.is_built = True
        self.calls.assign_add(1)
        return tf.matmul(x, self.weight) + self.bias


class Chain(tf.Module):
    def __init__(self):
        super().__init__(name="chain")
        self.steps = [Affine(3), {"last": Affine(2, name="last")}]
        self.again = self.steps[0]
        self.keras_layer = tf.keras.layers.Dense(2)

    def __call__(self, x):
        return self.keras_layer(self.steps[1]["last"](self.steps[0](x)))


chain = Chain()
x = tf.constant([[1.0, 2.0]])
with tf.GradientTape() as tape:
    total = tf.reduce_sum(chain(x))
assert chain.name == "chain" and Affine(1).name == "affine"
assert [m.name for m in chain.submodules] == ["affine", "dense", "last"]
shapes = [tuple(v.shape) for v in chain.variables]
assert shapes == [(3,), (), (2, 3), (2, 2), (2,), (2,), (), (3, 2)], shapes
assert len(chain.trainable_variables) == 6 and len(chain.non_trainable_variables) == 2
gradients = tape.gradient(total, chain.trainable_variables)
assert [g.shape for g in gradients] == [v.shape for v in chain.trainable_variables]
path = tf.train.Checkpoint(chain).save("chain")
before = chain.steps[0].weight.numpy()
chain.steps[0].weight.assign_add(tf.ones([2, 3]))
tf.train.Checkpoint(chain).restore(path).assert_consumed()
assert np.array_equal(chain.steps[0].weight.numpy(), before)

numbers = tf.TensorArray(tf.float32, size=2)
numbers = numbers.write(0, [1.0, 2.0]).write(1, [3.0, 4.0])
assert numbers.stack().numpy().tolist() == [[1, 2], [3, 4]]
assert numbers.concat().numpy().tolist() == [1, 2, 3, 4] and numbers.size() == 2
assert numbers.gather([1]).numpy().tolist() == [[3, 4]]
try:
    numbers.write(2, [0.0, 0.0])
except ValueError as error:
    assert "dynamic_size=True" in str(error)
growing = tf.TensorArray(tf.int32, 0, dynamic_size=True).write(2, 5)
assert growing.stack().numpy().tolist() == [0, 0, 5]
parts = tf.TensorArray(tf.float32, 2).unstack(tf.constant([[1.0], [2.0]]))
assert parts.read(1).numpy().tolist() == [2]


class Rolling(tf.keras.layers.Layer):
    """Sums of what came so far, gathered in a loop that is unrolled."""

    def call(self, inputs):
        states = tf.TensorArray(tf.float32, size=inputs.shape[1])
        total = tf.zeros_like(inputs[:, 0])
        for i in range(inputs.shape[1]):
            total += inputs[:, i]
            states = states.write(i, total)
        return tf.transpose(states.stack(), [1, 0, 2])


model = tf.keras.Sequential([tf.keras.Input((3, 2)), Rolling()])
values = np.arange(12, dtype="float32").reshape(2, 3, 2)
np.testing.assert_allclose(model.predict(values, verbose=0), np.cumsum(values, 1))
