"""Curves for TensorBoard; its own reader has the last word where it is installed."""

import io
import json
import shutil
import struct

import numpy as np
import pytest

import fkeras
from fkeras import callbacks, layers
from fkeras.callbacks.event_files import EventFile
from fkeras.callbacks.weight_images import encode_png, to_images
from fkeras.errors import UserInputError
from fkeras.io.record_files import read_records

X = np.ones((8, 3), "float32")
Y = np.ones((8, 1), "float32")


def records(folder):
    """The records of the only file in a folder, their checksums verified."""
    [path] = folder.iterdir()
    with path.open("rb") as file:
        return list(read_records(file, path.name))


def fields(record):
    """(number, value) of the fields of a protocol buffer."""
    found = []
    while record:
        key, record = _varint(record)
        if key & 7 == 0:
            value, record = _varint(record)
        elif key & 7 == 2:
            length, record = _varint(record)
            value, record = record[:length], record[length:]
        else:
            size, code = {1: (8, "<d"), 5: (4, "<f")}[key & 7]
            value, record = struct.unpack(code, record[:size])[0], record[size:]
        found.append((key >> 3, value))
    return found


def _varint(data):
    value = shift = 0
    while True:
        value |= (data[0] & 0x7F) << shift
        shift, more, data = shift + 7, data[0] & 0x80, data[1:]
        if not more:
            return value, data


NUMBER, IMAGE, HISTOGRAM, TENSOR = 2, 4, 5, 8  # the fields of a summary


def summaries(folder, kind):
    """Name -> [(step, value)] of the summaries of a kind."""
    found = {}
    for record in records(folder)[1:]:
        event = dict(fields(record))
        for _, summary in fields(event.get(5, b"")):
            value = dict(fields(summary))
            if kind in value:
                found.setdefault(value[1].decode(), []).append((event.get(2, 0), value[kind]))
    return found


def curves(folder):
    """Curve -> [(step, value)]."""
    return summaries(folder, NUMBER)


def model():
    made = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    made.compile(fkeras.optimizers.SGD(0.125), "mse", metrics=["mae"])
    return made


def test_histograms_images_and_texts(tmp_path):
    file = EventFile(tmp_path)
    file.write_histogram("weights", [[1.0, 2.0], [2.0, 4.0]], step=3, buckets=3)
    file.write_images("pictures", [b"one", b"two"], (5, 4, 3), step=4)
    file.write_texts("note", [b"done"], step=5)
    file.close()
    found = {}
    for record in records(tmp_path)[1:]:
        event = dict(fields(record))
        for _, summary in fields(event.get(5, b"")):
            value = dict(fields(summary))
            found[value[1].decode()] = (event[2], value)
    step, value = found["weights"]
    histogram = dict(fields(value[5]))
    assert (step, [histogram[i] for i in (1, 2, 3, 4, 5)]) == (3, [1, 4, 4, 9, 25])
    assert np.frombuffer(histogram[6]).tolist() == [2, 3, 4]
    assert np.frombuffer(histogram[7]).tolist() == [1, 2, 1]
    assert {"pictures/0", "pictures/1"} <= set(found)
    assert dict(fields(found["pictures/1"][1][4])) == {1: 5, 2: 4, 3: 3, 4: b"two"}
    step, value = found["note"]
    assert step == 5 and dict(fields(value[8]))[8] == b"done"
    assert b"text" in value[9]


def test_curves_of_epochs(tmp_path):
    board = callbacks.TensorBoard(tmp_path, write_steps_per_second=True)
    history = (
        model().fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=[board], verbose=0).history
    )
    train, validation = curves(tmp_path / "train"), curves(tmp_path / "validation")
    assert set(train) == {
        "epoch_loss",
        "epoch_mae",
        "epoch_learning_rate",
        "epoch_steps_per_second",
    }
    assert train["epoch_loss"] == [(i, np.float32(v)) for i, v in enumerate(history["loss"])]
    assert train["epoch_learning_rate"] == [(0, 0.125), (1, 0.125)]
    losses = history["val_loss"]
    assert validation["epoch_loss"] == [(i, np.float32(v)) for i, v in enumerate(losses)]


