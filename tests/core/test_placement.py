import ast
import pathlib

import jax
import numpy as np

import fkeras
from fkeras.core import placement


def test_a_weight_keeps_its_dtype_and_values():
    value = placement.place_weight(np.array([1, 2], np.float16))
    assert isinstance(value, jax.Array) and value.dtype == np.float16
    assert value.tolist() == [1, 2]


def test_rows_keep_their_structure_and_none():
    placed = placement.place_rows({"x": np.ones((3, 2)), "w": None})
    assert isinstance(placed["x"], jax.Array) and placed["w"] is None


def test_an_order_is_of_32_bits():
    assert placement.place_order(np.arange(3)).dtype == np.int32


def test_everything_goes_to_the_device_that_is_open():
    device = jax.devices()[-1]
    with jax.default_device(device):
        assert placement.place_weight(np.ones(2)).device == device


def test_no_other_file_puts_anything_on_a_device():
    root = pathlib.Path(fkeras.__file__).parent
    for path in root.rglob("*.py"):
        if path == pathlib.Path(placement.__file__):
            continue
        calls = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute))
        assert not any(n.attr == "device_put" for n in calls), path
