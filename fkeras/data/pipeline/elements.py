"""What goes through a pipeline: nested tuples and dicts of NumPy values, scalars and bytes.

As in tf.data, a list is a value and not a structure, Python's numbers are of 32 bits, and strings
are bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from fkeras.data import frames, object_arrays
from fkeras.data.pipeline.host_array import HostArray, as_bytes
from fkeras.errors import UserInputError, UserTypeError

_PYTHON = (bool, int, float, complex, str, bytes)


def unwrap(element: Any, title: str) -> Any:
    """What a user's function or generator gave, as an element of the pipeline.

    Args:
        element: arrays of any library, numbers, strings, lists of those; tuples and dicts of them.
        title: what messages call it.

    Raises:
        UserInputError: for lists of unequal lengths, and for what is no value.
    """
    kind = type(element)
    if kind is tuple:
        return tuple([unwrap(value, title) for value in element])
    if kind is HostArray:
        # A view of the plain type: the wrapped one ends where the user's code does.
        plain = element.view(np.ndarray)
        return plain if plain.ndim else plain[()]
    if isinstance(element, Mapping):
        return {key: unwrap(value, f"{title}[{key!r}]") for key, value in element.items()}
    if isinstance(element, tuple):  # a namedtuple
        return kind(*[unwrap(value, title) for value in element])
    if element is None or hasattr(element, "element_spec") or hasattr(element, "is_composite"):
        return element
    array = to_array(element, title)
    return array if array.ndim else array[()]


def to_array(value: Any, title: str) -> np.ndarray:
    """One value as a NumPy array of numbers, bools or bytes.

    Raises:
        UserInputError: for lists of unequal lengths, and for what is no value.
    """
    if isinstance(value, np.ndarray):
        return _plain(value, title)
    if isinstance(value, jax.Array):
        return np.asarray(value)
    if isinstance(value, np.generic):
        return _plain(np.asarray(value), title)
    if isinstance(value, _PYTHON) or isinstance(value, (list, tuple)):
        return _from_python(value, title)
    if isinstance(value, range):
        return _narrow(np.asarray(value))
    if frames.is_frame(value):
        return frames.array_of_frame(value, title)
    if frames.is_series(value):
        return _plain(frames.array_of_series(value, title), title)
    if isinstance(value, os.PathLike):
        return _from_python(os.fspath(value), title)
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # PyTorch
        value = value.detach().cpu()
    if hasattr(value, "__array__"):
        return _plain(np.asarray(value), title)
    raise UserTypeError(
        f"{title} is of type {type(value).__name__}. Expected arrays, numbers, strings or lists of "
        "those, in tuples and dicts."
    )


def _plain(array: np.ndarray, title: str) -> np.ndarray:
    if type(array) is not np.ndarray:
        array = array.view(np.ndarray)
    kind = array.dtype.kind
    if kind == "O":
        array = object_arrays.to_numeric(array, title)
        return as_bytes(array)
    return as_bytes(array) if kind in "SUT" else array


def _from_python(value: Any, title: str) -> np.ndarray:
    first = value
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    if isinstance(first, bytes):  # NumPy would cut bytes at their trailing zeros
        return _bytes_array(value, title)
    try:
        array = np.asarray(value)
    except ValueError:
        raise UserInputError(
            f"{title} is a list of rows of different lengths. Pad them to one length "
            "(`fkeras.utils.pad_sequences`), or yield them one by one from a generator "
            "(`Dataset.from_generator`) and use `padded_batch`."
        ) from None
    is_python = isinstance(first, _PYTHON) and not isinstance(first, np.generic)
    if not is_python:
        return _plain(array, title) if array.size else array.astype(np.float32)
    return _narrow(_plain(array, title))


def _bytes_array(value: Any, title: str) -> np.ndarray:
    if isinstance(value, bytes):
        scalar = np.empty((), object)
        scalar[()] = value
        return scalar
    return _plain(np.array(value, object), title)


def _narrow(array: np.ndarray) -> np.ndarray:
    """Python's numbers in 32 bits, where they fit."""
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64:
        bounds = np.iinfo(np.int32)
        fits = not array.size or bounds.min <= array.min() and array.max() <= bounds.max
        return array.astype(np.int32) if fits else array
    return array


def map_values(function: Callable[[Any], Any], element: Any) -> Any:
    """`function(value)` for each value of an element, in the same structure; None stays."""
    kind = type(element)
    if kind is tuple:
        return tuple([map_values(function, value) for value in element])
    if kind is dict:
        return {key: map_values(function, value) for key, value in element.items()}
    if element is None:
        return None
    if isinstance(element, tuple):  # a namedtuple
        return kind(*[map_values(function, value) for value in element])
    return function(element)


def values_of(element: Any) -> list[Any]:
    """All values of an element, without its structure."""
    values: list[Any] = []
    map_values(values.append, element)
    return values


def transpose(elements: list[Any], join: Callable[[list[Any], str], Any], name: str = "") -> Any:
    """One element from several: `join(values, place)` for each place of their structure.

    Raises:
        UserInputError: where the structures differ.
    """
    first = elements[0]
    kind = type(first)
    if kind is tuple or hasattr(first, "_fields"):
        if any(type(e) is not kind or len(e) != len(first) for e in elements):
            raise _unlike(elements, name)
        columns = [transpose(list(c), join, f"{name}[{i}]") for i, c in enumerate(zip(*elements))]
        return tuple(columns) if kind is tuple else kind(*columns)
    if kind is dict:
        if any(type(e) is not dict or e.keys() != first.keys() for e in elements):
            raise _unlike(elements, name)
        return {k: transpose([e[k] for e in elements], join, f"{name}[{k!r}]") for k in first}
    if first is None and all(e is None for e in elements):
        return None
    return join(elements, name)


def _unlike(elements: list[Any], name: str) -> UserInputError:
    shown = sorted({_structure(e) for e in elements})
    where = f" at element{name}" if name else ""
    return UserInputError(
        f"Elements of a dataset need one structure{where}. Received: {' and '.join(shown)}."
    )


def _structure(element: Any) -> str:
    if isinstance(element, dict):
        return f"a dict with keys {sorted(map(str, element))}"
    if isinstance(element, tuple):
        return f"a tuple of {len(element)}"
    return "one value"


def stack(values: list[Any], name: str = "") -> np.ndarray:
    """Values of one shape along a new first axis.

    Raises:
        UserInputError: shapes differ.
    """
    first = values[0]
    if isinstance(first, bytes):
        column = np.empty(len(values), object)
        column[:] = values
        return column
    if not isinstance(first, np.ndarray):
        if isinstance(first, np.generic) and all(isinstance(v, np.generic) for v in values):
            return np.array(values)
        _refuse_unequal(values, name)
        raise UserTypeError(
            f"batch: element{name} is a {type(first).__name__}, which cannot be stacked. A dataset "
            "inside of a dataset is taken apart by `flat_map(lambda window: window.batch(n))`."
        )
    shape = first.shape
    if any(type(v) is not np.ndarray or v.shape != shape for v in values):
        _refuse_unequal(values, name)
    # Many times faster than `np.stack`, which makes a new array of each.
    return np.concatenate(values).reshape(len(values), *shape)


def _refuse_unequal(values: list[Any], name: str) -> None:
    shapes = list(dict.fromkeys(np.shape(v) for v in values))
    if len(shapes) > 1:
        shown = ", ".join(map(str, shapes[:4])) + (", ..." if len(shapes) > 4 else "")
        raise UserInputError(
            f"batch: values of different shapes at element{name} cannot be one batch: {shown}. Use "
            "`padded_batch`, or make them equal in a `map` before."
        )
