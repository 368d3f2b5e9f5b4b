# Rows of different lengths; all values are TensorFlow's
import tensorflow as tf

words = tf.constant(["Café", "Coffee", "caffè", "咖啡"])
codes = tf.strings.unicode_decode(words, "UTF8")
assert codes[3].numpy().tolist() == [21654, 21857]
assert codes[1:3].to_list() == [[67, 111, 102, 102, 101, 101], [99, 97, 102, 102, 232]]
assert codes.shape.as_list() == [4, None] and str(codes.shape) == "(4, None)"
assert codes.to_tensor().shape == (4, 6) and codes.to_tensor().numpy()[3, 2] == 0

few = tf.ragged.constant([[65, 66], [], [67]])
more = tf.ragged.constant([[68, 69, 70], [71], [], [72, 73]])
assert tf.concat([few, more], axis=0).to_list()[3:] == more.to_list()
joined = tf.concat([codes, more], axis=1)
assert joined[3].numpy().tolist() == [21654, 21857, 72, 73]
assert (few + 1).to_list() == [[66, 67], [], [68]] and (2 * few)[2].numpy() == [134]
assert (more == more).to_list() == [[True] * 3, [True], [], [True] * 2]
assert tf.reduce_sum(more, axis=1).numpy().tolist() == [207, 71, 0, 145]
assert tf.reduce_sum(more, axis=0).numpy().tolist() == [211, 142, 70]
assert tf.reduce_mean(tf.cast(few, tf.float32)).numpy() == 66.0
assert more.row_lengths().numpy().tolist() == [3, 1, 0, 2] and tf.size(more) == 6
assert more[:, :2].to_list() == [[68, 69], [71], [], [72, 73]]
assert tf.gather(more, [0, 3]).to_list() == [[68, 69, 70], [72, 73]]
assert tf.stack([few, few]).to_list() == [few.to_list()] * 2
assert tf.expand_dims(few, -1).to_list() == [[[65], [66]], [], [[67]]]
assert tf.expand_dims(few, 1).to_list() == [[[65, 66]], [[]], [[67]]]

deep = tf.ragged.constant([[[1, 2], [3]], [], [[4]]])
assert deep.shape.as_list() == [3, None, None] and deep.ragged_rank == 2
assert deep.merge_dims(0, 1).to_list() == [[1, 2], [3], [4]]
assert deep.merge_dims(1, 2).to_list() == [[1, 2, 3], [], [4]]
assert deep[:, :1].to_list() == [[[1, 2]], [], [[4]]]
assert deep.to_tensor().numpy().tolist() == [[[1, 2], [3, 0]], [[0, 0]] * 2, [[4, 0], [0, 0]]]
assert tf.reduce_max(deep, axis=2).to_list() == [[2, 3], [], [4]]
assert deep.to_tensor(-1, shape=[None, 1, 2]).shape == (3, 1, 2)

assert tf.RaggedTensor.from_value_rowids([3, 1, 4], [0, 0, 2], nrows=4).to_list() == [
    [3, 1],
    [],
    [4],
    [],
]
assert tf.RaggedTensor.from_row_lengths([3, 1, 4], [0, 1, 2]).to_list() == [[], [3], [1, 4]]
assert tf.RaggedTensor.from_tensor([[1, 2, 0], [3, 0, 0]], padding=0).to_list() == [[1, 2], [3]]
assert tf.RaggedTensor.from_sparse(more.to_sparse()).to_list() == more.to_list()
assert tf.ragged.range([0, 1, 2], [3, 3, 5]).to_list() == [[0, 1, 2], [1, 2], [2, 3, 4]]
kept = tf.ragged.boolean_mask([[1, 2, 3], [4, 5, 6]], [[True, False, True], [False, True, False]])
assert kept.to_list() == [[1, 3], [5]]
assert tf.ragged.map_flat_values(tf.square, few).to_list() == [[4225, 4356], [], [4489]]

split = tf.strings.split(["a b", "c d e"])
assert split.to_list() == [[b"a", b"b"], [b"c", b"d", b"e"]]
assert tf.strings.reduce_join(split, axis=1, separator="-").numpy().tolist() == [b"a-b", b"c-d-e"]
assert tf.strings.upper(split).to_list()[0] == [b"A", b"B"]
assert tf.strings.split([["a b"], ["c"]]).to_list() == [[[b"a", b"b"]], [[b"c"]]]

# In data sets: songs of chords, in windows
songs = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]], [[7, 8], [9, 10], [11, 12]]], ragged_rank=1)
assert songs.shape.as_list() == [3, None, 2]
dataset = tf.data.Dataset.from_tensor_slices(songs)
assert len(dataset) == 3 and dataset.element_spec.shape.as_list() == [None, 2]


def windows(song):
    parts = tf.data.Dataset.from_tensor_slices(song).window(2, 1, drop_remainder=True)
    return parts.flat_map(lambda part: part.batch(2))


found = [part.numpy().tolist() for part in dataset.flat_map(windows)]
assert found == [[[1, 2], [3, 4]], [[7, 8], [9, 10]], [[9, 10], [11, 12]]]
texts = tf.data.Dataset.from_tensor_slices(["a b", "c"]).batch(2).map(tf.strings.split)
[table] = texts.map(lambda rows: rows.to_tensor(default_value="-"))
assert table.numpy().tolist() == [[b"a", b"b"], [b"c", b"-"]]
labelled = tf.data.Dataset.from_tensor_slices((tf.ragged.constant([[1], [2, 3]]), [0, 1]))
[(rows, labels)] = labelled.padded_batch(2)
assert rows.numpy().tolist() == [[1, 0], [2, 3]] and labels.numpy().tolist() == [0, 1]

for wrong in (
    lambda: few + more,
    lambda: tf.RaggedTensor.from_row_splits([1, 2], [0, 3]),
    lambda: tf.concat([few, more], axis=1),
):
    try:
        wrong()
    except ValueError as error:
        assert "agged" in str(error)
    else:
        raise AssertionError("no error")
