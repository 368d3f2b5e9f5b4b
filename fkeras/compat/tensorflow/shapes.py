"""`tf.TensorShape`: a tuple of lengths with the methods that TensorFlow's shapes have."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.data.pipeline.tensor_spec import Shape as DataShape
from fkeras.types import Shape


class TensorShape(DataShape):
    """A shape as scripts make one; else a tuple of ints and None.

    Args:
        dims: the lengths of axes, or another shape.

    Examples:
        >>> TensorShape([None, 3]).as_list()
        [None, 3]
        >>> TensorShape([2]) + [3]
        TensorShape([2, 3])
    """

    def __new__(cls, dims: Shape = ()) -> TensorShape:
        dims = (dims,) if isinstance(dims, (int, np.integer)) else dims
        return super().__new__(cls, (None if d is None else int(d) for d in dims))

    def concatenate(self, other: Shape) -> TensorShape:
        """The lengths of both, one after the other."""
        return TensorShape((*self, *other))

    def __add__(self, other: Shape) -> TensorShape:
        return self.concatenate(other)

    def __getitem__(self, key: Any) -> Any:
        item = super().__getitem__(key)
        return TensorShape(item) if isinstance(key, slice) else item

    def __repr__(self) -> str:
        return f"TensorShape({list(self)})"

    def __str__(self) -> str:
        return str(tuple(self))
