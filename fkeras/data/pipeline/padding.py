"""Batches of values of different shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.data.pipeline import elements
from fkeras.errors import UserInputError


def pad(part: list[Any], shapes: Any, values: Any) -> Any:
    """A batch of elements whose values are padded to one shape each.

    Args:
        part: elements.
        shapes: in the structure of an element, where -1 and None stand for the longest of the
            batch; None for the longest everywhere.
        values: what is put there, one for all or in the structure of an element; None for zeros
            and empty strings.

    Raises:
        UserInputError: a value is longer than its shape, or ranks differ.
    """
    return _pad(part, shapes, values, "")


def _pad(part: list[Any], shapes: Any, values: Any, name: str) -> Any:
    first = part[0]
    if isinstance(first, tuple):
        shapes = _parts(shapes, len(first), "padded_shapes", name)
        values = _parts(values, len(first), "padding_values", name)
        columns = [
            _pad(list(c), s, v, f"{name}[{i}]")
            for i, (c, s, v) in enumerate(zip(zip(*part), shapes, values))
        ]
        return type(first)(*columns) if hasattr(first, "_fields") else tuple(columns)
    if isinstance(first, dict):
        pick = lambda given, key: given[key] if isinstance(given, dict) else given
        return {
            key: _pad(
                [e[key] for e in part], pick(shapes, key), pick(values, key), f"{name}[{key!r}]"
            )
            for key in first
        }
    return _pad_values(part, shapes, values, name)


def _parts(given: Any, count: int, argument: str, name: str) -> Any:
    if given is None or not isinstance(given, (tuple, list)):
        return [given] * count
    if len(given) != count:
        raise UserInputError(
            f"Dataset.padded_batch: `{argument}` has {len(given)} entries, element{name} has "
            f"{count}."
        )
    return given


def _pad_values(part: list[Any], shape: Any, value: Any, name: str) -> np.ndarray:
    arrays = [elements.to_array(v, f"element{name}") for v in part]
    shape = _target(arrays, shape, name)
    first = arrays[0]
    if value is None:
        value = b"" if first.dtype.kind == "O" else 0
    if isinstance(value, str):
        value = value.encode()
    batch = np.empty((len(arrays), *shape), first.dtype)
    batch[...] = value
    for row, array in zip(batch, arrays) if shape else enumerate(arrays):
        if shape:
            row[tuple(map(slice, array.shape))] = array
        else:
            batch[row] = array[()]
    return batch


def _target(arrays: list[np.ndarray], shape: Any, name: str) -> tuple[int, ...]:
    ranks = {a.ndim for a in arrays}
    if len(ranks) > 1:
        raise UserInputError(
            f"Dataset.padded_batch: element{name} has values of {' and '.join(map(str, ranks))} "
            "axes. Padding changes lengths only."
        )
    longest = np.max([a.shape for a in arrays], axis=0).tolist() if ranks != {0} else []
    wanted = [None] * len(longest) if shape is None else list(np.atleast_1d(_listed(shape)))
    if len(wanted) != len(longest):
        raise UserInputError(
            f"Dataset.padded_batch: `padded_shapes` has {len(wanted)} axes for element{name}, "
            f"which has {len(longest)}. Received: {shape}"
        )
    lengths = [n if w is None or w == -1 else int(w) for w, n in zip(wanted, longest)]
    if any(n > target for target, n in zip(lengths, longest)):
        raise UserInputError(
            f"Dataset.padded_batch: element{name} has a value of shape {tuple(longest)}, longer "
            f"than `padded_shapes` {tuple(lengths)}. Cut it in a `map` before."
        )
    return tuple(lengths)


def _listed(shape: Any) -> np.ndarray:
    return np.array(shape.as_list() if hasattr(shape, "as_list") else shape, object)
