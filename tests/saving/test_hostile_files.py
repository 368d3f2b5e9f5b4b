"""Files from strangers: refused with an error of ours, and nothing else happens.

What would be code makes a marker file; none may ever be there.
"""

import base64
import io
import json
import marshal
import os
import pickle
import socket
import struct
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

import fkeras
from fkeras import errors, layers, saving

OURS = (
    errors.UnsafeFileError,
    errors.CorruptFileError,
    errors.IncompatibleFileError,
    errors.UnknownNameError,
    errors.UserInputError,
)


def model():
    made = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(8), layers.Dense(3)])
    made.compile("adam", "mse")
    return made


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with good files; no socket opens, and no marker appears in it."""

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    made = model()
    made.save(tmp_path / "good.keras")
    made.save(tmp_path / "good.h5")
    made.save_weights(tmp_path / "good.weights.h5")
    (tmp_path / "secret.txt").write_text("the secret")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not (tmp_path / "marker").exists()
    known = {"good.keras", "good.h5", "good.weights.h5", "secret.txt", "bad"}
    assert {name for name in os.listdir(tmp_path) if not name.startswith("bad")} <= known


def refuses(path, load=saving.load_model, kinds=OURS):
    """The message with which a file is refused, in bounded memory."""
    tracemalloc.start()
    try:
        with pytest.raises(kinds) as caught:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    size = os.path.getsize(path) if os.path.isfile(path) else 0
    assert peak < (256 << 20) + 3 * size
    assert os.path.basename(path) in message and "the secret" not in message
    assert isinstance(caught.value, ValueError)
    return message


def refuses_weights(path):
    target = model()
    before = target.get_weights()
    message = refuses(path, target.load_weights)
    for a, b in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    return message


def edited_zip(place, *, config=None, drop=(), add=(), metadata=None, weights=None):
    """The good archive with changes, as `bad.keras`."""
    path = place / "bad.keras"
    with zipfile.ZipFile(place / "good.keras") as good, zipfile.ZipFile(path, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            if name == "config.json" and config is not None:
                entry = json.loads(content)
                content = config(entry) or json.dumps(entry)
            if name == "metadata.json" and metadata is not None:
                content = json.dumps({**json.loads(content), **metadata})
            if name == "model.weights.h5" and weights is not None:
                content = edited_h5(content, weights)
            if name not in drop:
                bad.writestr(name, content)
        for name, content in add:
            bad.writestr(name, content)
    return path


def edited_h5(content, change):
    memory = io.BytesIO(content.rpartition(b"fkeras\r\n")[0] or content)  # without the seal
    with h5py.File(memory, "r+") as file:
        change(file)
    return memory.getvalue()


def bad_weights(place, change):
    path = place / "bad.weights.h5"
    path.write_bytes(edited_h5((place / "good.weights.h5").read_bytes(), change))
    return path


def payload():
    code = compile("open('marker', 'w').close()", "x", "eval")
    return base64.b64encode(marshal.dumps(code)).decode()


def lambda_config():
    return {
        "class_name": "__lambda__",
        "config": {"code": payload(), "defaults": None, "closure": None},
    }


def function_config(module, name):
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


# -- code --------------------------------------------------------------------------------------

LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
FUNCTIONS = [
    lambda_config(),
    function_config("builtins", "eval"),
    function_config("numpy", "load"),
    function_config("keras.saving", "load_model"),
    function_config("keras.utils", "get_file"),
    function_config("keras.config", "enable_unsafe_deserialization"),
    function_config("os", "system"),
    {"module": "os", "class_name": "system", "config": {}, "registered_name": None},
    {"module": "subprocess", "class_name": "Popen", "config": {}, "registered_name": None},
    "eval",
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
@pytest.mark.parametrize("slot", ["lambda", "activation", "kernel_initializer", "loss", "metrics"])
def test_configs_name_no_code(place, function, slot):
    def change(entry):
        stack = entry["config"]["layers"]
        if slot == "lambda":
            config = {"name": "code", "function": function, "arguments": {}}
            stack.append({**LAMBDA, "config": config})
        elif slot in ("activation", "kernel_initializer"):
            stack[1]["config"][slot] = function
        else:
            entry["compile_config"][slot] = [function] if slot == "metrics" else function

    refuses(edited_zip(place, config=change))


@pytest.mark.parametrize("old_style", [False, True])
def test_lambdas_in_h5_files_are_refused(place, old_style):
    path = place / "bad.h5"
    content = (place / "good.h5").read_bytes()

    def change(file):
        entry = json.loads(file.attrs["model_config"])
        function = [payload(), None, None] if old_style else lambda_config()
        config = {"name": "code", "function": function, "function_type": "lambda"}
        layer = {"class_name": "Lambda", "config": config}
        entry["config"]["layers"].append(layer)
        file.attrs["model_config"] = json.dumps(entry)

    path.write_bytes(edited_h5(content, change))
    assert "safe_mode=False" in refuses(path)


def test_safe_mode_holds_behind_every_door():
    config = {**LAMBDA, "config": {"name": "code", "function": lambda_config()}}
    for read in (layers.deserialize, saving.deserialize_keras_object):
        with pytest.raises(errors.UnsafeFileError, match="safe_mode"):
            read(config)
    with pytest.raises(errors.UnsafeFileError, match="safe_mode"):
        layers.Lambda.from_config(config["config"])


class Opens:
    def __reduce__(self):
        return open, ("marker", "w")


def test_pickles_are_not_read(place):
    path = place / "bad.keras"
    path.write_bytes(pickle.dumps(Opens()))
    assert "cut off" in refuses(path)
    np.savez(place / "bad.npz", np.array([Opens()], object))
    os.rename(place / "bad.npz", path)
    refuses(path)


# -- elsewhere ---------------------------------------------------------------------------------


def external_link(file):
    del file["layers/dense"]
    file["layers/dense"] = h5py.ExternalLink("good.weights.h5", "/layers/dense")


def external_link_at_the_root(file):
    del file["layers"]
    file["layers"] = h5py.ExternalLink("good.weights.h5", "/layers")


def soft_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.SoftLink("/layers/dense_1/vars/0")


def dangling_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.SoftLink("/nowhere")


def external_array(file):
    del file["layers/dense/vars/1"]
    outside = [("secret.txt", 0, 32)]
    file.create_dataset("layers/dense/vars/1", (8,), "float32", external=outside)


def virtual_array(file):
    del file["layers/dense/vars/1"]
    layout = h5py.VirtualLayout((8,), "float32")
    layout[:] = h5py.VirtualSource("good.weights.h5", "layers/dense/vars/1", (8,), "float32")
    file.create_virtual_dataset("layers/dense/vars/1", layout)


LINKS = [
    external_link,
    external_link_at_the_root,
    soft_link,
    dangling_link,
    external_array,
    virtual_array,
]


@pytest.mark.parametrize("change", LINKS)
def test_hdf5_reaches_nowhere_else(place, change):
    assert "do not trust" in refuses_weights(bad_weights(place, change))
    assert "do not trust" in refuses(edited_zip(place, weights=change))


@pytest.mark.parametrize("change", [external_link, soft_link])
def test_links_in_the_older_layout_are_refused(place, change):
    def moved(file):
        group = file["model_weights"]
        del group["dense"]
        other = "/model_weights/dense_1"
        external = change is external_link
        group["dense"] = h5py.ExternalLink("good.h5", other) if external else h5py.SoftLink(other)

    path = place / "bad.h5"
    path.write_bytes(edited_h5((place / "good.h5").read_bytes(), moved))
    refuses(path)
    refuses_weights(path)


NAMES = ["../x", "/x", "assets/../../x", "assets\\..\\x", "C:x", "assets/C:x", "x.txt", "a/b"]


@pytest.mark.parametrize("name", NAMES)
def test_members_stay_in_the_archive(place, name):
    assert "no member" in refuses(edited_zip(place, add=[(name, "x")]))


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".", "x" * 10_000, "{0.__class__}", "a\0b"])
def test_names_of_layers_do_no_harm(place, name):
    def change(entry):
        entry["config"]["layers"][1]["config"]["name"] = name

    path = edited_zip(place, config=change)
    try:
        saving.load_model(path)
    except OURS as error:
        assert len(str(error).splitlines()) < 30


def test_links_in_a_directory_are_refused(place):
    model().save(place / "bad", zipped=False)
    os.remove(place / "bad" / "model.weights.h5")
    os.symlink(place / "secret.txt", place / "bad" / "model.weights.h5")
    assert "link" in refuses(place / "bad")


# -- size --------------------------------------------------------------------------------------


def bomb(size, count=1):
    def change(file):
        del file["layers/dense/vars/0"]
        for i in range(count):
            chunks = (min(size, 1 << 20),)
            file.create_dataset(f"layers/dense/vars/{i or 0}_", (size,), "float32", chunks=chunks)
        file.move("layers/dense/vars/0_", "layers/dense/vars/0")

    return change


@pytest.mark.parametrize("size, count", [(1 << 40, 1), (3 << 28, 1), (1 << 21, 200)])
def test_arrays_that_are_declared_and_not_stored(place, size, count):
    assert "bytes" in refuses_weights(bad_weights(place, bomb(size, count)))


def test_a_member_that_would_grow(place):
    path = edited_zip(place)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/x", bytes(64 << 20))
    assert "would take" in refuses(path)


@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, '{"a":[' * 150 + "]}" * 150, "[]", "null", "{"]
)
def test_json_that_is_no_config(place, text):
    refuses(edited_zip(place, config=lambda entry: text))


def test_a_config_cannot_ask_for_more_than_the_file_holds(place):
    def change(entry):
        for layer in entry["config"]["layers"][1:]:
            layer["config"]["units"] = 10**7
            layer["build_config"] = {}

    assert "not fit" in refuses(edited_zip(place, config=change))


def test_more_members_than_any_model_has(place, monkeypatch):
    from fkeras.saving.formats import keras_zip

    monkeypatch.setattr(keras_zip, "_MAX_MEMBERS", 50)
    assert "members" in refuses(edited_zip(place, add=[(f"assets/{i}", "") for i in range(60)]))


def test_groups_in_each_other_without_end(place):
    def change(file):
        file["layers/dense/again"] = file["layers"]  # a hard link to what it is in

    assert "deep" in refuses_weights(bad_weights(place, change))


# -- broken ------------------------------------------------------------------------------------

DTYPES = ["complex64", "int8", "bool", "S4", [("a", "f4")]]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_arrays_of_other_kinds(place, dtype):
    def change(file):
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = np.zeros(8, dtype)

    refuses_weights(bad_weights(place, change))


def test_a_matrix_with_its_axes_changed(place):
    def change(file):
        value = file["layers/dense/vars/0"][:].T
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = value

    assert "file (8, 4), model (4, 8)" in refuses_weights(bad_weights(place, change))


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_missing_members(place, name):
    assert name in refuses(edited_zip(place, drop=[name]))


NEWER = [{"keras_version": "99.0.0"}, {"fkeras": {"format": 999}}, {"fkeras": {"format": "x"}}]


@pytest.mark.parametrize("metadata", NEWER)
def test_files_of_releases_to_come(place, metadata):
    path = edited_zip(place, metadata=metadata)
    refuses(path, kinds=(errors.IncompatibleFileError,))


def test_two_members_of_one_name(place):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = edited_zip(place, add=[("config.json", "{}")])
    assert "two members" in refuses(path)


def test_something_in_front_of_the_archive(place):
    path = place / "bad.keras"
    path.write_bytes(b"#!/bin/sh\n" + (place / "good.keras").read_bytes())
    refuses(path)
    with zipfile.ZipFile(place / "good.keras") as archive:
        start = archive.infolist()[0].header_offset
    path.write_bytes(b"PK\x03\x04" + bytes(96) + (place / "good.keras").read_bytes()[start:])
    refuses(path)


@pytest.mark.parametrize("name", ["bad.keras", "bad.h5", "bad.weights.h5"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", bytes(99)])
def test_what_is_no_file_of_ours(place, name, content):
    (place / name).write_bytes(content)
    message = refuses(place / name)
    assert f"{len(content)} bytes" in message or "damaged" in message
    refuses_weights(place / name)


def test_pipes_and_devices_are_not_read(place):
    os.mkfifo(place / "bad.keras")
    refuses(place / "bad.keras")
    refuses("/dev/zero")


CONFIGS = [
    lambda stack: stack[1].update(class_name="Unknown"),
    lambda stack: stack[1]["config"].update(units=-3),
    lambda stack: stack[1]["config"].update(dtype="O"),
    lambda stack: stack[1].update(config=None),
    lambda stack: stack[2]["config"].update(name=stack[1]["config"]["name"]),
    lambda stack: stack.clear(),
    lambda stack: stack.append(7),
]


@pytest.mark.parametrize("change", CONFIGS)
def test_configs_that_make_no_sense(place, change):
    refuses(edited_zip(place, config=lambda entry: change(entry["config"]["layers"])))


def same_as(path, good):
    """Whether a file gives just what the good one gives, or is refused."""
    try:
        record = saving.load_model(path)
    except OURS:
        return True
    pairs = zip(record.get_weights(), good.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", ["good.keras", "good.h5"])
def test_a_file_that_is_cut_off_is_refused(place, name):
    content = (place / name).read_bytes()
    bad = place / f"bad{name[4:]}"
    for percent in range(5, 100, 5):
        bad.write_bytes(content[: len(content) * percent // 100])
        refuses(bad)


@pytest.mark.parametrize("name", ["good.keras", "good.h5", "good.weights.h5"])
def test_a_flipped_bit_is_an_error_or_without_effect(place, name):
    content = (place / name).read_bytes()
    bad, random = place / f"bad{name[4:]}", np.random.default_rng(0)
    good = saving.load_model(place / "good.keras")
    for position in random.integers(0, len(content), 48):
        changed = bytearray(content)
        changed[position] ^= 1 << int(random.integers(8))
        bad.write_bytes(changed)
        if name == "good.weights.h5":
            target = model()
            before = target.get_weights()
            try:
                target.load_weights(bad)
                before = good.get_weights()
            except OURS:
                pass
            pairs = zip(target.get_weights(), before, strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs), position
        else:
            assert same_as(bad, good), position


def test_lengths_that_lie(place):
    path = place / "bad.keras"
    content = bytearray((place / "good.keras").read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", 1 << 31)
    path.write_bytes(content)
    refuses(path)