def test_curves_of_batches(tmp_path):
    board = callbacks.TensorBoard(tmp_path, update_freq=2)
    model().fit(X, Y, batch_size=2, epochs=2, callbacks=[board], verbose=0)
    assert [step for step, _ in curves(tmp_path / "train")["batch_loss"]] == [2, 4, 6, 8]


def test_evaluation(tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    made.evaluate(X, Y, callbacks=[callbacks.TensorBoard(tmp_path)], verbose=0)
    assert [s for s, _ in curves(tmp_path / "validation")["evaluation_loss_vs_iterations"]] == [1]


def test_tensorboard_reads_it(tmp_path):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", exc_type=ImportError
    )
    file = EventFile(tmp_path)
    file.write_scalars({"größe": 0.5}, step=300)
    header = bytes(44)
    file.write_sounds("song", [header + bytes(8), header + bytes(12)], 8000.0, 2, step=7)
    file.close()
    events = accumulators.EventAccumulator(str(tmp_path)).Reload()
    [sound] = events.Audio("song/1")
    assert (sound.step, sound.sample_rate, sound.length_frames) == (7, 8000, 3)
    assert sound.encoded_audio_string == header + bytes(12)
    assert [(s.step, s.value) for s in events.Scalars("größe")] == [(300, 0.5)]


def embedder():
    x = inputs = fkeras.Input((2,), dtype="int32")
    x = layers.Flatten()(layers.Embedding(3, 2, name="words")(x))
    made = fkeras.Model(inputs, layers.Dense(1)(x))
    made.compile("sgd", "mse")
    return made


IDS = np.array([[0, 1], [1, 2], [2, 2], [0, 0]])


def test_all_that_can_be_written(tmp_path):
    made = embedder()
    board = callbacks.TensorBoard(
        tmp_path,
        histogram_freq=2,
        write_images=True,
        write_steps_per_second=True,
        update_freq="batch",
        profile_batch=(2, 3),
        embeddings_freq=1,
        embeddings_metadata={"words": "labels.tsv"},
    )
    made.fit(IDS, IDS[:, :1], batch_size=2, epochs=3, callbacks=[board], verbose=0)

    [profile] = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    assert profile.stat().st_size
    shutil.rmtree(tmp_path / "train" / "plugins")
    vectors = np.loadtxt(tmp_path / "words.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, made.get_layer("words").get_weights()[0], rtol=1e-6)
    assert (tmp_path / "projector_config.pbtxt").read_text().split() == [
        *("embeddings", "{"),
        *("tensor_name:", '"words/embeddings"'),
        *("tensor_path:", '"words.tsv"'),
        *("metadata_path:", '"labels.tsv"'),
        "}",
    ]

    train = tmp_path / "train"
    speeds = curves(train)["batch_steps_per_second"]
    assert [step for step, _ in speeds] == [1, 2, 3, 4, 5, 6]
    assert all(speed > 0 for _, speed in speeds)
    histograms, images = summaries(train, HISTOGRAM), summaries(train, IMAGE)
    paths = [weight.path for weight in made.weights]
    assert set(histograms) == {f"{path}/histogram" for path in paths}
    for weight in made.weights:
        (first, _), (last, histogram) = histograms[f"{weight.path}/histogram"]
        found = dict(fields(histogram))
        assert (first, last, found[3]) == (0, 2, np.size(weight))
        np.testing.assert_allclose([found[1], found[2]], [np.min(weight), np.max(weight)])
    assert [dict(fields(i))[2] for _, i in images["words/embeddings/image"]] == [3, 3]

    tensors = {name: dict(fields(value)) for name, [(_, value)] in summaries(train, TENSOR).items()}
    assert b"words (Embedding)" in tensors["model"][8]
    graph = json.loads(tensors["keras"][8])["config"]
    assert [layer["config"]["name"] for layer in graph["layers"]] == [
        layer.name for layer in made.layers
    ]


def test_tensorboard_reads_all_of_it(tmp_path):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", exc_type=ImportError
    )
    from tensorboard.compat.proto import graph_pb2
    from tensorboard.plugins.graph import keras_util
    from tensorboard.util import tensor_util

    made = embedder()
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    made.fit(IDS, IDS[:, :1], callbacks=[board], verbose=0)
    events = accumulators.EventAccumulator(str(tmp_path / "train")).Reload()
    [histogram] = events.Histograms("words/embeddings/histogram")
    assert histogram.histogram_value.num == sum(histogram.histogram_value.bucket) == 6
    [image] = events.Images("words/embeddings/image")
    assert (image.height, image.width) == (2, 3)
    [graph] = events.Tensors("keras")
    config = json.loads(tensor_util.make_ndarray(graph.tensor_proto).item())
    nodes = keras_util.keras_model_to_graph_def(config).node
    assert [node.name.rpartition("/")[-1] for node in nodes] == [x.name for x in made.layers]
    assert nodes[-1].input == [nodes[-2].name]
    of_run = graph_pb2.GraphDef.FromString(events.Graph().SerializeToString())
    assert [(n.name, n.op) for n in of_run.node] == [
        (x.name, type(x).__name__) for x in made.layers
    ]
    assert of_run.node[-1].input == [of_run.node[-2].name]


