"""The data sets, from made files that a server on this computer has, against Keras's functions."""

import dataclasses
import gzip
import hashlib
import importlib
import io
import json
import pathlib
import pickle
import re
import tarfile

import numpy as np
import pytest

import fkeras
from fkeras.datasets import sources
from fkeras.errors import CorruptFileError, DownloadError, UnsafeFileError, UserInputError

RANDOM = np.random.default_rng(3)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def texts(count):
    lists = np.empty(count, object)
    lists[:] = [RANDOM.integers(1, 40, RANDOM.integers(2, 12)).tolist() for _ in range(count)]
    return lists


def images(count):
    return RANDOM.integers(0, 256, (count, 28, 28)).astype(np.uint8)


def cifar(**files):
    """An archive of pickles as Python 2 wrote them."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, (rows, keys) in files.items():
            pixels = RANDOM.integers(0, 256, (rows, 3072)).astype(np.uint8)
            batch = {key.encode(): RANDOM.integers(0, 10, rows).tolist() for key in keys}
            data = pickle.dumps({b"data": pixels, **batch}, protocol=3)
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def idx(array, header):
    return gzip.compress(bytes(header) + array.tobytes())


FILES = {
    "boston_housing": npz(x=RANDOM.normal(size=(11, 13)), y=RANDOM.normal(size=11)),
    "california_housing": npz(x=RANDOM.normal(size=(700, 8)), y=RANDOM.normal(size=700)),
    "cifar10": cifar(
        **{f"cifar-10-batches-py__data_batch_{i}": (2, ["labels"]) for i in range(1, 6)},
        **{"cifar-10-batches-py__test_batch": (3, ["labels"])},
    ),
    "cifar100": cifar(
        **{
            f"cifar-100-python__{part}": (rows, ["fine_labels", "coarse_labels"])
            for part, rows in (("train", 4), ("test", 3))
        }
    ),
    "fashion_mnist_train_images": idx(images(5), 16),
    "fashion_mnist_train_labels": idx(np.arange(5, dtype=np.uint8), 8),
    "fashion_mnist_test_images": idx(images(3), 16),
    "fashion_mnist_test_labels": idx(np.arange(3, dtype=np.uint8), 8),
    "imdb": npz(
        x_train=texts(30),
        y_train=RANDOM.integers(0, 2, 30),
        x_test=texts(20),
        y_test=RANDOM.integers(0, 2, 20),
    ),
    "imdb_word_index": json.dumps({"the": 1, "film": 2}).encode(),
    "mnist": npz(
        x_train=images(6),
        y_train=np.arange(6, dtype=np.uint8),
        x_test=images(2),
        y_test=np.arange(2, dtype=np.uint8),
    ),
    "reuters": npz(x=texts(30), y=RANDOM.integers(0, 46, 30)),
    "reuters_word_index": json.dumps({"the": 1, "oil": 2}).encode(),
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, server):
    """The cache, and the table of sources with addresses on this computer."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    here = {
        name: dataclasses.replace(
            source,
            url=server.add(f"/{source.url.rpartition('/')[2]}", FILES[name]),
            digest=source.digest and hashlib.sha256(FILES[name]).hexdigest(),
        )
        for name, source in sources.SOURCES.items()
    }
    monkeypatch.setattr(sources, "SOURCES", here)
    return tmp_path / "home"


def theirs(monkeypatch, name, function, **arguments):
    """The same of Keras, which gets its files from this cache, whatever their digests."""
    module = importlib.import_module(f"keras.src.datasets.{name}")
    from keras.src.utils.file_utils import get_file

    def get(fname=None, origin=None, file_hash=None, **others):
        return get_file(fname, origin=origin, cache_dir=str(fkeras.io.cache_folder()), **others)

    monkeypatch.setattr(module, "get_file", get)
    return getattr(module, function)(**arguments)


TEXT_ARGUMENTS = [
    {},
    {"num_words": 20},
    {"num_words": 20, "skip_top": 8, "seed": 5},
    {"num_words": 20, "oov_char": None},
    {"maxlen": 8},
    {"start_char": None},
    {"start_char": None, "index_from": 0, "num_words": 30},
    {"index_from": 5, "start_char": 3, "oov_char": 4, "skip_top": 7},
]
CALLS = [
    ("boston_housing", {}),
    ("boston_housing", {"test_split": 0.37, "seed": 4}),
    ("boston_housing", {"test_split": 0}),
    ("california_housing", {}),
    ("california_housing", {"version": "small", "test_split": 0.5}),
    ("cifar100", {}),
    ("cifar100", {"label_mode": "coarse"}),
    ("fashion_mnist", {}),
    ("mnist", {}),
    *(("imdb", arguments) for arguments in TEXT_ARGUMENTS),
    *(("reuters", arguments) for arguments in TEXT_ARGUMENTS),
    ("reuters", {"test_split": 0.5, "seed": 1}),
]


