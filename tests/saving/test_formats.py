"""Records as files and back."""

import dataclasses
import json
import os
import pathlib

import numpy as np
import pytest

import fkeras
from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving import checkpoint
from fkeras.saving.formats import format_at, format_for
from fkeras.saving.formats.hdf5 import LegacyFile, WeightsFile
from fkeras.saving.formats.keras_zip import KerasZip
from fkeras.saving.formats.orbax_directory import FORMAT, INDEX, OrbaxDirectory
from fkeras.saving.formats.safetensors import SafetensorsFile
from fkeras.saving.formats.sharded_hdf5 import ShardedWeights
from fkeras.saving.record import ModelRecord, record_model, record_weights
from tests.saving.models import dense, with_everything

DATA = pathlib.Path(__file__).parent / "data"


def rewritten(path, **changes):
    """Changes entries of the index of a saved model."""
    index = json.loads((path / INDEX).read_text())
    (path / INDEX).write_text(json.dumps({**index, **changes}))


def assert_equal(a, b):
    """Two records hold the same."""
    assert list(a.weights) == list(b.weights)
    for path, array in a.weights.items():
        assert array.dtype == b.weights[path].dtype
        np.testing.assert_array_equal(array, b.weights[path])
    rest = [
        (r.by_position, r.layers, json.dumps(r.config), r.lifetime, dict(r.assets)) for r in (a, b)
    ]
    assert rest[0] == rest[1]


# -- by suffix ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model", "model.v2", "best.model", "weights.01-0.5"])
def test_some_suffixes_are_part_of_the_name_of_a_directory(name):
    assert isinstance(format_for(pathlib.Path(name)), OrbaxDirectory)


@pytest.mark.parametrize("name", ["model.pkl", "model.kears", "model.H5", "model.json", "x.onnx"])
def test_other_suffixes_are_refused(tmp_path, name):
    for write in (dense().save, dense().save_weights):
        with pytest.raises(UserInputError, match="Invalid filepath extension.*'.keras'"):
            write(tmp_path / name)
    assert os.listdir(tmp_path) == []
    with pytest.raises(UserInputError, match="does not exist.*File format not supported"):
        dense().load_weights(tmp_path / name)


SUFFIXES = [
    ("model.keras", KerasZip),
    ("model.weights.h5", WeightsFile),
    ("weights.h5", LegacyFile),
    ("model.h5", LegacyFile),
    ("model.hdf5", LegacyFile),
    ("model.weights.json", ShardedWeights),
    ("model.safetensors", SafetensorsFile),
    ("model.ckpt", OrbaxDirectory),
]


@pytest.mark.parametrize("name, kind", SUFFIXES)
def test_what_is_written_goes_by_the_suffix(name, kind):
    assert type(format_for(pathlib.Path(f"/somewhere/{name}"))) is kind


def test_what_stands_at_a_path_is_known_by_its_content(tmp_path):
    assert format_at(tmp_path) is None and format_at(tmp_path / "nowhere") is None
    (tmp_path / "file").write_text("x")
    assert format_at(tmp_path / "file") is None
    OrbaxDirectory().write(ModelRecord({}), tmp_path / "model.keras")
    assert isinstance(format_at(tmp_path / "model.keras"), OrbaxDirectory)


# -- the Orbax directory -----------------------------------------------------------------------


