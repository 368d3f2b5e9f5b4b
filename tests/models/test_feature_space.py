"""`FeatureSpace` against what Keras on TensorFlow made of the same tables; training, files, rows,
data of every kind, and what cannot be.
"""

import importlib.util
import json
import pathlib

import numpy as np
import pandas as pd
import pytest

import fkeras
from fkeras import data, layers

HERE = pathlib.Path(__file__).parent
DATA = HERE / "data"
_spec = importlib.util.spec_from_file_location(
    "feature_space_cases", HERE / "feature_space_cases.py"
)
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)
TABLE, OTHER, spaces = cases.TABLE, cases.OTHER, cases.spaces
FROZEN = json.loads((DATA / "feature_space_values.json").read_text())
FeatureSpace = fkeras.utils.FeatureSpace


def columns(table, space):
    return {name: table[name] for name in space.features}


def small(**options):
    kinds = {
        "age": "float_normalized",
        "town": "string_categorical",
        "rooms": "integer_categorical",
    }
    return FeatureSpace(kinds, **{"crosses": [("town", "rooms")], "crossing_dim": 4, **options})


def assert_same(found, expected):
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in FROZEN if not name.startswith("_")])
def test_columns_become_what_keras_on_tensorflow_makes_of_them(name):
    space = spaces(fkeras)[name]
    space.adapt(data.Dataset.from_tensor_slices(columns(TABLE, space)).batch(4))
    seen, unseen, row = FROZEN[name]
    assert_same(space(columns(TABLE, space)), seen)
    assert_same(space(columns(OTHER, space)), unseen)
    assert_same(space({key: TABLE[key][1] for key in space.features}), row)
    model = fkeras.Model(space.get_inputs(), space.get_encoded_features())
    arrays = {key: np.asarray(column) for key, column in columns(TABLE, space).items()}
    assert_same(model.predict(arrays, verbose=0), seen)


def test_a_file_of_keras_on_tensorflow_is_read():
    space = fkeras.saving.load_model(DATA / "feature_space.keras")
    assert isinstance(space, FeatureSpace)
    seen, unseen, _ = FROZEN["all kinds by name"]
    assert_same(space(columns(TABLE, space)), seen)
    assert_same(space(columns(OTHER, space)), unseen)


@pytest.mark.parametrize("name", ["all kinds by name", "ids in a dict", "bins crossed", "texts"])
def test_a_file_keeps_what_was_learnt(name, tmp_path):
    space = spaces(fkeras)[name]
    space.adapt(columns(TABLE, space))
    expected = space(columns(TABLE, space))
    space.save(tmp_path / "space.keras")
    again = fkeras.saving.load_model(tmp_path / "space.keras")
    assert_same(again(columns(TABLE, space)), expected)
    assert json.dumps(again.get_config()) == json.dumps(space.get_config())


SOURCES = {
    "dict of lists": lambda: TABLE,
    "dict of arrays": lambda: {name: np.asarray(column) for name, column in TABLE.items()},
    "frame": lambda: pd.DataFrame(TABLE),
    "Dataset of rows": lambda: data.Dataset.from_tensor_slices(TABLE),
    "Dataset of pairs": lambda: data.Dataset.from_tensor_slices((TABLE, np.arange(6))).batch(4),
    "generator": lambda: (
        {name: np.array(TABLE[name][i : i + 2]) for name in TABLE} for i in (0, 2, 4)
    ),
    "list of batches": lambda: [{name: np.array(column) for name, column in TABLE.items()}],
}


@pytest.mark.parametrize("kind", SOURCES)
def test_adapt_takes_tables_of_any_kind_in_one_pass(kind):
    space = small()
    space.adapt(SOURCES[kind]())
    assert space.preprocessors["age"].adapt_mean[0] == pytest.approx(
        np.mean(TABLE["age"]), rel=1e-6
    )
    assert space.preprocessors["town"].get_vocabulary() == ["[UNK]", "Bern", "Genoa", "Lyon"]
    assert space(TABLE).shape == space(pd.DataFrame(TABLE)).shape == (6, 13)
    assert list(space.crossers) == ["town_X_rooms"]


def test_a_bar_counts_batches_where_it_is_asked_for(capsys):
    space = small()
    space.adapt(data.Dataset.from_tensor_slices(TABLE).batch(2))
    assert capsys.readouterr().out == ""
    space.adapt(data.Dataset.from_tensor_slices(TABLE).batch(2), verbose=1)
    assert "3/" in capsys.readouterr().out


