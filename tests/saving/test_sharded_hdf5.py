"""`.weights.json`: weights in several files, which belong together."""

import json
import os
import zlib

import numpy as np
import pytest

import fkeras
from fkeras.errors import CorruptFileError, UnsafeFileError, UserInputError
from fkeras.saving.formats.sharded_hdf5 import ShardedWeights
from fkeras.saving.record import ModelRecord
from tests.saving.models import X, Y, dense

SMALL = 48 / 1024**3  # one array in each file


@pytest.fixture
def saved(tmp_path):
    model = dense(units=(4, 4))
    model.save_weights(tmp_path / "model.weights.json", max_shard_size=80 / 1024**3)
    return model, tmp_path / "model.weights.json"


def edited(path, change):
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))


def assert_same(a, b):
    for ours, theirs in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_layer_may_reach_over_files(saved):
    model, path = saved
    names = sorted(os.listdir(path.parent))
    assert names == ["model.weights.json", *(f"model_0000{i}.weights.h5" for i in range(2))]
    weight_map = json.loads(path.read_text())["weight_map"]
    assert weight_map["/layers/dense/vars"] == names[1]
    assert weight_map["/layers/dense_1/vars"] == names[2]
    again = dense(units=(4, 4))
    again.load_weights(path)
    assert_same(again, model)


