"""Calls of TensorFlow's functions: each is run by the real TensorFlow once (`make_tf_values.py`),
and by ours in the tests.

`data/tf_calls.txt` has a call a line, in groups. `INPUTS` are made with NumPy alone, so that both
get the same.
"""

import pathlib
import re

import numpy as np

_draw = np.random.default_rng(7)
INPUTS = {
    "f": np.array([[1.5, -2.0, 0.25], [3.0, -0.5, 4.0]], np.float32),
    "g": np.array([[0.5, 1.0, 2.0], [-1.0, 3.0, 0.1]], np.float32),
    "p": np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]], np.float32),
    "q": np.array([0.1, 0.9, 0.4, 0.9], np.float32),
    "i": np.array([[7, -3, 2], [0, 5, -8]], np.int32),
    "j": np.array([[2, 2, -5], [3, -2, 3]], np.int32),
    "k": np.array([3, 1, 2, 1, 3, 9], np.int64),
    "b": np.array([[True, False, True], [False, False, True]]),
    "u": np.array([[0, 100, 255], [7, 128, 3]], np.uint8),
    "d": np.array([0.5, 1.5, 2.5, -1.5]),
    "m": np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]], np.float32),
    "n": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "z": np.array([1 + 2j, 3 - 1j], np.complex64),
    "row": np.array([1.0, 2.0, 3.0], np.float32),
    "image": _draw.random((6, 5, 3), np.float32),
    "images": _draw.random((2, 4, 6, 3), np.float32),
    "bytes_image": _draw.integers(0, 256, (5, 6, 3)).astype(np.uint8),
    "kernel": _draw.normal(size=(3, 3, 3, 2)).astype(np.float32),
}

_TEXT = (pathlib.Path(__file__).parent / "data" / "tf_calls.txt").read_text()
_SECTIONS = re.findall(r"^# (\w+)\n(.*?)(?=^# |\Z)", _TEXT, re.DOTALL | re.MULTILINE)
GROUPS = {name: [line for line in lines.splitlines() if line] for name, lines in _SECTIONS}


def calls(group):
    """The calls of a group."""
    return GROUPS[group]


def run(call, tf):
    """The result of one call."""
    return eval(call, {"tf": tf, "np": np, **INPUTS})


def describe(result):
    """A result as JSON: its dtype, shape and values; a list of these for several tensors."""
    if isinstance(result, (list, tuple)) and not hasattr(result, "numpy"):
        return [describe(part) for part in result]
    if hasattr(result, "numpy"):
        result = result.numpy()
    if isinstance(result, bytes):
        result = np.array(result, object)
    array = np.asarray(result)
    values = array.ravel().tolist()
    if array.dtype.kind == "O":
        values = [value.decode("latin1") for value in values]
    if array.dtype.kind == "c":
        values = [part for value in values for part in (value.real, value.imag)]
    if array.dtype.kind == "f":
        values = [float(f"{value:.7g}") for value in values]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values}
