"""Layers for strings and ids against what Keras on TensorFlow gave for the same calls, which
`data/text_values.json` holds.
"""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

from fkeras import layers

HERE = pathlib.Path(__file__).parent
VALUES = json.loads((HERE / "data" / "text_values.json").read_text())

_spec = importlib.util.spec_from_file_location("text_cases", HERE / "text_cases.py")
text_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(text_cases)


def test_every_case_has_values():
    assert list(text_cases.CASES) == list(VALUES)[1:]


@pytest.mark.parametrize("name", text_cases.CASES)
def test_outputs_and_vocabularies_are_those_of_tensorflow(name):
    case, wanted = text_cases.CASES[name], VALUES[name]
    layer = text_cases.make_layer(case, layers)
    outputs = layer(case["inputs"])
    assert isinstance(outputs, np.ndarray)
    if "vocabulary" in wanted:
        assert layer.get_vocabulary() == wanted["vocabulary"]
    if outputs.dtype.kind == "f":
        np.testing.assert_allclose(outputs, wanted["outputs"], rtol=1e-6)
    else:
        assert outputs.tolist() == wanted["outputs"]


@pytest.mark.parametrize("name", text_cases.CASES)
def test_symbolic_shapes_and_dtypes_are_those_of_the_call(name):
    case = text_cases.CASES[name]
    layer = text_cases.make_layer(case, layers)
    outputs = layer(case["inputs"])
    inputs = case["inputs"]
    is_cross = case["layer"] == "HashedCrossing"
    columns = [np.asarray(column) for column in (inputs if is_cross else [inputs])]
    symbols = [
        layers.Input(batch_shape=x.shape, dtype="string" if x.dtype.kind == "U" else "int64")
        for x in columns
    ]
    symbol = layer(symbols if is_cross else symbols[0])
    assert len(symbol.shape) == outputs.ndim
    assert all(a in (None, b) for a, b in zip(symbol.shape, outputs.shape))
    assert symbol.dtype == ("string" if outputs.dtype == object else outputs.dtype.name)
