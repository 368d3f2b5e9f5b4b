"""Numbers of categories as vectors, on the host."""

from __future__ import annotations

import numpy as np

from fkeras.types import Shape


def encode(numbers: np.ndarray, output_mode: str, depth: int, dtype: str | np.dtype) -> np.ndarray:
    """Numbers as they are, or as vectors of 0 and 1, or of counts.

    Args:
        numbers: whole numbers of any shape; those outside of [0, depth) are left out.
        output_mode: 'int'; 'one_hot': a vector for each number; 'multi_hot' and 'count': one for
            all numbers of the last axis.
        depth: length of the vectors.
        dtype: of the result.

    Examples:
        >>> encode(np.array([[0, 2, 2]]), "count", 3, "float32")
        array([[1., 0., 2.]], dtype=float32)
    """
    if output_mode == "int":
        return numbers.astype(dtype)
    if output_mode == "one_hot":
        numbers = numbers[..., 0] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers
        shape = np.shape(numbers) if numbers.ndim else (1,)
        numbers = numbers.reshape(-1, 1)
    else:
        shape = numbers.shape[:-1]
        numbers = numbers.reshape(-1, numbers.shape[-1] if numbers.ndim else 1)
    rows = np.repeat(np.arange(len(numbers)), numbers.shape[-1])
    is_binary = output_mode != "count"
    table = encode_rows(numbers.ravel(), rows, len(numbers), depth, is_binary, dtype)
    return table.reshape(*shape, depth)


def encode_rows(
    numbers: np.ndarray,
    rows: np.ndarray,
    row_count: int,
    depth: int,
    is_binary: bool,
    dtype: str | np.dtype,
) -> np.ndarray:
    """(row_count, depth) which numbers each row has, or how often.

    Args:
        numbers: whole numbers; those outside of [0, depth) are left out.
        rows: the row of each.
        row_count: how many rows there are.
        depth: how many numbers there are.
        is_binary: 0 or 1 rather than counts.
        dtype: of the result.
    """
    inside = (numbers >= 0) & (numbers < depth)
    if not inside.all():
        numbers = numbers[inside]
        rows = rows[inside]
    places = rows * depth + numbers
    if not is_binary:
        counts = np.bincount(places, minlength=row_count * depth)
        return counts.reshape(row_count, depth).astype(dtype)
    table = np.zeros((row_count, depth), dtype)
    table.reshape(-1)[places] = 1
    return table


def encoded_shape(shape: Shape, output_mode: str, depth: int) -> Shape:
    """The shape that `encode` gives of numbers of this shape."""
    if output_mode == "int":
        return tuple(shape)
    if output_mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*(shape or (1,)), depth)
    return (*shape[:-1], depth)
