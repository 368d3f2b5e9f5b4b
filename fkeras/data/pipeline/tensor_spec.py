"""`TensorSpec`: shape and dtype of what a dataset yields, and what is known of them ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fkeras.core import dtypes


class Shape(tuple):
    """Lengths of axes; None where any length may come. A tuple, with what tensors' shapes have."""

    def as_list(self) -> list[int | None]:
        """The lengths as a list."""
        return list(self)

    @property
    def rank(self) -> int:
        """How many axes there are."""
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[int | None]:
        """The same as `as_list()`."""
        return list(self)

    def is_fully_defined(self) -> bool:
        """Whether every length is known."""
        return None not in self

    def num_elements(self) -> int | None:
        """The product of the lengths; None where one is unknown."""
        return None if None in self else int(np.prod(self, dtype=np.int64))

    def is_compatible_with(self, other: Iterable[int | None]) -> bool:
        """Whether a value could have both shapes."""
        other = tuple(other)
        return len(self) == len(other) and all(
            a is None or b is None or a == b for a, b in zip(self, other)
        )


class TensorSpec:
    """Shape and dtype of one value of an element.

    Args:
        shape: lengths of the axes, None for any length; None for any shape.
        dtype: as a name, a NumPy dtype or another library's; strings are `'string'`.
        name: kept.

    Examples:
        >>> from fkeras import data
        >>> dataset = data.Dataset.from_tensor_slices(([[1.0], [2.0]], ["a", "b"])).batch(2)
        >>> dataset.element_spec[0]
        TensorSpec(shape=(None, 1), dtype=float32)
    """

    def __init__(
        self, shape: Iterable[int | None] | None = None, dtype: Any = "float32", name: Any = None
    ) -> None:
        self.shape = None if shape is None else Shape(shape)
        self.dtype = dtypes.standardize_dtype(dtype)
        self.name = name

    def __repr__(self) -> str:
        shape = None if self.shape is None else tuple(self.shape)
        return f"TensorSpec(shape={shape}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        is_spec = isinstance(other, TensorSpec)
        return is_spec and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def is_compatible_with(self, value: Any) -> bool:
        """Whether a spec or array could be described by this one."""
        shape = getattr(value, "shape", ())
        alike = self.shape is None or shape is None or self.shape.is_compatible_with(shape)
        return alike and self.dtype == spec_of(value).dtype

    def with_rows(self, rows: int | None) -> TensorSpec:
        """The spec of several such values along a new first axis."""
        shape = None if self.shape is None else (rows, *self.shape)
        return TensorSpec(shape, self.dtype, self.name)

    def of_row(self) -> TensorSpec:
        """The spec of one row."""
        return TensorSpec(self.shape[1:] if self.shape else None, self.dtype, self.name)


def map_specs(function: Callable[..., Any], spec: Any, *others: Any) -> Any:
    """`function(spec, *others)` for each value of an element's structure."""
    if isinstance(spec, dict):
        return {k: map_specs(function, v, *[o[k] for o in others]) for k, v in spec.items()}
    if isinstance(spec, tuple) and not isinstance(spec, Shape):
        parts = [map_specs(function, *parts) for parts in zip(spec, *others)]
        return type(spec)(*parts) if hasattr(spec, "_fields") else tuple(parts)
    return function(spec, *others)


def spec_of(element: Any) -> Any:
    """The specs of an element, in its structure; a dataset has its own, None stays."""
    return map_specs(_spec_of_value, element)


def _spec_of_value(value: Any) -> Any:
    if value is None or isinstance(value, TensorSpec):
        return value
    if hasattr(value, "element_spec"):
        return value.element_spec
    if isinstance(value, bytes):
        return TensorSpec((), "string")
    return TensorSpec(value.shape, value.dtype)


def of_any_rows(spec: Any, rows: int | None) -> Any:
    """Specs with an unknown first length where it is `rows`: the next batch may have another."""

    def loosen(one: Any) -> Any:
        if isinstance(one, TensorSpec) and one.shape and one.shape[0] == rows:
            return TensorSpec((None, *one.shape[1:]), one.dtype, one.name)
        return one

    return map_specs(loosen, spec) if rows is not None else spec
