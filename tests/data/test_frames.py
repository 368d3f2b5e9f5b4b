import numpy as np
import pytest

import fkeras
from fkeras.data import check_columns, make_source, train_validation_split
from fkeras.errors import UserInputError

pd = pytest.importorskip("pandas")

FLOAT, INT, BOOL = [0.5, 1.5], [1, 2], [True, False]

# columns, dtype of the table
TABLES = [
    ({"a": FLOAT, "b": FLOAT}, "float32"),
    ({"a": INT, "b": INT}, "int32"),
    ({"a": BOOL, "b": BOOL}, "bool"),
    ({"a": FLOAT, "b": INT, "c": BOOL}, "float32"),
    ({"a": INT, "b": BOOL}, "int32"),
    (
        {
            "a": pd.array(FLOAT, "Float64"),
            "b": pd.array(INT, "Int64"),
            "c": pd.array(BOOL, "boolean"),
        },
        "float32",
    ),
    ({"a": pd.array(INT, "Int64")}, "int32"),
    ({"a": pd.array(BOOL, "boolean")}, "bool"),
    ({"a": np.array([1, True], object), "b": np.array(FLOAT, object)}, "float32"),
    ({"a": pd.Categorical([3, 4])}, "int32"),
    ({"a": np.array(INT, np.uint8), "b": np.array(INT, np.uint8)}, "uint8"),
    ({"a": pd.arrays.SparseArray(FLOAT)}, "float32"),
]


@pytest.mark.parametrize("columns, dtype", TABLES, ids=range(len(TABLES)))
def test_tables_are_converted_column_by_column(columns, dtype):
    x = make_source(pd.DataFrame(columns)).arrays[0]
    assert x.dtype == dtype
    assert x.tolist() == [[float(v[i]) for v in columns.values()] for i in (0, 1)]


def test_dummies_beside_floats():
    frame = pd.get_dummies(pd.DataFrame({"size": [1.5, 2.5], "colour": ["red", "blue"]}))
    assert make_source(frame).arrays[0].tolist() == [[1.5, 0, 1], [2.5, 1, 0]]


@pytest.mark.parametrize("index", [[5, 7], ["b", "a"], [1, 0]])
def test_series_count_by_position(index):
    frame, series = pd.DataFrame({"a": FLOAT}, index=index), pd.Series(INT, index=index, name="y")
    x, y = make_source(frame, series, batch_size=2).batch(slice(0, 1))
    assert x.tolist() == [[0.5]] and y.tolist() == [[1]]


def test_series_of_nullable_ints_and_of_strings():
    assert make_source(pd.Series(pd.array(INT, "Int64"))).arrays[0].dtype == "int32"
    assert make_source(pd.Series(["a", "b"])).arrays[0].tolist() == [["a"], ["b"]]


def _shapes_seen(module, x, y):
    """What a model of a module is given for x and y, and its loss of their differences."""
    seen = {}

    class Net(module.Model):
        def call(self, inputs):
            seen["x"] = [tuple(part.shape) for part in module.tree.flatten(inputs)]
            return module.tree.flatten(inputs)[0]

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **options):
            seen["y"] = tuple(y.shape)
            return module.ops.mean((y - y_pred) ** 2)

    net = Net()
    net.compile("sgd")
    seen["loss"] = pytest.approx(net.evaluate(x, y, verbose=0))
    seen["outputs"] = net.predict(x, verbose=0).shape
    return seen


def test_a_single_column_has_an_axis_of_its_own_as_in_keras(keras):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 0.0, 2.0]})
    for x in (frame["a"], dict(frame), [frame["a"], frame["b"]]):
        seen = _shapes_seen(fkeras, x, frame["b"])
        assert seen["x"][0] == seen["y"] == seen["outputs"] == (3, 1)
        theirs = _shapes_seen(keras, x, frame["b"])
        assert seen["loss"].expected == pytest.approx(theirs.pop("loss").expected)
        assert {**seen, **theirs} == seen


