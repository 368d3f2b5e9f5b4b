"""Nested state as JSON and arrays beside it, and back: what callbacks and data remember."""

from __future__ import annotations

import base64
from typing import Any

import jax
import numpy as np

from fkeras.errors import CorruptFileError, UserTypeError

# The only key of a JSON object that stands for something else than a dict with string keys.
_ARRAY, _BYTES, _TUPLE, _ITEMS = "__array__", "__bytes__", "__tuple__", "__items__"


def pack(value: Any, place: str, arrays: dict[str, np.ndarray]) -> Any:
    """A value as JSON has it.

    Args:
        value: None, bools, numbers, strings, bytes, arrays; lists, tuples and dicts of those.
        place: where it stands, which names its arrays and is in messages.
        arrays: takes the arrays, by place.

    Raises:
        UserTypeError: anything else.

    Examples:
        >>> arrays = {}
        >>> pack({"best": 0.5, "weights": [np.zeros(2)]}, "state", arrays)
        {'best': 0.5, 'weights': [{'__array__': 'state/weights/0'}]}
        >>> sorted(arrays)
        ['state/weights/0']
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, jax.Array, np.generic)):
        arrays[place] = np.asarray(value)
        return {_ARRAY: place}
    if isinstance(value, (bytes, bytearray)):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        items = [pack(item, f"{place}/{i}", arrays) for i, item in enumerate(value)]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and not _is_marked(value):
            return {key: pack(item, f"{place}/{key}", arrays) for key, item in value.items()}
        pairs = [
            [pack(key, f"{place}/{i}/key", arrays), pack(item, f"{place}/{i}", arrays)]
            for i, (key, item) in enumerate(value.items())
        ]
        return {_ITEMS: pairs}
    raise UserTypeError(
        f"{place}: state that outlives the process is made of None, bools, numbers, strings, "
        f"bytes and arrays, in lists, tuples and dicts. Received: {type(value).__name__}."
    )


def unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """What `pack` was given; scalars of NumPy come back as arrays without axes.

    Args:
        value: what `pack` returned. arrays: those that it took.

    Raises:
        CorruptFileError: an array is missing.
    """
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if not _is_marked(value):
        return {key: unpack(item, arrays) for key, item in value.items()}
    ((mark, content),) = value.items()
    try:
        if mark == _ARRAY:
            return arrays[content]
        if mark == _BYTES:
            return base64.b64decode(content)
        if mark == _TUPLE:
            return tuple(unpack(item, arrays) for item in content)
        return {unpack(key, arrays): unpack(item, arrays) for key, item in content}
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"State in the file is damaged: {mark}: {error}.") from None


def _is_marked(value: dict) -> bool:
    return len(value) == 1 and next(iter(value)) in (_ARRAY, _BYTES, _TUPLE, _ITEMS)