def test_layers_that_only_adapt_get_the_whole_column():
    class Largest(layers.Layer):
        def adapt(self, column):
            self.largest = float(np.max(column))

        def call(self, inputs):
            return inputs / self.largest

    space = FeatureSpace({"age": FeatureSpace.feature("float32", Largest(), "float")})
    space.adapt(data.Dataset.from_tensor_slices(TABLE).batch(2))
    np.testing.assert_allclose(space(TABLE)[:, 0], np.array(TABLE["age"]) / 10, rtol=1e-6)


def test_a_dataset_maps_rows_and_batches():
    space = small()
    space.adapt(TABLE)
    expected = np.asarray(space(TABLE))
    dataset = data.Dataset.from_tensor_slices((TABLE, np.arange(6)))
    rows = [x for x, y in dataset.map(lambda x, y: (space(x), y))]
    np.testing.assert_allclose(np.stack(rows), expected, rtol=1e-6)
    batches = [x for x, y in dataset.batch(4).map(lambda x, y: (space(x), y))]
    np.testing.assert_allclose(np.concatenate(batches), expected, rtol=1e-6)


@pytest.mark.parametrize("crosses", [[("town", "rooms")], [("age", "town")]], ids=["ids", "bins"])
def test_a_model_trains_on_raw_columns_and_goes_through_a_file(crosses, tmp_path):
    kinds = {"age": FeatureSpace.float_discretized(3), "town": "string_categorical"}
    space = FeatureSpace({**kinds, "rooms": "integer_categorical"}, crosses=crosses)
    space.adapt(TABLE)
    outputs = layers.Dense(1)(space.get_encoded_features())
    model = fkeras.Model(space.get_inputs(), outputs)
    model.compile("sgd", "mse")
    x = {name: np.asarray(TABLE[name]) for name in space.features}
    losses = model.fit(x, np.arange(6.0), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    again = fkeras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_symbolic_columns_of_ones_own_are_encoded():
    space = adapted()
    inputs = {
        "age": fkeras.Input((1,)),
        "town": fkeras.Input((1,), dtype="string"),
        "rooms": fkeras.Input((1,), dtype="int32"),
    }
    model = fkeras.Model(inputs, space(inputs))
    x = {name: np.asarray(TABLE[name]) for name in inputs}
    np.testing.assert_allclose(model.predict(x, verbose=0), space(TABLE), rtol=1e-6)


def adapted():
    space = small()
    space.adapt(TABLE)
    return space


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: FeatureSpace({}), "cannot be None or empty"),
        (lambda: FeatureSpace({"a": "floats"}), "invalid feature type of 'a'.*float_normalized"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "output_mode='list'"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), r"Unknown: \['b'\]"),
        (lambda: FeatureSpace({"a": "float"}, crosses=["a"]), "two features or more"),
        (lambda: FeatureSpace.cross(("a", "b"), 4, "float"), "'int' or 'one_hot'"),
        (lambda: FeatureSpace.feature("int32", None, "many_hot"), "output_mode='many_hot'"),
        (lambda: small()(TABLE), r"call `.adapt\(dataset\)` .*age, town, rooms"),
        (lambda: small().get_inputs(), r"call `.adapt\(dataset\)`"),
        (lambda: small().adapt(np.ones((3, 3))), "takes a dict of columns"),
        (lambda: small().adapt([np.ones(3)]), "batches of dicts"),
        (lambda: small().adapt({"age": [1.0]}), "the column 'town' is missing"),
        (lambda: small().adapt({"age": [], "town": [], "rooms": []}), "received no rows"),
        (
            lambda: small().adapt(data.Dataset.from_tensor_slices(TABLE).repeat()),
            "without end",
        ),
        (lambda: small().adapt({**TABLE, "age": ["x"] * 6}), "'age' should hold numbers"),
        (lambda: small().adapt({**TABLE, "age": [np.nan] * 6}), "NaN or infinity"),
        (lambda: adapted()(np.ones((2, 3))), "with a dict of columns"),
        (lambda: adapted()({"age": 1.0}), "the column 'town' is missing"),
        (lambda: adapted()({"age": fkeras.Input((1,))}), "the column 'town' is missing"),
        (
            lambda: FeatureSpace({"a": "float"})({"a": fkeras.Input(())}),
            r"symbolic columns have the shape \(rows, 1\)",
        ),
        (
            lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, "int")})({"a": [1]}),
            "cannot concatenate features because 'a'",
        ),
        (
            lambda: FeatureSpace(
                {"a": FeatureSpace.feature("float32", layers.Identity(), "one_hot")}
            )({"a": [1.0]}),
            "should return integers",
        ),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    with pytest.raises(ValueError, match=text):
        make()
