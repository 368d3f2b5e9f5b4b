"""Models that begin with strings: files of Keras on TensorFlow, and files that Keras can read."""

import importlib.util
import json
import pathlib
import zipfile

import h5py
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError

DATA = pathlib.Path(__file__).parent / "data"
PREDICTIONS = json.loads((DATA / "text_models.json").read_text())

_spec = importlib.util.spec_from_file_location("text_cases", DATA.parent / "text_cases.py")
text_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(text_cases)


def inputs_of(name):
    inputs = text_cases.MODEL_INPUTS[name]
    if isinstance(inputs, dict):
        return {key: np.array(column) for key, column in inputs.items()}
    return np.array(inputs)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_models_of_keras_predict_what_they_did_there(name):
    model = fkeras.saving.load_model(DATA / f"{name}.keras")
    outputs = model.predict(inputs_of(name), verbose=0)
    np.testing.assert_allclose(outputs, PREDICTIONS[name], rtol=1e-5, atol=1e-6)


def values_of(path):
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda key, x: found.update({key: x[()]} if hasattr(x, "shape") else {}))
    return found


@pytest.mark.parametrize("suffix", [".keras", "", ".h5"], ids=["keras", "directory", "h5"])
@pytest.mark.parametrize("name", PREDICTIONS)
def test_what_is_learnt_comes_back_from_every_kind_of_file(tmp_path, name, suffix):
    model = fkeras.saving.load_model(DATA / f"{name}.keras")
    model.save(tmp_path / f"model{suffix}")
    again = fkeras.saving.load_model(tmp_path / f"model{suffix}")
    inputs = inputs_of(name)
    np.testing.assert_array_equal(
        again.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )


def layers_of(config):
    """Class and config of each layer, without what each library adds by itself."""
    left_out = {"dtype", "name", "batch_shape", "optional"}
    return [
        (layer["class_name"], {k: v for k, v in layer["config"].items() if k not in left_out})
        for layer in config["config"]["layers"]
        if layer["class_name"] != "InputLayer"
    ]


@pytest.mark.parametrize("name", PREDICTIONS)
def test_files_are_laid_out_as_keras_lays_them_out(tmp_path, name):
    model = dict(text_cases.make_models(fkeras))[name]
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as ours:
        with zipfile.ZipFile(DATA / f"{name}.keras") as theirs:
            wanted = set(theirs.namelist())
            extra = {x for x in ours.namelist() if x.endswith("idf_weights.json")}
            assert set(ours.namelist()) - extra == wanted
            for member in wanted:
                if member.startswith("assets/"):
                    assert ours.read(member) == theirs.read(member)
            configs = [json.loads(file.read("config.json")) for file in (ours, theirs)]
            ours.extract("model.weights.h5", tmp_path / "ours")
            theirs.extract("model.weights.h5", tmp_path / "theirs")
    ours, theirs = map(layers_of, configs)
    text_layers = ("TextVectorization", "StringLookup", "IntegerLookup", "Hashing")
    for (kind, our_config), (their_kind, their_config) in zip(ours, theirs, strict=True):
        assert kind == their_kind
        if kind in text_layers:
            assert our_config == their_config
    ours, theirs = (values_of(tmp_path / x / "model.weights.h5") for x in ("ours", "theirs"))
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    for key in ours:
        if key.endswith("idf_weights"):
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-6)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_a_clone_knows_what_its_model_has_learnt(name):
    model = fkeras.saving.load_model(DATA / f"{name}.keras")
    clone = fkeras.models.clone_model(fkeras.models.clone_model(model))
    clone.set_weights(model.get_weights())
    inputs = inputs_of(name)
    np.testing.assert_array_equal(
        clone.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )
    assert "learnt" not in clone.to_json()


def test_a_clone_may_learn_anew_and_keeps_it_in_files(tmp_path):
    vectorize = layers.TextVectorization(output_sequence_length=2)
    model = fkeras.Sequential([fkeras.Input((), dtype="string"), vectorize])
    vectorize.adapt(["a b"])
    clone = fkeras.models.clone_model(model)
    clone.layers[0].adapt(["c"])
    clone.save(tmp_path / "clone.keras")
    again = fkeras.saving.load_model(tmp_path / "clone.keras")
    for one, learnt in ((model, ["b", "a"]), (clone, ["c"]), (again, ["c"])):
        assert one.layers[0].get_vocabulary()[2:] == learnt


def test_a_vocabulary_that_was_set_is_the_one_that_a_file_has(tmp_path):
    """Also where the constructor was given another one, which Keras's files have."""
    layer = layers.StringLookup(vocabulary=["a", "b"])
    layer.set_vocabulary(["c"])
    fkeras.Sequential([fkeras.Input((), dtype="string"), layer]).save(tmp_path / "model.keras")
    again = fkeras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].get_vocabulary() == ["[UNK]", "c"]


def test_what_has_no_vocabulary_is_called_by_its_own_name():
    model = fkeras.Sequential([layers.TextVectorization(name="words"), layers.Embedding(9, 2)])
    with pytest.raises(NotBuiltError, match="TextVectorization 'words' has no vocabulary yet"):
        model.predict(np.array(["a"]), verbose=0)
