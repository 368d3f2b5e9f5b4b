"""Normalization: adapting to data of every kind, Keras's numbers and files, bad input."""

import jax
import numpy as np
import pandas as pd
import pytest

import fkeras
from fkeras import data, layers

ROWS = (np.random.default_rng(0).normal(size=(37, 4)) * [1, 2, 50, 0.1] + [0, 5, 9, -3]).astype(
    "float32"
)


class Batches(fkeras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return ROWS[10 * index : 10 * index + 10], np.zeros(len(ROWS[10 * index : 10 * index + 10]))


SOURCES = {
    "array": lambda: ROWS,
    "jax array": lambda: jax.numpy.asarray(ROWS),
    "frame": lambda: pd.DataFrame(ROWS),
    "list of rows": lambda: ROWS.tolist(),
    "list of batches": lambda: [ROWS[:8], ROWS[8:]],
    "list of pairs": lambda: [(ROWS[:8], 0), (ROWS[8:], 0)],
    "generator": lambda: (ROWS[i : i + 9] for i in range(0, 37, 9)),
    "PyDataset": lambda: Batches(),
    "Dataset of rows": lambda: data.Dataset.from_tensor_slices(ROWS),
    "Dataset of batches": lambda: data.Dataset.from_tensor_slices((ROWS, ROWS[:, 0])).batch(5),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_adapt_takes_data_of_any_kind(kind):
    layer = layers.Normalization()
    layer.adapt(SOURCES[kind]())
    np.testing.assert_allclose(layer.adapt_mean, ROWS.mean(0, dtype="float64"), rtol=1e-6)
    np.testing.assert_allclose(layer.adapt_variance, ROWS.var(0, dtype="float64"), rtol=1e-6)
    assert [w.name for w in layer.weights] == ["mean", "variance", "count"]
    assert layer.trainable_weights == [] and layer.mean.shape == (1, 4)


@pytest.mark.parametrize("axis", [-1, None, 1, (1, 2), (-1, 1)], ids=str)
def test_it_computes_what_keras_computes(keras, axis):
    x = ROWS[:36].reshape(12, 3, 4)
    for invert in (False, True):
        ours = layers.Normalization(axis=axis, invert=invert)
        theirs = keras.layers.Normalization(axis=axis, invert=invert)
        ours.adapt(x)
        theirs.adapt(x)
        np.testing.assert_allclose(ours(x), theirs(x), rtol=2e-5, atol=2e-5)
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.variance, theirs.variance, rtol=1e-5)
        assert ours.get_config()["axis"] == theirs.get_config()["axis"]


def test_there_and_back_is_where_one_was():
    there, back = layers.Normalization(), layers.Normalization(invert=True)
    there.adapt(ROWS)
    back.adapt(ROWS)
    np.testing.assert_allclose(back(there(ROWS)), ROWS, rtol=1e-4, atol=1e-4)


def test_variance_far_from_zero_is_found_in_one_pass():
    values = 1e4 + np.random.default_rng(3).normal(size=(4000, 1)).astype("float32")
    layer = layers.Normalization()
    layer.adapt(values[i : i + 100] for i in range(0, 4000, 100))
    assert float(layer.adapt_variance[0]) == pytest.approx(values.astype("float64").var(), rel=1e-5)


def test_a_constant_column_becomes_zero():
    layer = layers.Normalization()
    layer.adapt(np.full((5, 1), 3.0))
    assert layer(np.full((2, 1), 3.0)).tolist() == [[0.0], [0.0]]


def test_what_was_learnt_is_state_of_the_pure_form():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Normalization(), layers.Dense(2)])
    model.layers[0].adapt(ROWS)
    variables = model.get_variables()
    learnt = variables["state"]["normalization"]
    assert set(learnt) == {"adapt_mean", "adapt_variance", "count"}
    outputs, _ = jax.jit(model.apply)(variables, ROWS)
    np.testing.assert_allclose(outputs, model(ROWS), rtol=1e-5, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(ROWS, ROWS[:, :2], verbose=0)
    before = model.predict(ROWS, verbose=0)
    model.layers[0].adapt(ROWS * 2)  # acts at once: it is no constant of the program
    assert np.abs(model.predict(ROWS, verbose=0) - before).max() > 1e-3


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_files_travel_both_ways(keras, tmp_path):
    made = {}
    for library in (fkeras, keras):
        layer = library.layers.Normalization()
        layer.adapt(ROWS)
        given = library.layers.Normalization(mean=[1.0] * 4, variance=[4.0] * 4)
        model = library.Sequential([library.Input((4,)), layer, given])
        path = str(tmp_path / f"{library.__name__}.keras")
        model.save(path)
        made[library] = path, model.predict(ROWS, verbose=0)
    for reader in (fkeras, keras):
        for path, expected in made.values():
            read = reader.saving.load_model(path)
            np.testing.assert_allclose(
                read.predict(ROWS, verbose=0), expected, rtol=1e-4, atol=1e-5
            )
    assert fkeras.saving.load_model(path).layers[0].finalize_state() is None


def test_a_layer_that_was_never_adapted_says_so():
    layer = layers.Normalization()
    with pytest.warns(UserWarning, match="changes nothing. Call `adapt"):
        layer(ROWS)
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Normalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="changes nothing. Call `adapt"):
        model.fit(ROWS, ROWS[:, 0], verbose=0)
    layer.set_weights([np.ones(4), np.ones(4), 0])
    layer(ROWS)


def broken(batch):
    return [ROWS[:4], batch]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Normalization(mean=1.0), "both `mean` and `variance` must be set"),
        (lambda: layers.Normalization(mean=[1.0], variance=2.0), "must have the same shape"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[2.0]]), "as many axes as are kept"),
        (lambda: layers.Normalization(mean=1.0, variance=-1.0), "`variance` at least 0"),
        (lambda: layers.Normalization(mean=1.0, variance=np.nan), "`variance` at least 0"),
        (lambda: layers.Normalization(axis="last"), "`axis` must be an int"),
        (lambda: layers.Normalization(axis=3).build((2, 2)), "All `axis` values must be in the"),
        (lambda: layers.Normalization(axis=1).build((None, None)), "All `axis` values to be kept"),
        (
            lambda: layers.Normalization(mean=[1.0] * 3, variance=[1.0] * 3).build((None, 4)),
            "does not fit the inputs",
        ),
        (lambda: layers.Normalization().adapt([]), "empty iterable"),
        (lambda: layers.Normalization().adapt(iter(())), "empty iterable"),
        (lambda: layers.Normalization().adapt(x for x in (1, 2)), r"`\.shape` counts samples"),
        (lambda: layers.Normalization().adapt(broken(ROWS[:, :3])), "an incompatible shape"),
        (
            lambda: layers.Normalization().adapt(broken(ROWS[:4] * np.nan)),
            "NaN or infinity at index",
        ),
        (lambda: layers.Normalization().adapt({"a": ROWS}), r"layer.adapt\(data\['column'\]\)"),
        (lambda: layers.Normalization().adapt(iter([{"a": ROWS}])), "dicts with the keys 'a'"),
        (lambda: layers.Normalization().adapt(pd.DataFrame({"t": ["x"]})), "'t'"),
        (
            lambda: layers.Normalization().adapt(data.Dataset.from_tensor_slices(ROWS).repeat()),
            "without end",
        ),
        (
            lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(ROWS),
            "there is nothing to adapt",
        ),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    with pytest.raises(ValueError, match=text):
        make()
