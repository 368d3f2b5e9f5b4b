"""Curves for TensorBoard; its own reader has the last word where it is installed."""

import struct

import numpy as np
import pytest

import fkeras
from fkeras import callbacks
from fkeras.callbacks.event_files import EventFile, _masked_crc
from fkeras.errors import UserInputError

X = np.ones((8, 3), "float32")
Y = np.ones((8, 1), "float32")


def records(folder):
    """The records of the only file in a folder, their checksums verified."""
    [path] = folder.iterdir()
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert data[8:12] == _masked_crc(data[:8])
        record, check, data = data[12:][:length], data[12 + length :][:4], data[16 + length :]
        assert check == _masked_crc(record)
        found.append(record)
    return found


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


def curves(folder):
    """Curve -> [(step, value)]."""
    found = {}
    for record in records(folder)[1:]:
        event = dict(fields(record))
        for _, summary in fields(event[5]):
            value = dict(fields(summary))
            found.setdefault(value[1].decode(), []).append((event.get(2, 0), value[2]))
    return found


def model():
    made = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    made.compile(fkeras.optimizers.SGD(0.125), "mse", metrics=["mae"])
    return made


def test_the_checksum_is_castagnolis():
    # RFC 3720, B.4: 32 bytes of zeros.
    crc = 0x8A9136AA
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert _masked_crc(bytes(32)) == struct.pack("<I", masked)


def test_histograms_images_and_texts(tmp_path):
    file = EventFile(tmp_path)
    file.write_histogram("weights", [[1.0, 2.0], [2.0, 4.0]], step=3, buckets=3)
    file.write_images("pictures", [b"one", b"two"], (5, 4, 3), step=4)
    file.write_texts("note", [b"done"], step=5)
    file.close()
    found = {}
    for record in records(tmp_path)[1:]:
        event = dict(fields(record))
        for _, summary in fields(event[5]):
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
    file.close()
    events = accumulators.EventAccumulator(str(tmp_path)).Reload()
    assert [(s.step, s.value) for s in events.Scalars("größe")] == [(300, 0.5)]


def test_what_is_not_written_is_said():
    with pytest.warns(UserWarning, match="histogram_freq, profile_batch without effect"):
        callbacks.TensorBoard(histogram_freq=1, profile_batch=2)
    with pytest.raises(UserInputError, match="update_freq"):
        callbacks.TensorBoard(update_freq="step")