@pytest.mark.parametrize("size", [1, 0.5, SMALL])
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
def test_sharded_weights_go_both_ways(keras, tmp_path, size):
    def make(K):
        model = K.Sequential([K.Input((3,)), K.layers.Dense(3), K.layers.Dense(1)])
        model.compile("adam", "mse")
        model.train_on_batch(X, Y)
        return model

    ours, theirs = make(fkeras), make(keras)
    ours.save_weights(tmp_path / "ours.weights.json", max_shard_size=size)
    theirs.load_weights(tmp_path / "ours.weights.json")
    assert_same(theirs, ours)
    other = make(keras)
    other.save_weights(tmp_path / "theirs.weights.json", max_shard_size=size)
    ours.load_weights(tmp_path / "theirs.weights.json")
    assert_same(ours, other)
    for a, b in zip(ours.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_a_set_is_replaced_as_a_whole(keras, tmp_path):
    path = tmp_path / "model.weights.json"
    for size in (SMALL, 1, SMALL):
        model = dense()
        model.save_weights(path, max_shard_size=size)
        again, theirs = dense(), keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
        theirs.add(keras.layers.Dense(1))
        for reader in (again, theirs):
            reader.load_weights(path)
            assert_same(reader, model)
        named = set(json.dumps(json.loads(path.read_text())["weight_map"]).split('"'))
        left = {name for name in os.listdir(tmp_path) if name.endswith(".h5")} - named
        assert left <= {"model_00000.weights.h5"}  # which Keras opens in any case


def test_a_failed_write_leaves_the_earlier_set(saved, monkeypatch):
    model, path = saved
    before = sorted(os.listdir(path.parent))
    monkeypatch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        dense(units=(4, 4)).save_weights(path)
    assert sorted(os.listdir(path.parent)) == before
    monkeypatch.undo()
    again = dense(units=(4, 4))
    again.load_weights(path)
    assert_same(again, model)


def test_files_of_others_are_not_deleted(saved):
    _, path = saved
    thesis = path.parent / "thesis.weights.h5"
    thesis.write_text("x")
    edited(path, lambda index: index["weight_map"].update(x="thesis.weights.h5"))
    dense(units=(4, 4)).save_weights(path)
    assert thesis.read_text() == "x"


@pytest.mark.parametrize("size", [0, -1, float("nan"), True, "1GB"])
def test_sizes_that_are_none(tmp_path, size):
    with pytest.raises(UserInputError, match="max_shard_size"):
        dense().save_weights(tmp_path / "model.weights.json", max_shard_size=size)


def test_an_array_larger_than_a_file_may_be(tmp_path):
    with pytest.raises(UserInputError, match="exceeds the maximum shard size of 16 bytes"):
        dense().save_weights(tmp_path / "model.weights.json", max_shard_size=16 / 1024**3)
    assert os.listdir(tmp_path) == []


def test_other_names(tmp_path):
    with pytest.warns(UserWarning, match="'model.weights.json' is written"):
        dense().save_weights(tmp_path / "model.weights.h5", max_shard_size=1)
    assert (tmp_path / "model.weights.json").exists()
    with pytest.raises(UserInputError, match="must end in `.weights.json`"):
        dense().save_weights(tmp_path / "model.keras", max_shard_size=1)
    with pytest.raises(UserInputError, match="exists already"):
        dense().save_weights(tmp_path / "model.weights.json", overwrite=False)


NAMES = ["../x.h5", "/x.h5", "..", "a/b.h5", "C:x.h5", "a\\b.h5", "http://x/y.h5", "link.h5"]


@pytest.mark.parametrize("name", NAMES)
def test_an_index_names_files_beside_it_only(saved, name):
    _, path = saved
    os.symlink("/etc/hostname", path.parent / "link.h5")
    edited(path, lambda index: index["weight_map"].update({"/layers/dense/vars": name}))
    with pytest.raises(UnsafeFileError, match="model.weights.json' is refused"):
        dense(units=(4, 4)).load_weights(path)


PLACE = "/layers/dense/vars"
CHANGES = [
    (lambda index: index.update(weight_map=[]), "no JSON object"),
    (lambda index: index["weight_map"].update({PLACE: 7}), "no name of a file"),
    (lambda index: index["weight_map"].update({PLACE: "nowhere.h5"}), "is missing"),
    (lambda index: index["weight_map"].pop(PLACE), "says that"),
    (lambda index: index["weight_map"].update({PLACE: "model_00001.weights.h5"}), "says that"),
    (lambda index: index["metadata"]["fkeras"].update({"model_00000.weights.h5": ""}), "not the"),
]


@pytest.mark.parametrize("change, message", CHANGES)
def test_an_index_that_does_not_fit_its_files(saved, change, message):
    _, path = saved
    edited(path, change)
    with pytest.raises(CorruptFileError, match=message):
        dense(units=(4, 4)).load_weights(path)


def test_a_part_of_another_set_is_noticed(saved):
    _, path = saved
    dense(units=(4, 4)).save_weights(path.parent / "b.weights.json", max_shard_size=80 / 1024**3)
    os.replace(path.parent / "b_00001.weights.h5", path.parent / "model_00001.weights.h5")
    with pytest.raises(CorruptFileError, match="not the file that was written with it"):
        dense(units=(4, 4)).load_weights(path)


def test_an_array_in_two_files(saved):
    _, path = saved
    first, second = (path.parent / f"model_0000{i}.weights.h5" for i in range(2))
    second.write_bytes(first.read_bytes())
    edited(path, lambda index: index["metadata"].pop("fkeras"))
    names = [first.name, second.name]
    edited(path, lambda index: index.update(weight_map={PLACE: names}))
    with pytest.raises(CorruptFileError, match="two files hold 'layers/dense/vars/0'"):
        dense(units=(4, 4)).load_weights(path)


def test_other_json_is_no_index(tmp_path):
    (tmp_path / "x.json").write_text('{"metadata": {}}')
    assert not ShardedWeights().is_saved_at(tmp_path / "x.json")
    ShardedWeights().write(ModelRecord({}, stores={}), tmp_path / "x.weights.json")
    assert ShardedWeights().is_saved_at(tmp_path / "x.weights.json")
    assert ShardedWeights().read(tmp_path / "x.weights.json").stores == {}


def test_checksums_are_of_whole_files(saved):
    _, path = saved
    for name, checksum in json.loads(path.read_text())["metadata"]["fkeras"].items():
        assert checksum == f"{zlib.crc32((path.parent / name).read_bytes()):08x}"
