import importlib
import json

import numpy as np
import pytest

import fkeras
from fkeras.data.timeseries_generator import TimeseriesGenerator
from fkeras.errors import UserInputError, UserTypeError

SERIES = np.arange(20.0)
TABLE = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        {"length": 3},
        {"length": 6, "sampling_rate": 2, "batch_size": 4},
        {"length": 3, "stride": 2, "batch_size": 3, "reverse": True},
        {"length": 3, "start_index": 4, "end_index": 15, "batch_size": 5},
        {"length": 3, "shuffle": True, "batch_size": 5},
    ],
)
@pytest.mark.parametrize("data", [SERIES, TABLE, SERIES.tolist()], ids=["row", "table", "list"])
def test_windows(keras, data, arguments):
    other_class = importlib.import_module(
        "keras.src.legacy.preprocessing.sequence"
    ).TimeseriesGenerator
    results = []
    for cls in (TimeseriesGenerator, other_class):
        np.random.seed(3)
        source = cls(data, SERIES, **arguments)
        results.append([source[i] for i in range(len(source))])
    assert len(results[0]) == len(results[1])
    for batch, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(batch[0], expected[0])
        np.testing.assert_array_equal(batch[1], expected[1])


def test_windows_train_a_model():
    source = TimeseriesGenerator(TABLE, SERIES, length=3, batch_size=8)
    layers = fkeras.layers
    model = fkeras.Sequential([layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(source, epochs=1, verbose=0).history["loss"]) == 1


def test_as_json():
    config = json.loads(TimeseriesGenerator(SERIES, SERIES, length=3).to_json())
    assert config["class_name"] == "TimeseriesGenerator"
    assert config["config"]["start_index"] == 3 and config["config"]["end_index"] == 19
    assert json.loads(config["config"]["data"]) == SERIES.tolist()
    with pytest.raises(UserTypeError, match="JSON"):
        TimeseriesGenerator([1j] * 9, SERIES[:9], length=3).to_json()


@pytest.mark.parametrize(
    "arguments, said",
    [((SERIES, SERIES[:3], 2), "same length"), ((SERIES, SERIES, 20), "is disallowed")],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(UserInputError, match=said):
        TimeseriesGenerator(*arguments)
