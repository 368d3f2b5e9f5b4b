"""Tables in files of CSV, as data sets."""

import gzip

import tensorflow as tf

with open("people.csv", "w") as file:
    file.write("age,height,name,label\n40,1.8,Ada,1\n,1.6,Grace,0\n35,,\"Lee, Kay\",1\n")
with gzip.open("people.csv.gz", "wt") as file:
    file.write("1,2.5,a\n3,,b\n")

batches = tf.data.experimental.make_csv_dataset(
    "people.csv", batch_size=2, label_name="label", num_epochs=1, shuffle=False
)
features, labels = next(iter(batches))
assert list(features) == ["age", "height", "name"] and len(list(batches)) == 2
assert features["age"].numpy().tolist() == [40, 0] and features["age"].dtype == "int32"
assert features["height"].dtype == "float32" and labels.numpy().tolist() == [1, 0]
assert features["name"].numpy().tolist() == [b"Ada", b"Grace"]
whole = next(iter(tf.data.experimental.make_csv_dataset("peo*.csv", 3, shuffle=False)))
assert whole["name"].numpy()[2] == b"Lee, Kay"
some = tf.data.experimental.make_csv_dataset(
    ["people.csv"], 3, select_columns=["name", "age"], column_defaults=["", -1.0], shuffle=False
)
assert next(iter(some))["age"].numpy().tolist() == [40, -1, 35]
for wrong in ({"file_pattern": "nowhere*.csv"}, {"label_name": "lable"}):
    options = {"file_pattern": "people.csv", "batch_size": 1, **wrong}
    try:
        tf.data.experimental.make_csv_dataset(**options)
    except ValueError as error:
        assert "make_csv_dataset" in str(error)
    else:
        raise RuntimeError("it should not be read")

rows = tf.data.experimental.CsvDataset(
    "people.csv", [0, 0.0, tf.string, tf.int32], header=True
)
assert rows.element_spec[2].dtype == tf.string
assert [int(age) for age, *_ in rows] == [40, 0, 35]
packed = tf.data.experimental.CsvDataset(
    "people.csv.gz", [tf.float32, 9.0], compression_type="GZIP", select_cols=[0, 1]
)
assert [(float(a), float(b)) for a, b in packed] == [(1, 2.5), (3, 9)]
stacked = packed.batch(2).map(lambda *columns: tf.stack(columns, 1))
assert next(iter(stacked)).numpy().tolist() == [[1, 2.5], [3, 9]]

# What stands beside `Dataset` in `tf.data.experimental` and `tf.compat.v1.data`.
counted = tf.data.Dataset.zip((packed, tf.data.experimental.Counter(start=5)))
assert [int(i) for _, i in counted] == [5, 6]
known = packed.apply(tf.data.experimental.assert_cardinality(2))
assert len(known) == 2 and len(list(known.batch(1))) == 2
assert tf.compat.v1.data.get_output_types(packed) == ("float32", "float32")
assert isinstance(iter(packed), tf.data.Iterator)
try:
    list(packed.apply(tf.data.experimental.assert_cardinality(3)))
except ValueError as error:
    assert "3" in str(error) and "2" in str(error)
