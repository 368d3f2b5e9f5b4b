# "Introduction to tensors": values, indices, shapes, broadcasting
import numpy as np
import tensorflow as tf

rank_2 = tf.constant([[1, 2], [3, 4], [5, 6]], dtype=tf.float16)
print(rank_2, rank_2.dtype, rank_2.shape, tf.rank(rank_2).numpy())
assert isinstance(rank_2, tf.Tensor) and rank_2.dtype == tf.float16
assert rank_2.shape.as_list() == [3, 2] and rank_2.shape.rank == 2

a, b = tf.constant([[1, 2], [3, 4]]), tf.constant([[1, 1], [1, 1]])
assert (tf.add(a, b).numpy() == [[2, 3], [4, 5]]).all()
assert ((a @ b) == tf.matmul(a, b)).numpy().all()
c = tf.constant([[4.0, 5.0], [10.0, 1.0]])
assert tf.reduce_max(c).numpy() == 10 and tf.math.argmax(c).numpy().tolist() == [1, 0]
assert tf.reduce_sum(tf.nn.softmax(c), axis=1).numpy().tolist() == [1, 1]
assert tf.convert_to_tensor([1, 2, 3]).dtype == tf.int32
f = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
t = tf.constant(f)
assert t[0].numpy() == 0 and t[::-2].numpy().tolist() == [34, 13, 5, 2, 1]
assert [v.numpy() for v in t[:3]] == [0, 1, 1]
x = tf.reshape(tf.range(6), [3, 2, 1])
assert tf.transpose(x, perm=[1, 0, 2]).shape == (2, 3, 1)
assert tf.cast(tf.constant([2.2, 3.3]), dtype=tf.uint8).numpy().tolist() == [2, 3]
assert tf.broadcast_to(tf.constant([1, 2, 3]), [3, 3]).shape == (3, 3)
v = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="my_variable")
v.assign([[1.0, 1.0], [1.0, 1.0]])
v.assign_sub(tf.ones((2, 2)) * 0.5)
assert np.all(v.numpy() == 0.5) and isinstance(v, tf.Variable)
assert tf.convert_to_tensor(v).shape == (2, 2)
greeting = tf.constant(["Grey", "Quick brown", "Lazy"])
assert greeting.numpy().tolist() == [b"Grey", b"Quick brown", b"Lazy"]
try:
    tf.constant([[1, 2], [3]])
except ValueError as error:
    print(type(error).__name__)

# Parts of a Variable
v = tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
v[0, 1].assign(42.0)
v[:, 2].assign([0.0, 1.0])
v[1].assign_add([1, 1, 1], read_value=False)
v.assign_add(tf.zeros((2, 3)), read_value=False)
assert v.numpy().tolist() == [[1.0, 42.0, 0.0], [5.0, 6.0, 2.0]]
v.scatter_nd_update(indices=[[0, 0], [1, 2]], updates=[100.0, 200.0])
v.scatter_nd_sub(indices=[[1]], updates=[[1.0, 1.0, 1.0]])
assert v.numpy().tolist() == [[100.0, 42.0, 0.0], [4.0, 5.0, 199.0]]
w = tf.Variable(3.0)
with tf.GradientTape() as tape:
    loss = v[0, 0] * w
assert tape.gradient(loss, w).numpy() == 100.0
assert not hasattr(v[0] + 1.0, "assign")
try:
    tf.square(v)[0].assign(7.0)
except AttributeError as error:
    assert "only a `tf.Variable` can be changed" in str(error)
else:
    raise AssertionError
try:
    tf.Variable(["text"], dtype=tf.string)
except ValueError as error:
    assert "Keep text in a list or a NumPy array" in str(error)
else:
    raise AssertionError
generator = tf.random.Generator.from_seed(5)
first_draws = generator.normal([3]).numpy()
assert not np.array_equal(generator.normal([3]).numpy(), first_draws)
generator.reset_from_seed(5)
assert np.array_equal(generator.normal([3]).numpy(), first_draws)
# NumPy's names
import tensorflow.experimental.numpy as tnp

tnp.experimental_enable_numpy_behavior()
weights = tnp.random.randn(3, 2)
assert tnp.matmul(tnp.ones((2, 3), tnp.float32), weights).shape == (2, 2)
assert isinstance(weights, tnp.ndarray) and weights.dtype == tnp.float32
assert tnp.maximum([1, 2], [0, 5]).numpy().tolist() == [1, 5] and 3.14 < tnp.pi < 3.15
assert tf.math.softmax([0.0, 0.0]).numpy().tolist() == [0.5, 0.5]
