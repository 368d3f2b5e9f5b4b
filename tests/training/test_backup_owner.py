"""What a backup belongs to: differences are named, what differs between runs does not count."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.data import make_source
from fkeras.training.backup_owner import describe_owner, differences

X, Y = np.arange(24.0).reshape(8, 3), np.zeros((8, 2))


def describe(x=X, validation=None, arguments=None, dropout=0.5, **options):
    model = fkeras.Sequential(
        [fkeras.Input((3,)), layers.Dropout(dropout), layers.Bidirectional(layers.LSTM(1))]
        if options.pop("rnn", False)
        else [fkeras.Input((3,)), layers.Dropout(dropout), layers.Dense(2, **options)]
    )
    model.compile(fkeras.optimizers.Adam(0.1), "mse")
    source = make_source(x, Y[: len(x)], batch_size=4)
    return describe_owner(model, source, validation, arguments or {})


def test_two_runs_of_one_script_are_the_same():
    first, second = describe(), describe()  # the second one's layers have other names
    assert differences(first, second) == []
    assert first["at_begin"] == {"learning_rate": pytest.approx(0.1)}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"dropout": 0.25}, "fixed layers dropout rate: backup 0.5, now 0.25"),
        ({"dtype": "mixed_bfloat16"}, "fixed layers dense policy: backup float32, now"),
        ({"x": X[:4]}, "fixed data rows: backup 8, now 4"),
        ({"x": X + 1}, "loose data"),
        ({"arguments": {"validation_freq": 2}}, "fixed arguments validation_freq: backup nothing"),
        ({"validation": make_source(X, Y)}, "fixed validation: backup None, now"),
    ],
)
def test_differences_are_named(options, line):
    lines = differences(describe(), describe(**options))
    assert any(found.startswith(line) for found in lines), lines


def test_lists_and_tuples_are_the_same_and_depth_does_not_matter():
    assert differences({"a": {"b": [1, (2,)]}}, {"a": {"b": (1, [2])}}) == []
    assert differences({"a": 1}, {"b": 1}) == [
        "a: backup 1, now nothing",
        "b: backup nothing, now 1",
    ]


class Own(layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def get_config(self):
        raise NotImplementedError

    def call(self, x):
        return self.function(x)


def test_layers_without_a_config_are_known_by_their_class():
    model = fkeras.Sequential([fkeras.Input((3,)), Own(abs)])
    model.compile("sgd", "mse")
    described = describe_owner(model, make_source(iter([]), role="predict"), None, {})
    assert described["fixed"]["layers"]["own"]["class"] == "Own"
    assert described["fixed"]["data"]["kind"] == "generator"