def test_a_record_comes_back_as_it_was(tmp_path):
    record = record_model(with_everything())
    OrbaxDirectory().write(record, tmp_path / "model")
    again = OrbaxDirectory().read(tmp_path / "model")
    assert_equal(record, again)
    assert again.optimizer.trained == record.optimizer.trained
    for a, b in zip(again.optimizer.values, record.optimizer.values, strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_dtypes_and_sizes_come_back(tmp_path):
    names = ("float32", "float16", "bfloat16", "int8", "int32", "uint32", "bool", "complex64")
    dtypes = {f"a b/{name}": np.dtype(fkeras.ops.zeros((), name).dtype) for name in names}
    weights = {path: np.ones((2, 1), dtype) for path, dtype in dtypes.items()}
    weights |= {"scalar": np.array(3.0, "float32"), "größe/none": np.zeros((0, 4), "float16")}
    record = ModelRecord(weights)
    OrbaxDirectory().write(record, tmp_path / "model")
    assert_equal(OrbaxDirectory().read(tmp_path / "model"), record)


def test_assets_come_back_and_stay_inside(tmp_path):
    record = ModelRecord({}, assets={"tokens/vocabulary.txt": b"a\nb", "empty": b""})
    OrbaxDirectory().write(record, tmp_path / "model")
    assert OrbaxDirectory().read(tmp_path / "model").assets == record.assets
    outside = dataclasses.replace(record, assets={"../../outside.txt": b"x"})
    with pytest.raises(UserInputError):
        OrbaxDirectory().write(outside, tmp_path / "other")
    assert sorted(os.listdir(tmp_path)) == ["model"]


def test_a_failed_write_leaves_the_earlier_model(tmp_path):
    path = tmp_path / "model"
    record = record_weights(dense())
    OrbaxDirectory().write(record, path)
    with pytest.raises(TypeError):
        OrbaxDirectory().write(dataclasses.replace(record, config={"f": object()}), path)
    assert_equal(OrbaxDirectory().read(path), record)
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_no_saved_model_is_not_replaced(tmp_path, kind):
    path = tmp_path / "thesis"
    kept = path if kind == "file" else path / "chapter.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("x")
    with pytest.raises(UserInputError, match="something else than a saved model"):
        OrbaxDirectory().write(ModelRecord({}), path)
    assert kept.read_text() == "x"


def test_an_empty_directory_is_filled(tmp_path):
    OrbaxDirectory().write(ModelRecord({}), tmp_path)
    assert OrbaxDirectory().is_saved_at(tmp_path)


def test_a_newer_format_is_refused(tmp_path):
    OrbaxDirectory().write(ModelRecord({}), tmp_path / "model")
    rewritten(tmp_path / "model", format=FORMAT + 1)
    with pytest.raises(
        UserInputError, match=f"has format {FORMAT + 1}; this release reads up to {FORMAT}"
    ):
        OrbaxDirectory().read(tmp_path / "model")


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_damaged_index_is_named(tmp_path, text):
    OrbaxDirectory().write(ModelRecord({}), tmp_path / "model")
    (tmp_path / "model" / INDEX).write_text(text)
    with pytest.raises(UserInputError, match="fkeras.json' is damaged"):
        OrbaxDirectory().read(tmp_path / "model")


# -- directories of format 1, written by an earlier release -------------------------------------


@pytest.fixture(scope="module")
def expected():
    with np.load(DATA / "expected_format_1.npz") as file:
        return dict(file)


def test_a_model_of_format_1_is_loaded_and_goes_on_as_it_did(expected):
    model = fkeras.saving.load_model(DATA / "model_format_1")
    weights = [expected[f"weight_{i}"] for i in range(8)]
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    x, y = expected["x"], expected["y"]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected["predictions"], rtol=1e-6)
    assert int(model.optimizer.iterations.numpy()) == expected["optimizer_iterations"] == 4
    losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, expected["losses_after"], rtol=1e-5)


def test_weights_of_format_1_are_loaded_by_position(expected):
    record = OrbaxDirectory().read(DATA / "weights_format_1")
    assert record.by_position and record.config is record.optimizer is record.lifetime is None
    assert list(record.weights) == [f"{i:05d}" for i in range(9)]  # a generator's state among them
    model = fkeras.saving.load_model(DATA / "model_format_1", compile=False)
    model.set_weights([w * 0 for w in model.get_weights()])
    checkpoint.load_weights(model, DATA / "weights_format_1")
    np.testing.assert_array_equal(model.get_weights()[0], expected["weight_0"])


def test_weights_of_format_1_need_the_same_number():
    with pytest.raises(UserInputError, match="holds 9 arrays of weights, the model has 4"):
        dense().load_weights(DATA / "weights_format_1", skip_mismatch=True)


# -- the directory form of a `.keras` ------------------------------------------------------------


def test_a_model_goes_through_a_directory_of_what_an_archive_holds(tmp_path):
    model = dense(compiled=True)
    model.save(tmp_path / "model", zipped=False)
    assert sorted(os.listdir(tmp_path / "model")) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]
    again = fkeras.saving.load_model(tmp_path / "model")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text").write_text("x")
    with pytest.raises(UserInputError, match="something else"):
        model.save(tmp_path / "notes", zipped=False)


def test_damaged_weights_in_a_directory_are_noticed(tmp_path):
    dense().save(tmp_path / "model", zipped=False)
    weights = tmp_path / "model" / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CorruptFileError, match="model.weights.h5 is damaged"):
        fkeras.saving.load_model(tmp_path / "model")


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
def test_keras_reads_the_directory_form(keras, tmp_path):
    model = dense()
    model.save(tmp_path / "model", zipped=False)
    again = keras.saving.load_model(tmp_path / "model")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    again.save(tmp_path / "theirs", zipped=False)
    back = fkeras.saving.load_model(tmp_path / "theirs")
    np.testing.assert_array_equal(back.get_weights()[0], model.get_weights()[0])


class Remembering(fkeras.layers.Layer):
    """A layer with a file of its own."""

    word = ""

    def call(self, inputs):
        return inputs

    def save_assets(self, dir_path):
        pathlib.Path(dir_path, "word.txt").write_text(self.word)

    def load_assets(self, dir_path):
        self.word = pathlib.Path(dir_path, "word.txt").read_text()


def test_files_of_layers_are_kept_in_h5(tmp_path):
    model = fkeras.Sequential([fkeras.Input((2,)), Remembering()])
    model.layers[0].word = "é"
    with fkeras.saving.custom_object_scope({"Remembering": Remembering}):
        model.save(tmp_path / "model.h5")
        assert fkeras.saving.load_model(tmp_path / "model.h5").layers[0].word == "é"
