import ast
import pathlib

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

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


@pytest.mark.parametrize(
    "kind, spec, expected",
    [
        (AxisType.Explicit, P("data"), True),
        (AxisType.Explicit, P(("data",)), True),
        (AxisType.Explicit, P(None, "data"), False),
        (AxisType.Explicit, P(), False),
        (AxisType.Auto, P("data"), False),
    ],
)
def test_rows_on_explicit_axes_are_seen(kind, spec, expected):
    mesh = jax.make_mesh((1,), ("data",), axis_types=(kind,))
    array = jax.device_put(np.ones((4, 2)), NamedSharding(mesh, spec))
    assert placement.has_explicit_rows(array) == expected


def test_other_arrays_have_no_explicit_rows():
    assert not placement.has_explicit_rows(np.ones(3))
    assert not placement.has_explicit_rows(jax.numpy.ones(3))
