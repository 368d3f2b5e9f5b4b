# TFRecord files, examples in them, tensors as bytes
import numpy as np
import tensorflow as tf
from tensorflow.train import BytesList, Example, Feature, Features, FloatList, Int64List

with tf.io.TFRecordWriter("plain.tfrecord") as writer:
    writer.write(b"first")
    writer.write(b"second")
dataset = tf.data.TFRecordDataset(["plain.tfrecord"])
assert [record.numpy() for record in dataset] == [b"first", b"second"]
for compression in ("GZIP", "ZLIB"):
    options = tf.io.TFRecordOptions(compression_type=compression)
    with tf.io.TFRecordWriter("packed.tfrecord", options) as writer:
        writer.write(b"third")
    packed = tf.data.TFRecordDataset("packed.tfrecord", compression_type=compression)
    assert [record.numpy() for record in packed] == [b"third"]


def example(name, number, emails):
    return Example(
        features=Features(
            feature={
                "name": Feature(bytes_list=BytesList(value=[name])),
                "id": Feature(int64_list=Int64List(value=[number])),
                "size": Feature(float_list=FloatList(value=[0.5 * number, 2.0])),
                "emails": Feature(bytes_list=BytesList(value=emails)),
            }
        )
    )


alice = example(b"Alice", 123, [b"a@b.com", b"c@d.com"])
assert Example.FromString(alice.SerializeToString()) == alice
assert alice.features.feature["id"].int64_list.value[0] == 123
# What TensorFlow 2.21 writes of Feature(int64_list=[1, 300])
assert Feature(int64_list=Int64List(value=[1, 300])).SerializeToString().hex() == "1a050a0301ac02"
with tf.io.TFRecordWriter("people.tfrecord") as writer:
    for person in (alice, example(b"Bob", 4, [])):
        writer.write(person.SerializeToString())

description = {
    "name": tf.io.FixedLenFeature([], tf.string, default_value=""),
    "id": tf.io.FixedLenFeature([], tf.int64, default_value=0),
    "size": tf.io.FixedLenFeature([2], tf.float32),
    "emails": tf.io.VarLenFeature(tf.string),
    "gone": tf.io.FixedLenFeature([2], tf.int64, default_value=[7, 8]),
}


def parse(serialized):
    return tf.io.parse_single_example(serialized, description)


people = list(tf.data.TFRecordDataset("people.tfrecord").map(parse))
assert people[0]["name"].numpy() == b"Alice" and people[1]["id"].numpy() == 4
assert people[1]["size"].numpy().tolist() == [2, 2] and people[0]["size"].dtype == tf.float32
assert people[0]["gone"].numpy().tolist() == [7, 8]
assert tf.sparse.to_dense(people[0]["emails"]).numpy().tolist() == [b"a@b.com", b"c@d.com"]
assert people[1]["emails"].values.shape == (0,)

batches = tf.data.TFRecordDataset("people.tfrecord").batch(2)
[both] = batches.map(lambda records: tf.io.parse_example(records, description))
assert both["size"].numpy().tolist() == [[61.5, 2], [2, 2]]
emails = tf.sparse.to_dense(both["emails"], default_value=b"")
assert emails.numpy().tolist() == [[b"a@b.com", b"c@d.com"], [b"", b""]]
[lists] = batches.map(
    lambda records: tf.io.parse_example(
        records,
        {
            "emails": tf.io.RaggedFeature(tf.string),
            "padded": tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
        },
    )
)
assert lists["emails"].to_list() == [[b"a@b.com", b"c@d.com"], []]
assert lists["padded"].shape == (2, 0)
for wrong in (
    {"name": tf.io.FixedLenFeature([], tf.int64)},
    {"size": tf.io.FixedLenFeature([3], tf.float32)},
    {"gone": tf.io.FixedLenFeature([], tf.int64)},
    {"name": tf.string},
):
    try:
        tf.io.parse_single_example(alice.SerializeToString(), wrong)
    except ValueError as error:
        assert next(iter(wrong)) in str(error)
    else:
        raise AssertionError("no error")

# Sequences of features
FeatureList, FeatureLists = tf.train.FeatureList, tf.train.FeatureLists
words = lambda text: Feature(bytes_list=BytesList(value=text.encode().split()))
article = tf.train.SequenceExample(
    context=Features(feature={"title": Feature(bytes_list=BytesList(value=[b"On"]))}),
    feature_lists=FeatureLists(
        feature_list={"content": FeatureList(feature=[words("When in Rome"), words("do as")])}
    ),
)
context, lists = tf.io.parse_single_sequence_example(
    article.SerializeToString(),
    {"title": tf.io.VarLenFeature(tf.string)},
    {"content": tf.io.VarLenFeature(tf.string)},
)
assert context["title"].values.numpy().tolist() == [b"On"]
content = tf.RaggedTensor.from_sparse(lists["content"])
assert content.to_list() == [[b"When", b"in", b"Rome"], [b"do", b"as"]]

# Tensors as bytes
for value in (np.arange(6, dtype="float32").reshape(2, 3), np.array([[1], [-2]]), np.array(True)):
    data = tf.io.serialize_tensor(value)
    again = tf.io.parse_tensor(data, out_type=value.dtype)
    assert again.dtype == value.dtype and np.array_equal(again, value)
# What TensorFlow 2.21 writes of [[1, 2]] in int32
assert tf.io.serialize_tensor(tf.constant([[1, 2]])).numpy().hex() == (
    "08031208120208011202080222080100000002000000"
)
texts = tf.io.parse_tensor(tf.io.serialize_tensor(["a", "bc"]), tf.string)
assert texts.numpy().tolist() == [b"a", b"bc"]
try:
    tf.io.parse_tensor(tf.io.serialize_tensor([1.0]), tf.int32)
except ValueError as error:
    assert "float32" in str(error)
else:
    raise AssertionError("no error")
