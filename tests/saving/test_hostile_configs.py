"""Configs and states that were made to mislead: refused before anything is made of them."""

import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import fkeras
from fkeras import layers, saving
from fkeras.errors import UserInputError
from tests.saving.models import X, Y, dense


@pytest.fixture
def edited(tmp_path):
    """A function that saves a model and changes its config: `edited(model, change)` -> path."""

    def edit(model, change, add=()):
        model.save(tmp_path / "good.keras")
        path = tmp_path / "bad.keras"
        with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(path, "w") as bad:
            for name in good.namelist():
                content = good.read(name)
                if name == "config.json":
                    config = json.loads(content)
                    change(config)
                    content = json.dumps(config)
                bad.writestr(name, content)
            for name, content in add:
                bad.writestr(name, content)
        return path

    return edit


def graph():
    x = fkeras.Input((3,), name="x")
    hidden = layers.Dense(2, name="first")(x)
    return fkeras.Model(x, layers.Dense(1, name="second")(hidden))


def inbound(config, name):
    (layer,) = (layer for layer in config["config"]["layers"] if layer["name"] == name)
    return layer["inbound_nodes"]


def history(config, name):
    return inbound(config, name)[0]["args"][0]["config"]["keras_history"]


GRAPHS = [
    ("a layer that is its own input", lambda c: history(c, "first").__setitem__(0, "first")),
    ("two that wait for each other", lambda c: history(c, "first").__setitem__(0, "second")),
    ("a layer that is not there", lambda c: history(c, "first").__setitem__(0, "nowhere")),
    ("a call that never was", lambda c: history(c, "second").__setitem__(1, 7)),
    ("an output that is not there", lambda c: history(c, "second").__setitem__(2, 7)),
    ("a number below zero", lambda c: history(c, "second").__setitem__(1, -7)),
    ("no layers", lambda c: c["config"].update(layers=[])),
    ("layers in a dict", lambda c: c["config"].update(layers={"a": 1})),
    ("no outputs", lambda c: c["config"].update(output_layers=[["nowhere", 0, 0]])),
    ("nodes that are none", lambda c: inbound(c, "first").__setitem__(0, 3)),
    ("two layers of one name", lambda c: c["config"]["layers"][2]["config"].update(name="first")),
]


@pytest.mark.parametrize("what, change", GRAPHS, ids=[what for what, _ in GRAPHS])
def test_graphs_that_make_no_sense(edited, what, change):
    path = edited(graph(), change)
    with pytest.raises(ValueError, match=r"bad\.keras") as caught:
        saving.load_model(path)
    assert isinstance(caught.value, UserInputError) and len(str(caught.value)) < 3000


def reader_of(secret, kind):
    key = "filepath" if kind == "TFSMLayer" else "vocabulary"
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": "reader", key: secret},
        "registered_name": None,
    }


KINDS = ["TFSMLayer", "StringLookup", "IntegerLookup", "TextVectorization"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["file", "http://127.0.0.1:9/x"])
def test_layers_that_would_read_files_or_addresses(edited, tmp_path, monkeypatch, kind, place):
    """No vocabulary comes from a path that a file names, whatever layers there are."""
    (tmp_path / "secret.txt").write_text("the secret\n")
    secret = str(tmp_path / "secret.txt") if place == "file" else place
    opened = []
    monkeypatch.setattr("socket.socket.connect", lambda *args: opened.append(args))
    path = edited(dense(), lambda c: c["config"]["layers"].append(reader_of(secret, kind)))
    with pytest.raises(ValueError) as caught:
        saving.load_model(path)
    assert "the secret" not in str(caught.value) and not opened


def test_a_directory_of_pickles_is_no_model(tmp_path):
    (tmp_path / "model").mkdir()
    for name in ("model.pkl", "model.npz", "config.pkl"):
        (tmp_path / "model" / name).write_bytes(b"\x80\x04N.")
    with pytest.raises(UserInputError, match="is not a saved model"):
        saving.load_model(tmp_path / "model")


def test_something_behind_the_archive_is_an_error_or_without_effect(tmp_path):
    model = dense()
    model.save(tmp_path / "model.keras")
    content = (tmp_path / "model.keras").read_bytes()
    for junk in (b"\0" * 64, b"\n#!/bin/sh\n"):
        (tmp_path / "model.keras").write_bytes(content + junk)
        try:
            again = saving.load_model(tmp_path / "model.keras")
        except UserInputError:
            continue
        np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def set_state(path, change):
    content = path.read_bytes()
    path.write_bytes(content.rpartition(b"fkeras3\n")[0])  # without the seal
    with h5py.File(path, "r+") as file:
        change(file["optimizer/vars"])


STATES = [
    ("a slot of another shape", lambda g: (g.pop("2"), g.create_dataset("2", data=np.zeros(3)))),
    ("a slot too few", lambda g: g.pop("5")),
    ("a slot too many", lambda g: g.create_dataset("99", data=np.zeros(3))),
    ("complex numbers", lambda g: (g.pop("2"), g.create_dataset("2", data=np.zeros((3, 4), "c8")))),
]


@pytest.mark.parametrize("what, change", STATES, ids=[what for what, _ in STATES])
def test_states_of_other_optimizers_are_not_taken(tmp_path, what, change):
    model = dense(compiled=True)
    model.train_on_batch(X, Y)
    model.save_weights(tmp_path / "x.weights.h5")
    before = [np.asarray(v) for v in model.optimizer.variables]
    set_state(tmp_path / "x.weights.h5", change)
    with pytest.warns(UserWarning, match="only weights are loaded"):
        model.load_weights(tmp_path / "x.weights.h5")
    for a, b in zip(before, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_scalar_where_a_matrix_should_be(tmp_path):
    dense().save_weights(tmp_path / "x.weights.h5")
    content = (tmp_path / "x.weights.h5").read_bytes()
    (tmp_path / "x.weights.h5").write_bytes(content.rpartition(b"fkeras3\n")[0])
    with h5py.File(tmp_path / "x.weights.h5", "r+") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.float32(1)
    with pytest.raises(UserInputError, match=r"file \(\), model \(3, 4\)"):
        dense().load_weights(tmp_path / "x.weights.h5")


WRITES = ["x.keras", "x.h5", "x.weights.h5", "x.weights.json", "x"]


@pytest.mark.parametrize("name", WRITES)
def test_a_place_that_cannot_be_written_is_the_systems_error(tmp_path, name):
    (tmp_path / "file").write_text("x")
    model = dense()
    save = model.save_weights if "weights" in name else model.save
    with pytest.raises(OSError):
        save(tmp_path / "file" / name)
    assert os.listdir(tmp_path) == ["file"]
