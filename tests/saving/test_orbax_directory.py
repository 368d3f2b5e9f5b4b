"""The Orbax directory: what Orbax itself reads, what is noticed, what is refused."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import CorruptFileError, SaveError, UnsafeFileError, UserInputError
from fkeras.saving.formats.orbax_directory import INDEX, OrbaxDirectory
from fkeras.saving.record import ModelRecord, record_model, record_weights, with_training
from tests.saving.models import X, Y, dense, with_everything

DATA = pathlib.Path(__file__).parent / "data"

_PLAIN_ORBAX = """
import json, sys
sys.modules["fkeras"] = None  # importing it fails
import orbax.checkpoint as ocp
from flax.traverse_util import flatten_dict
state = ocp.StandardCheckpointer().restore(sys.argv[1])
print(json.dumps({"/".join(k): v.tolist() for k, v in flatten_dict(state).items()}))
"""


def test_orbax_reads_a_whole_train_state_without_fkeras(tmp_path):
    model = with_everything()
    model.save(tmp_path / "model")
    command = [sys.executable, "-W", "ignore", "-c", _PLAIN_ORBAX, tmp_path / "model" / "state"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    state = model.train_state()
    assert found["step"] == 2 and len(found["key"]) == 2
    assert found["params/block/dense/kernel"] == state.params["block"]["dense"]["kernel"].tolist()
    statistics = state.state["block"]["batch_normalization"]
    assert found["state/block/batch_normalization/moving_mean"] == (
        statistics["moving_mean"].tolist()
    )
    slots = state.opt_state["velocity"]["block"]["dense"]["kernel"]
    assert found["opt_state/velocity/block/dense/kernel"] == slots.tolist()
    assert found["opt_state/iteration"] == 2
    assert {"metrics/loss/total", "generators/dropout/seed_generator/state"} <= set(found)


def test_what_orbax_restores_are_the_fields_of_a_train_state(tmp_path):
    import orbax.checkpoint as ocp

    model = dense(compiled=True)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model")
    fields = ocp.StandardCheckpointer().restore(tmp_path / "model" / "state")
    again = dense(compiled=True)
    state = again.train_state().replace(**fields)
    again.set_train_state(state)
    ours, theirs = (m.fit(X, Y, verbose=0).history for m in (model, again))
    assert ours == theirs


def test_what_a_run_remembers_comes_back(tmp_path):
    record = with_training(
        record_weights(dense()), {"epoch": 3, "history": {"loss": [1.5]}}, {"order": np.arange(4)}
    )
    OrbaxDirectory().write(record, tmp_path / "model")
    again = OrbaxDirectory().read(tmp_path / "model")
    assert again.training == record.training
    np.testing.assert_array_equal(again.training_arrays["order"], np.arange(4))


def test_names_that_are_too_long_for_folders_are_no_hindrance(tmp_path):
    names = [f"{'long' * 40}/{letter * 120}" for letter in "ab"]
    weights = {name: np.full((2,), i + 1, "float32") for i, name in enumerate(names)}
    OrbaxDirectory().write(ModelRecord(weights), tmp_path / "model")
    again = OrbaxDirectory().read(tmp_path / "model")
    assert [array.tolist() for array in again.weights.values()] == [[1, 1], [2, 2]]


def test_two_names_that_would_be_one_are_told(tmp_path):
    weights = {"a.b/kernel": np.ones(1), "a/b.kernel": np.ones(1)}
    with pytest.raises(UserInputError, match=r"'params/a/b.kernel' and 'params/a.b/kernel'"):
        OrbaxDirectory().write(ModelRecord(weights), tmp_path / "model")


def test_a_model_of_format_2_goes_on_as_it_did():
    """Its names carry counters of the process that wrote it, and it does not say so."""
    with np.load(DATA / "expected_format_2.npz") as file:
        expected = dict(file)
    model = fkeras.saving.load_model(DATA / "model_format_2")
    x, y = expected["x"], expected["y"]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected["predictions"], rtol=1e-6)
    losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, expected["losses_after"], rtol=1e-5)


# -- damage ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    model = dense(compiled=True)
    record = with_training(record_model(model), {"epoch": 1})
    OrbaxDirectory().write(record, path)
    return path


def content_of(path):
    record = OrbaxDirectory().read(path)
    optimizer = None if record.optimizer is None else record.optimizer.values
    parts = (record.weights, optimizer, record.metrics, record.lifetime, record.trained)
    return repr((record.config, record.training, record.automatic, parts))


def assert_equal_or_refused(path, expected, what):
    try:
        assert content_of(path) == expected, what
    except ValueError as error:
        assert isinstance(error, UserInputError), what
        assert str(path) in str(error), what


def test_what_is_cut_off_or_altered_is_an_error_or_changes_nothing(saved, tmp_path):
    expected = content_of(saved)
    files = [path.relative_to(saved) for path in sorted(saved.rglob("*")) if path.is_file()]
    assert len(files) > 20
    rng = np.random.default_rng(0)
    for name in files:
        whole = (saved / name).read_bytes()
        broken = tmp_path / "broken"
        shutil.copytree(saved, broken)
        changes = [whole[: len(whole) * part // 20] for part in range(20)]
        for bit in rng.integers(0, 8 * len(whole) or 1, 25 if len(whole) > 8 else 8):
            flipped = bytearray(whole or b"\0")
            flipped[bit // 8] ^= 1 << int(bit % 8)
            changes.append(bytes(flipped))
        for i, content in enumerate(changes):
            (broken / name).write_bytes(content)
            assert_equal_or_refused(broken, expected, (name, i))
        (broken / name).unlink()
        assert_equal_or_refused(broken, expected, (name, "gone")) if str(name) != INDEX else None
        shutil.rmtree(broken)


def described(**changes):
    def change(path):
        file = path / "state" / "params.dense.kernel" / ".zarray"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change


def linked(name, target="/etc/hostname"):
    def change(path):
        place = path / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        place.symlink_to(target)

    return change


def indexed(**changes):
    def change(path):
        index = json.loads((path / INDEX).read_text())
        (path / INDEX).write_text(json.dumps({**index, **changes}))
        checksums = json.loads((path / "checksums_0.json").read_text())
        checksums["files"] = {}
        (path / "checksums_0.json").write_text(json.dumps(checksums))

    return change


HOSTILE = [
    (described(shape=[1 << 40], chunks=[1 << 40]), "expected 4398046511104 bytes"),
    (described(shape=[1 << 40, 4], chunks=[1, 1]), "describes no array"),
    (described(shape=[3, -4]), "describes no array"),
    (described(shape="3"), "describes no array"),
    (described(dtype="|O"), "describes no array"),
    (described(compressor={"id": "zstd"}), "describes no array"),
    (described(dtype="<i4"), "not those that were written"),
    (described(shape=[2, 6], chunks=[2, 6]), "bytes|not those that were written"),
    (linked("state/params.dense.kernel/0.0"), "is a link"),
    (linked("state/params.dense.kernel", "/etc"), "is a link"),
    (linked("state", "/etc"), "is a link"),
    (linked("training.json"), "is a link"),
    (linked(INDEX), "is a link"),
    (indexed(weights={"../../../etc/x": "params"}), "not whole|not the path"),
    (indexed(weights={"a//b": "params"}), "not the path"),
    (indexed(weights=3), "damaged"),
    (indexed(empty={"params/dense/kernel": [[1 << 40], "float32"]}), "damaged|Unable to allocate"),
    (indexed(processes=3), "checksums_1.json' is missing"),
    (indexed(format="3"), "has format '3'"),
]


@pytest.mark.parametrize("change, message", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_stranger_may_have_put_there_is_refused(saved, tmp_path, change, message):
    path = tmp_path / "bad"
    shutil.copytree(saved, path)
    change(path)
    model = dense()
    before = model.get_weights()
    with pytest.raises((CorruptFileError, UnsafeFileError, UserInputError), match=message):
        model.load_weights(path)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


# Orbax's own writes that fail together with the first one find nobody waiting for them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_leaves_the_earlier_model_and_says_so(tmp_path, small_files):
    model = fkeras.Sequential([fkeras.Input((64,)), layers.Dense(64)])
    model.save(tmp_path / "model")
    before = content_of(tmp_path / "model")
    with (
        small_files(4096),
        pytest.raises(SaveError, match=r"(?s)model' could not be written.*arge"),
    ):
        model.save(tmp_path / "model")
    assert content_of(tmp_path / "model") == before
    assert os.listdir(tmp_path) == ["model"]