def test_models_without_a_graph_have_their_table(tmp_path):
    class Own(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(x)

    for name, write_graph in (("own", True), ("none", False)):
        made = Own()
        made.compile("sgd", "mse")
        board = callbacks.TensorBoard(tmp_path / name, write_graph=write_graph)
        made.fit(X, Y, callbacks=[board], verbose=0)
    assert set(summaries(tmp_path / "own" / "train", TENSOR)) == {"model"}
    assert not summaries(tmp_path / "none" / "train", TENSOR)


def test_histograms_of_numbers_that_are_not_apart(tmp_path):
    file = EventFile(tmp_path)
    for name, values in (
        ("equal", np.ones(3)),
        ("next", [1.0, np.nextafter(1.0, 2)]),
        ("finite", [np.nan, 2.0, np.inf]),
    ):
        file.write_histogram(name, values, step=1)
    file.close()
    found = {
        name: dict(fields(value))[7]
        for name, [(_, value)] in summaries(tmp_path, HISTOGRAM).items()
    }
    counts = {name: np.frombuffer(value).tolist() for name, value in found.items()}
    assert counts == {"equal": [3], "next": [2], "finite": [1]}


@pytest.mark.parametrize(
    "shape, images",
    [
        ((4,), (1, 1, 4, 1)),
        ((1, 4, 1), (1, 1, 4, 1)),
        ((5, 2), (1, 2, 5, 1)),
        ((3, 4, 2), (2, 3, 4, 1)),
        ((2, 4, 5, 3), (2, 4, 5, 3)),
        ((2, 4, 5, 6), None),
        ((), None),
    ],
)
def test_weights_as_pictures(shape, images):
    weight = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    found = to_images(weight)
    if images is None:
        assert found is None
        return
    assert found.shape == images and (found.min(), found.max()) == (0, 255)
    pillow = pytest.importorskip("PIL.Image")
    read = np.asarray(pillow.open(io.BytesIO(encode_png(found[0]))))
    np.testing.assert_array_equal(read.reshape(images[1:]), found[0])


def test_a_profiler_that_cannot_start_is_a_warning(tmp_path, monkeypatch):
    def start(folder):
        raise RuntimeError("Only one profile may be run at a time.")

    monkeypatch.setattr("jax.profiler.start_trace", start)
    board = callbacks.TensorBoard(tmp_path, profile_batch=1)
    with pytest.warns(UserWarning, match="could not start the profiler: Only one"):
        model().fit(X, Y, batch_size=2, callbacks=[board], verbose=0)


@pytest.mark.parametrize(
    "options",
    [
        {"update_freq": "step"},
        {"histogram_freq": -1},
        {"embeddings_freq": 0.5},
        *(
            {"profile_batch": batches}
            for batches in (-1, (3, 2), (0, 2), "1,2,3", "one", None, 1.5)
        ),
    ],
)
def test_what_cannot_be_written(options):
    with pytest.raises(UserInputError, match=next(iter(options))):
        callbacks.TensorBoard(**options)


def test_labels_of_layers_that_are_not_there(tmp_path):
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "x"})
    with pytest.raises(UserInputError, match="names word; the model's embeddings are: words"):
        embedder().fit(IDS, IDS[:, :1], callbacks=[board], verbose=0)
