"""Which files, in which order and parts: Keras's own index is the oracle."""

import pathlib

import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError

text_dataset = fkeras.utils.text_dataset_from_directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("texts")
    for name in ("b/2.txt", "b/1.txt", "b/more/3.TXT", "a/x.txt", "a/no.jpg", "c/1.txt", "top.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "1.txt").write_text("hidden")
    return root


def names(dataset, folder):
    return [str(pathlib.Path(path).relative_to(folder)) for path in dataset.file_paths]


def test_one_class_a_subfolder(folder, capsys):
    dataset = text_dataset(folder, shuffle=False, batch_size=2)
    assert capsys.readouterr().out == "Found 5 files belonging to 3 classes.\n"
    assert dataset.class_names == ["a", "b", "c"] and len(dataset) == 3
    assert names(dataset, folder) == ["a/x.txt", "b/1.txt", "b/2.txt", "b/more/3.TXT", "c/1.txt"]
    texts, labels = next(iter(dataset))
    assert texts.tolist() == [b"text of a/x.txt", b"text of b/1.txt"]
    assert labels.dtype == np.int32 and labels.tolist() == [0, 1]


MODES = [
    ("int", None, "int32", [1, 0]),
    ("binary", ["b", "a"], "float32", [[0.0], [0.0]]),
    ("categorical", ["c", "a"], "float32", [[1.0, 0.0], [0.0, 1.0]]),
]


@pytest.mark.parametrize("mode, classes, dtype, expected", MODES)
def test_labels(folder, mode, classes, dtype, expected):
    classes = classes or ["b", "a"]
    dataset = text_dataset(
        folder, label_mode=mode, class_names=classes, shuffle=False, batch_size=9, verbose=False
    )
    labels = next(iter(dataset))[1]
    assert labels.dtype == dtype and dataset.class_names == classes
    if mode == "int":
        assert labels.tolist() == [0, 0, 0, 1]
    else:
        assert labels[:2].tolist() == expected


def test_no_labels_and_labels_of_the_user(folder):
    dataset = text_dataset(folder, labels=None, shuffle=False, batch_size=None, verbose=False)
    assert next(iter(dataset)).numpy() == b"text of top.txt" and dataset.class_names is None
    assert len(dataset) == 7  # those of `.hidden` too, as in Keras
    given = [3, 1, 1, 1, 3, 3, 1]
    dataset = text_dataset(folder, labels=given, shuffle=False, verbose=False)
    assert next(iter(dataset))[1].tolist() == given and dataset.class_names == ["1", "3"]


@pytest.mark.parametrize("labels", ["inferred", None])
def test_order_and_parts_are_keras_s(folder, labels, keras):
    from keras.src.utils import dataset_utils

    paths, ids, _ = dataset_utils.index_directory(
        str(folder), labels, formats=(".txt",), seed=5, verbose=False
    )
    options = {"labels": labels, "seed": 5, "verbose": False}
    whole = text_dataset(folder, **options)
    assert whole.file_paths == paths
    parts = text_dataset(folder, validation_split=0.4, subset="both", **options)
    for subset, part in zip(("training", "validation"), parts):
        alone = text_dataset(folder, validation_split=0.4, subset=subset, **options)
        expected, _ = dataset_utils.get_training_or_validation_split(paths, ids, 0.4, subset)
        assert alone.file_paths == part.file_paths == expected


def test_a_shuffled_dataset_has_a_new_order_at_each_pass_with_the_right_labels(folder):
    dataset = text_dataset(folder, seed=1, verbose=False, batch_size=5)
    seen = set()
    for _ in range(4):
        texts, labels = next(iter(dataset))
        seen.add(tuple(texts.tolist()))
        classes = [text.split(b"of ")[1][:1].decode() for text in texts.tolist()]
        assert classes == [dataset.class_names[i] for i in labels.tolist()]
    assert len(seen) > 1


def test_texts_are_cut(folder):
    dataset = text_dataset(folder, labels=None, max_length=4, batch_size=9, verbose=False)
    assert set(next(iter(dataset)).tolist()) == {b"text", b"hidd"}


ERRORS = [
    ({"labels": "other"}, "`labels` argument should be"),
    ({"labels": [1], "class_names": ["a"]}, "only pass `class_names`"),
    ({"labels": [1, 2]}, r"labels\) is 2 while we found 7 files"),
    ({"labels": None, "class_names": ["a"]}, "class_names"),
    ({"label_mode": "other"}, "`label_mode` argument must be"),
    ({"label_mode": "binary"}, "exactly 2"),
    ({"class_names": ["a", "d"]}, "did not match.*'a', 'b', 'c'"),
    ({"format": "torch"}, '"tf".*"grain"'),
    ({"validation_split": 2.0, "subset": "training"}, "between 0 and 1"),
    ({"validation_split": 0.2}, "and inversely"),
    ({"validation_split": 0.2, "subset": "other"}, '"both", received'),
    ({"validation_split": 0.2, "subset": "training"}, "must provide a `seed`"),
    ({"validation_split": 0.01, "subset": "both", "seed": 1}, "No validation text files found"),
]


@pytest.mark.parametrize("options, message", ERRORS)
def test_errors(folder, options, message):
    with pytest.raises(UserInputError, match=message):
        text_dataset(folder, verbose=False, **options)


def test_a_folder_that_is_not_there_or_empty(tmp_path):
    with pytest.raises(UserInputError, match="no directory"):
        text_dataset(tmp_path / "nowhere")
    (tmp_path / "a").mkdir()
    for function, what in (
        (text_dataset, "No text files found"),
        (fkeras.utils.image_dataset_from_directory, "No images found"),
        (fkeras.utils.audio_dataset_from_directory, "No audio files found"),
    ):
        with pytest.raises(UserInputError, match=what):
            function(tmp_path, verbose=False)
