"""Files that were cut off or altered, in every format: an error, or just what was written."""

import shutil

import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError
from tests.saving.models import dense

# Name -> what is damaged; the formats of whole models that fit into one file are in
# `test_hostile_files`.
FILES = {
    "model.weights.h5": "model.weights.h5",
    "index of model.weights.json": "model.weights.json",
    "part of model.weights.json": "model_00001.weights.h5",
    "model.safetensors": "model.safetensors",
    "weights of a directory": "directory/model.weights.h5",
    "config of a directory": "directory/config.json",
    "metadata of a directory": "directory/metadata.json",
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a model in each format, and its weights."""
    folder = tmp_path_factory.mktemp("saved")
    model = dense()
    model.save_weights(folder / "model.weights.h5")
    model.save_weights(folder / "model.weights.json", max_shard_size=48 / 1024**3)
    model.save(folder / "directory", zipped=False)
    try:
        model.save_weights(folder / "model.safetensors")
    except ImportError:
        pass
    return folder, model.get_weights()


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of the folder to damage."""
    shutil.copytree(saved[0], tmp_path / "copy")
    return tmp_path / "copy"


def load(folder, file):
    """The weights that a damaged file gives; None where it is refused and nothing was set."""
    whole = folder / ("model.weights.json" if file.startswith("model_") else file.split("/")[0])
    target = dense()
    before = target.get_weights()
    try:
        if file.startswith("directory"):
            return fkeras.saving.load_model(whole).get_weights()
        target.load_weights(whole)
    except UserInputError as error:
        assert whole.name in str(error) and len(str(error).splitlines()) < 20
        for a, b in zip(target.get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)
        return None
    return target.get_weights()


def skip_if_missing(folder, file):
    if not (folder / file).exists():
        pytest.skip("safetensors is not installed")


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_that_is_cut_off_is_refused(copy, file):
    skip_if_missing(copy, file)
    content = (copy / file).read_bytes()
    for percent in range(0, 100, 5):
        (copy / file).write_bytes(content[: len(content) * percent // 100])
        assert load(copy, file) is None, percent


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_flipped_bit_is_an_error_or_without_effect(saved, copy, file):
    skip_if_missing(copy, file)
    content, random = (copy / file).read_bytes(), np.random.default_rng(0)
    for position in random.integers(0, len(content), 40):
        changed = bytearray(content)
        changed[position] ^= 1 << int(random.integers(8))
        (copy / file).write_bytes(changed)
        weights = load(copy, file)
        if weights is not None:
            for a, b in zip(weights, saved[1], strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_directory_without_one_of_its_files_is_refused(copy, name):
    (copy / "directory" / name).unlink()
    with pytest.raises(UserInputError, match="directory"):
        fkeras.saving.load_model(copy / "directory")


def test_a_part_that_is_missing_is_named(copy):
    (copy / "model_00001.weights.h5").unlink()
    with pytest.raises(UserInputError, match="'model_00001.weights.h5' that it names is missing"):
        dense().load_weights(copy / "model.weights.json")
