# Sparse tensors and sets; all values are TensorFlow's
import tensorflow as tf

s = tf.SparseTensor(indices=[[0, 1], [1, 0], [2, 3]], values=[1.0, 2.0, 3.0], dense_shape=[3, 4])
dense = [[0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 3]]
assert tf.sparse.to_dense(s).numpy().tolist() == dense and s.shape == (3, 4)
assert tf.sparse.to_dense(s * 2.0).numpy()[2, 3] == 6
assert tf.sparse.to_dense(s, default_value=-1.0).numpy()[0, 0] == -1
right = tf.constant([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0], [70.0, 80.0]])
product = tf.sparse.sparse_dense_matmul(s, right)
assert product.numpy().tolist() == [[30, 40], [20, 40], [210, 240]]
try:
    s + 42.0
except TypeError as error:
    assert "tf.sparse.add" in str(error)
else:
    raise AssertionError("no error")

mixed = tf.SparseTensor(indices=[[0, 2], [0, 1]], values=[1.0, 2.0], dense_shape=[3, 4])
try:
    tf.sparse.to_dense(mixed)
except tf.errors.InvalidArgumentError as error:
    assert "out of order" in str(error)
else:
    raise AssertionError("no error")
assert tf.sparse.to_dense(tf.sparse.reorder(mixed)).numpy()[0].tolist() == [0, 2, 1, 0]
assert tf.sparse.reduce_sum(s, axis=1).numpy().tolist() == [1, 2, 3]
assert tf.sparse.to_dense(tf.sparse.transpose(s)).numpy().tolist() == [
    list(row) for row in zip(*dense)
]
assert tf.sparse.to_dense(tf.sparse.add(s, s)).numpy()[1, 0] == 4
wide = tf.sparse.concat(1, [s, s])
assert wide.shape == (3, 8) and tf.sparse.to_dense(wide).numpy()[0].tolist() == dense[0] * 2
assert tf.sparse.to_dense(tf.sparse.slice(s, [0, 9], [2, 2])).shape[1] == 0  # beyond its end
block = tf.sparse.slice(s, [0, 0], [2, 2])
assert tf.sparse.to_dense(block).numpy().tolist() == [[0, 1], [2, 0]]
assert tf.sparse.to_dense(tf.sparse.reshape(s, [2, 6])).numpy().ravel()[4] == 2
assert tf.sparse.to_dense(tf.sparse.expand_dims(s, 0)).shape == (1, 3, 4)
assert tf.sparse.retain(s, [True, False, True]).values.numpy().tolist() == [1, 3]
again = tf.sparse.from_dense(tf.sparse.to_dense(s))
assert again.indices.numpy().tolist() == [[0, 1], [1, 0], [2, 3]]
assert tf.sparse.to_dense(tf.sparse.eye(2, 3)).numpy().tolist() == [[1, 0, 0], [0, 1, 0]]
assert tf.sparse.map_values(tf.square, s).values.numpy().tolist() == [1, 4, 9]
texts = tf.SparseTensor([[0, 0]], ["a"], [1, 2])
assert tf.sparse.to_dense(texts).numpy().tolist() == [[b"a", b""]]

assert tf.cast(s, tf.int64).dtype == tf.int64 and tf.abs(s).values.numpy().tolist() == [1, 2, 3]
heard = tf.sparse.from_dense([[1, 2, 3], [4, 0, 0]])
said = tf.sparse.from_dense([[1, 3, 3, 5], [4, 0, 0, 0]])
assert tf.edit_distance(heard, said, normalize=False).numpy().tolist() == [2, 0]
assert tf.edit_distance(heard, said).numpy().tolist() == [0.5, 0]

a = tf.constant([[1, 5, 9], [10, 0, 0]])
b = tf.constant([[5, 6, 9, 11], [13, 0, 0, 0]])
union = tf.sets.union(a, b)
assert tf.sparse.to_dense(union).numpy().tolist() == [[1, 5, 6, 9, 11], [0, 10, 13, 0, 0]]
assert tf.sparse.to_dense(tf.sets.difference(a, b)).numpy().tolist() == [[1], [10]]
both = tf.sets.intersection(a, b)
assert tf.sparse.to_dense(both).numpy().tolist() == [[5, 9], [0, 0]]
assert tf.sets.size(both).numpy().tolist() == [2, 1]
assert (tf.sets.size(tf.sets.intersection(a[:1], tf.constant([[5, 0, 0, 0]]))) > 0).numpy()
