"""Datasets of other libraries in `fit`, where they are installed: Grain, tf.data, PyTorch, Hugging
Face.
"""

import numpy as np
import pytest

import fkeras

X = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
Y = (X.sum(1) > 0).astype("int32")
BATCH = 4


def tf_data():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).prefetch(tf.data.AUTOTUNE)


def torch_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    return torch.utils.data.DataLoader(data, batch_size=BATCH)


def torch_iterable():
    torch = pytest.importorskip("torch")

    class Pairs(torch.utils.data.IterableDataset):
        def __iter__(self):
            return zip(X, Y)

    return torch.utils.data.DataLoader(Pairs(), batch_size=BATCH)


class Pairs:
    """A random access source of Grain."""

    __len__ = lambda self: len(X)
    __getitem__ = lambda self, index: (X[index], Y[index])


def grain_map_dataset():
    return pytest.importorskip("grain").MapDataset.source(Pairs()).batch(BATCH)


def grain_iter_dataset():
    return pytest.importorskip("grain").MapDataset.source(Pairs()).to_iter_dataset().batch(BATCH)


def grain_loader():
    grain = pytest.importorskip("grain.python")
    sampler = grain.SequentialSampler(len(X), grain.ShardOptions(0, 1), seed=0)
    source = grain.MapDataset.source(Pairs())
    return grain.DataLoader(
        data_source=source, sampler=sampler, operations=[grain.Batch(BATCH)], worker_count=0
    )


LOADERS = [
    tf_data, torch_loader, torch_iterable, grain_map_dataset, grain_iter_dataset, grain_loader,
]  # fmt: skip


@pytest.fixture(scope="module")
def model():
    made = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("make", LOADERS, ids=lambda make: make.__name__)
def test_training_is_that_on_the_arrays(model, make):
    data = make()
    first = model.get_weights()
    expected = model.fit(X, Y, batch_size=BATCH, shuffle=False, epochs=2, verbose=0).history
    weights = model.get_weights()
    model.set_weights(first)
    history = model.fit(data, epochs=2, validation_data=make(), verbose=0).history
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for one, other in zip(model.get_weights(), weights):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert model.evaluate(data, verbose=0) == pytest.approx(history["val_loss"][-1], rel=1e-5)
    assert model.predict(data, verbose=0).shape == (10, 2)


@pytest.mark.filterwarnings("ignore")
def test_hugging_face_datasets(model):
    datasets = pytest.importorskip("datasets")
    table = datasets.Dataset.from_dict({"x": X, "y": Y}).with_format("numpy")
    pairs = fkeras.data.Dataset.from_generator(lambda: ((r["x"], r["y"]) for r in table))
    arrays = fkeras.data.Dataset.from_tensor_slices(table[:]).map(lambda row: (row["x"], row["y"]))
    losses = [
        model.evaluate(*data, batch_size=size, verbose=0)
        for data, size in (
            ((X, Y), BATCH),
            ((table["x"], table["y"]), BATCH),  # columns, read where they are needed
            ((pairs.batch(BATCH),), None),
            ((arrays.batch(BATCH),), None),
        )
    ]
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-5)
    with pytest.raises(fkeras.errors.UserInputError, match="rows as dicts.*dataset\\['x'\\]"):
        model.fit(table, verbose=0)


def test_folders_as_datasets_of_grain(tmp_path):
    pytest.importorskip("grain")
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.txt").write_text(f"{name}{number}")
    options = {"format": "grain", "verbose": False, "batch_size": 4}
    dataset = fkeras.utils.text_dataset_from_directory(tmp_path, shuffle=False, **options)
    texts, labels = next(iter(dataset))
    assert texts == ["a0", "a1", "a2", "b0"] and labels.tolist() == [0, 0, 0, 1]
    assert dataset.class_names == ["a", "b"] and len(dataset.file_paths) == 6
    shuffled = fkeras.utils.text_dataset_from_directory(tmp_path, seed=1, **options)
    assert sorted(text for texts, _ in shuffled for text in texts) == sorted(
        text for texts, _ in dataset for text in texts
    )
    windows = fkeras.utils.timeseries_dataset_from_array(
        np.arange(6), np.arange(6), 3, batch_size=3, format="grain"
    )
    assert [(x.tolist(), y.tolist()) for x, y in windows][1] == ([[3, 4, 5]], [3])