BAD = [
    ({"a": FLOAT, "city": ["Bern", "Genf"]}, r"column 'city' holds strings, such as 'Bern'"),
    ({"a": pd.array([1.0, None], "Float32")}, r"column 'a' has 1 missing value \(NA\)"),
    ({"a": pd.array([None, None], "Int64")}, r"column 'a' has 2 missing values"),
    ({"when": pd.to_datetime(["2020-01-01", "2020-01-02"])}, "column 'when' holds dates"),
    ({"kind": pd.Categorical(["u", "v"])}, "column 'kind' holds strings"),
    ({f"c{i}": ["a", "b"] for i in range(9)}, r"(?s)'c4'.*and 4 columns more"),
    ({"a": np.array([1, "x"], object)}, "column 'a' .*entry 1 is the str 'x'"),
    ({"a": [2**40, 1]}, "does not fit into int32"),
]


@pytest.mark.parametrize("columns, words", BAD, ids=range(len(BAD)))
def test_columns_that_are_no_numbers_are_named(columns, words):
    with pytest.raises(UserInputError, match=words) as caught:
        make_source(pd.DataFrame(columns))
    assert len(str(caught.value).splitlines()) <= 15


def test_missing_targets_are_counted():
    with pytest.raises(UserInputError, match=r"y has 1 missing value \(NA\)"):
        make_source(pd.DataFrame({"a": FLOAT}), pd.Series(pd.array([1, None], "Int64")))


def test_columns_are_remembered_and_compared():
    trained = make_source({"t": pd.DataFrame({"a": FLOAT, "b": INT}), "n": np.ones(2)}).columns
    assert trained == {"x['t']": ("a", "b")}
    check_columns(trained, make_source({"t": pd.DataFrame({"a": INT, "b": INT}), "n": np.ones(2)}))
    check_columns(trained, make_source({"t": np.ones((2, 2)), "n": np.ones(2)}))
    with pytest.raises(UserInputError, match=r"another order.*x\['t'\] = x\['t'\]\[\['a', 'b'\]\]"):
        check_columns(
            trained, make_source({"t": pd.DataFrame({"b": INT, "a": FLOAT}), "n": np.ones(2)})
        )
    with pytest.raises(UserInputError, match=r"missing: 'b'; unknown: 'c'"):
        check_columns(
            trained, make_source({"t": pd.DataFrame({"a": INT, "c": FLOAT}), "n": np.ones(2)})
        )


def test_columns_of_validation_data_are_those_of_training():
    trained = make_source(pd.DataFrame({"a": FLOAT, "b": INT})).columns
    validation = make_source(
        pd.DataFrame({"b": INT, "a": FLOAT}), argument_names=("validation_data[0]", "y", "w")
    )
    with pytest.raises(
        UserInputError, match=r"the columns of validation_data\[0\] are in another order"
    ):
        check_columns(trained, validation, "fit")


def test_split_keeps_frames():
    frame = pd.DataFrame({"a": range(10)}, index=range(10, 0, -1))
    (x, y), (x_val, y_val) = train_validation_split((frame, frame["a"]), 0.3)
    assert list(x_val["a"]) == list(y_val) == [7, 8, 9] and list(y) == list(range(7))
    assert make_source(x_val).columns == {"x": ("a",)}


class Series:
    """As polars's."""

    def __init__(self, values):
        self.values = values
        self.dtype = "Float64"

    to_numpy = lambda self: np.array([v for v in self.values if v is not None])
    null_count = lambda self: self.values.count(None)
    __len__ = lambda self: len(self.values)
    __getitem__ = lambda self, rows: Series(self.values[rows])
    shape = property(lambda self: (len(self.values),))


class Frame:
    def __init__(self, **columns):
        self.content = columns
        self.columns, self.dtypes = list(columns), ["Float64"] * len(columns)

    get_columns = lambda self: [Series(v) for v in self.content.values()]
    __len__ = lambda self: len(next(iter(self.content.values())))
    __getitem__ = lambda self, rows: Frame(**{k: v[rows] for k, v in self.content.items()})
    shape = property(lambda self: (len(self), len(self.columns)))


def test_tables_like_those_of_polars():
    source = make_source(Frame(a=[1.0, 2.0], b=[True, False]), Series([0, 1]))
    assert source.arrays[0].tolist() == [[1, 1], [2, 0]] and source.columns == {"x": ("a", "b")}
    with pytest.raises(UserInputError, match="column 'b' has 1 missing"):
        make_source(Frame(a=[1.0, 2.0], b=[1.0, None]))
    (x,), (x_val,) = train_validation_split((Frame(a=[1.0, 2.0, 3.0, 4.0]),), 0.5)
    assert make_source(x_val).arrays[0].tolist() == [[3], [4]]