@pytest.mark.filterwarnings("ignore:.*numpy.core:DeprecationWarning")
@pytest.mark.parametrize("name, arguments", CALLS, ids=lambda value: str(value))
def test_data_are_those_of_keras(keras, monkeypatch, name, arguments):
    ours = getattr(fkeras.datasets, name).load_data(**arguments)
    expected = theirs(monkeypatch, name, "load_data", **arguments)
    for part, expected_part in zip(ours, expected, strict=True):
        for array, wanted in zip(part, expected_part, strict=True):
            assert array.dtype == wanted.dtype and array.shape == wanted.shape
            assert array.tolist() == wanted.tolist()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cifar10_has_its_batches_in_order(home, data_format):
    fkeras.config.set_image_data_format(data_format)
    (x, y), (x_test, y_test) = fkeras.datasets.cifar10.load_data()
    assert x.dtype == y.dtype == x_test.dtype == y_test.dtype == np.uint8
    shape = (32, 32, 3) if data_format == "channels_last" else (3, 32, 32)
    assert x.shape == (10, *shape) and x_test.shape == (3, *shape)
    folder = home / "datasets/cifar-10-batches-py-target/cifar-10-batches-py"
    with open(folder / "data_batch_2", "rb") as file:
        batch = pickle.load(file, encoding="bytes")
    pixels = batch[b"data"].reshape(2, 3, 32, 32)
    expected = pixels.transpose(0, 2, 3, 1) if data_format == "channels_last" else pixels
    np.testing.assert_array_equal(x[2:4], expected)
    np.testing.assert_array_equal(y[2:4, 0], batch[b"labels"])


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_words_have_ranks(name):
    index = getattr(fkeras.datasets, name).get_word_index()
    assert index["the"] == 1 and len(index) == 2


def test_topics_are_those_of_keras(keras):
    assert fkeras.datasets.reuters.get_label_names() == keras.datasets.reuters.get_label_names()


def test_the_table_has_the_addresses_and_digests_of_keras(keras, monkeypatch):
    monkeypatch.undo()
    urls = {source.url for source in sources.SOURCES.values()}
    digests = {source.digest for source in sources.SOURCES.values()} - {None}
    folder = pathlib.Path(importlib.import_module("keras.src.datasets.mnist").__file__).parent
    modules = {re.sub(r"_(word_index|(train|test)_(images|labels))$", "", n) for n in FILES}
    text = "".join((folder / f"{module}.py").read_text() for module in sorted(modules))
    assert digests == set(re.findall(r'"([0-9a-f]{64}|[0-9a-f]{32})"', text))
    assert all(url.rpartition("/")[2] in text for url in urls)
    assert all(url.rpartition("/")[0] in text for url in urls)


def test_files_that_are_there_are_used(home, server):
    place = home / "datasets" / "mnist.npz"
    place.parent.mkdir(parents=True)
    place.write_bytes(FILES["mnist"])
    fkeras.datasets.mnist.load_data()
    assert not server.requests


def test_an_archive_of_keras_2_is_used(home, server):
    place = home / "datasets" / "cifar-100-python.tar.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(FILES["cifar100"])
    assert len(fkeras.datasets.cifar100.load_data()[0][0]) == 4
    assert not server.requests


def test_another_name_and_folder_in_the_cache(home):
    fkeras.datasets.mnist.load_data(path="mine/digits.npz")
    assert (home / "datasets/mine/digits.npz").is_file()
    fkeras.datasets.mnist.load_data(path=str(home / "anywhere.npz"))
    assert (home / "anywhere.npz").is_file()


def test_without_its_host_a_data_set_says_where_to_put_the_file(home, server):
    server.pages.clear()
    with pytest.raises(DownloadError) as caught:
        fkeras.datasets.mnist.load_data()
    assert all(s in str(caught.value) for s in ("/mnist.npz", str(home / "datasets/mnist.npz")))


@pytest.mark.parametrize(
    "call",
    [
        lambda data: data.boston_housing.load_data(test_split=1.0),
        lambda data: data.california_housing.load_data(version="tiny"),
        lambda data: data.cifar100.load_data(label_mode="finest"),
        lambda data: data.imdb.load_data(maxlen=1),
        lambda data: data.reuters.load_data(maxlen=1),
        lambda data: data.imdb.load_data(words=3),
    ],
)
def test_wrong_arguments(call):
    with pytest.raises(UserInputError):
        call(fkeras.datasets)


def test_the_former_name_of_num_words():
    with pytest.warns(UserWarning, match="num_words"):
        (x, _), _ = fkeras.datasets.imdb.load_data(nb_words=10)
    assert max(max(text) for text in x) == 9


class Evil:
    def __reduce__(self):
        return print, ("code of the file runs",)


@pytest.mark.parametrize(
    "change, error",
    [
        (lambda data: npz(x=np.array([Evil()], object), y=np.zeros(1)), UnsafeFileError),
        (lambda data: data[: len(data) // 2], CorruptFileError),
        (lambda data: b"<html>not found</html>", CorruptFileError),
    ],
)
def test_files_that_are_not_what_they_seem(home, capsys, change, error):
    place = home / "datasets" / "reuters.npz"
    place.parent.mkdir(parents=True)
    place.write_bytes(change(FILES["reuters"]))
    sources.SOURCES["reuters"] = dataclasses.replace(sources.SOURCES["reuters"], digest=None)
    with pytest.raises(error, match="removed?|Remove"):
        fkeras.datasets.reuters.load_data()
    assert "code of the file runs" not in capsys.readouterr().out


def test_images_and_labels_of_fashion_mnist_must_fit(home):
    place = home / "datasets/fashion-mnist/train-labels-idx1-ubyte.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(FILES["fashion_mnist_test_labels"])
    with pytest.raises(CorruptFileError, match="3 labels"):
        fkeras.datasets.fashion_mnist.load_data()
    place.write_bytes(b"\x1f\x8bhalf")
    with pytest.raises(CorruptFileError, match="damaged"):
        fkeras.datasets.fashion_mnist.load_data()
