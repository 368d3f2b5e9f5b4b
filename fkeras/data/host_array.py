"""`HostArray`: a NumPy array with the few methods that TensorFlow's tensors have beside it.

Elements of data sets and results of `tf.*` on values of the host are such arrays, so that scripts
may call `.numpy()` on them, and no call of JAX is made for each element.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, Shape


class TensorShape(tuple):
    """A shape with the methods of `tf.TensorShape`; else a tuple of ints and None.

    Args:
        dims: the dimensions, or another shape.

    Examples:
        >>> TensorShape([None, 3]).as_list()
        [None, 3]
    """

    __slots__ = ()

    def __new__(cls, dims: Shape = ()) -> TensorShape:
        dims = (dims,) if dims is None or isinstance(dims, (int, np.integer)) else dims
        return super().__new__(cls, (None if d is None else int(d) for d in dims))

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[int | None]:
        """The same as `as_list()`."""
        return list(self)

    def as_list(self) -> list[int | None]:
        """The dimensions as a list."""
        return list(self)

    def num_elements(self) -> int | None:
        """The product of the dimensions; None where one is unknown."""
        return None if None in self else int(np.prod(self, dtype=np.int64))

    def is_fully_defined(self) -> bool:
        """Whether no dimension is None."""
        return None not in self

    def is_compatible_with(self, other: Shape) -> bool:
        """Whether the shapes agree wherever both are known."""
        other = tuple(other)
        return len(self) == len(other) and all(
            a is None or b is None or a == b for a, b in zip(self, other)
        )

    def concatenate(self, other: Shape) -> TensorShape:
        """The dimensions of both, one after the other."""
        return TensorShape((*self, *other))

    def __add__(self, other: Shape) -> TensorShape:
        return self.concatenate(other)

    def __getitem__(self, key: Any) -> Any:
        item = super().__getitem__(key)
        return TensorShape(item) if isinstance(key, slice) else item

    def __repr__(self) -> str:
        return f"TensorShape({list(self)})"


class HostArray(np.ndarray):
    """A NumPy array that has TensorFlow's `.numpy()`. What is computed from it is one, too.

    A single element taken out of it is an array without axes, which has the method as well.

    Examples:
        >>> x = host_array([1.0, 2.0])
        >>> x[0].numpy(), (x * 2).numpy().tolist()
        (np.float64(1.0), [2.0, 4.0])
    """

    def numpy(self) -> Any:
        """The plain NumPy array; without axes the scalar, which is `bytes` for a string."""
        return np.asarray(self)[()]

    @property
    def shape(self) -> TensorShape:
        """The shape: a tuple with `as_list()`."""
        return TensorShape(super().shape)

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    def set_shape(self, shape: Shape) -> None:
        """Checks the shape, as TensorFlow does where it is known.

        Raises:
            UserInputError: it is another one.
        """
        if not self.shape.is_compatible_with(shape):
            raise UserInputError(f"set_shape({tuple(shape)}): the array has shape {self.shape}.")

    def __getitem__(self, key: Any) -> Any:
        item = super().__getitem__(key)
        return item if isinstance(item, np.ndarray) else host_array(item)

    def __iter__(self) -> Iterator[HostArray]:
        if not self.ndim:
            raise TypeError("iteration over an array without axes")
        return (self[i] for i in range(len(self)))

    # Texts are bytes here, and scripts compare them with those of Python.
    def __eq__(self, other: object) -> Any:
        return super().__eq__(self._comparable(other))

    def __ne__(self, other: object) -> Any:
        return super().__ne__(self._comparable(other))

    __hash__ = None

    def _comparable(self, other: object) -> Any:
        if self.dtype.kind != "O" or not isinstance(other, (str, list, tuple, np.ndarray)):
            return other
        return np.asarray(host_array(other))

    def __repr__(self) -> str:
        return "HostArray" + repr(np.asarray(self))[len("array") :].replace("\n", "\n    ")

    def __str__(self) -> str:
        return str(np.asarray(self))

    def __truediv__(self, other: Any) -> Any:
        # As TensorFlow: bytes of images become float32, not NumPy's 64 bits.
        if self.dtype.kind in "iu" and self.dtype.itemsize <= 2:
            return np.ndarray.__truediv__(self.astype(np.float32), other)
        return super().__truediv__(other)


def host_array(value: ArrayLike) -> HostArray:
    """Any value of the host as a `HostArray`, without a copy where it is an array.

    Text becomes bytes in UTF-8, as in TensorFlow.
    """
    # Not by way of NumPy's own texts, which lose zeros at the end.
    array = np.array(value, object) if isinstance(value, (str, bytes)) else np.asarray(value)
    if array.dtype.kind in "US" or isinstance(value, str):
        array = text_array(array)
    return array.view(HostArray)


def text_array(array: np.ndarray) -> np.ndarray:
    """An array of texts of any kind as one of `bytes` objects."""
    result = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        item = array[index]
        result[index] = item.encode() if isinstance(item, str) else bytes(item)
    return result
