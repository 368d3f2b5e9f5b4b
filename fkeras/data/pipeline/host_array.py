"""`HostArray`: what users' functions are given: a NumPy array that is like a tensor, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fkeras.data.pipeline.tensor_spec import Shape
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike


class HostArray(np.ndarray):
    """A NumPy array with `numpy()` and a shape with `as_list()`. Strings are bytes in it.

    Arithmetic on it is NumPy's and gives `HostArray`s. It is a value: `x += 1` makes a new one.

    Examples:
        >>> from fkeras import data
        >>> x = next(iter(data.Dataset.from_tensor_slices([[1.0, 2.0]])))
        >>> x.numpy(), (x / 2).numpy(), x.shape.as_list()
        (array([1., 2.], dtype=float32), array([0.5, 1. ], dtype=float32), [2])
    """

    def numpy(self) -> Any:
        """The plain array; a NumPy scalar or bytes where there are no axes."""
        plain = self.view(np.ndarray)
        return plain if self.ndim else plain[()]

    @property
    def shape(self) -> Shape:
        """Lengths of the axes, a tuple with `as_list()`."""
        return Shape(np.ndarray.shape.__get__(self))

    @shape.setter
    def shape(self, shape: Sequence[int]) -> None:
        np.ndarray.shape.__set__(self, shape)

    def get_shape(self) -> Shape:
        """The same as `shape`."""
        return self.shape

    def set_shape(self, shape: Sequence[int | None]) -> None:
        """Checks that the shape is this one; None stands for any length."""
        if not Shape(shape).is_compatible_with(self.shape):
            raise UserInputError(
                f"set_shape: expected shape {tuple(shape)}. The value has shape {self.shape}."
            )

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        return value if isinstance(value, np.ndarray) else wrap(value)

    def __iter__(self) -> Iterator[Any]:
        return (wrap(value) for value in self.view(np.ndarray))

    def __float__(self) -> float:
        return float(self._only_number())

    def __int__(self) -> int:
        return int(self._only_number())

    def _only_number(self) -> Any:
        # NumPy takes arrays without axes alone, TensorFlow all that have one number.
        plain = self.view(np.ndarray)
        return plain.reshape(()) if plain.size == 1 else plain

    def __truediv__(self, other: Any) -> Any:
        # As in TensorFlow: bytes of images become float32, not NumPy's 64 bits.
        if self.dtype.kind in "iu" and self.dtype.itemsize <= 2:
            return np.ndarray.__truediv__(self.astype(np.float32), other)
        return super().__truediv__(other)

    def __repr__(self) -> str:
        return "HostArray" + repr(self.view(np.ndarray))[len("array") :].replace("\n", "\n    ")

    def __str__(self) -> str:
        return str(self.view(np.ndarray))

    def __fspath__(self) -> str:
        value = self.numpy()
        if not isinstance(value, bytes):
            raise TypeError(f"expected a single string as a path. Received: {self!r}")
        return value.decode()

    def __eq__(self, other: object) -> Any:
        return super().__eq__(_comparable(self, other))

    def __ne__(self, other: object) -> Any:
        return super().__ne__(_comparable(self, other))

    __hash__ = None

    def _not_in_place(self, other: Any) -> Any:
        # Python then computes `x = x + y`: several elements may be views of one array.
        return NotImplemented

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = _not_in_place
    __imod__ = __ipow__ = __iand__ = __ior__ = __ixor__ = _not_in_place


def _comparable(array: HostArray, other: Any) -> Any:
    """`other`, as bytes where strings are compared with strings."""
    if array.dtype.kind != "O":
        return other
    if isinstance(other, str):
        return other.encode()
    if isinstance(other, (list, tuple)) or isinstance(other, np.ndarray):
        return as_bytes(np.asarray(other))
    return other


def as_bytes(strings: np.ndarray) -> np.ndarray:
    """Strings of any dtype as an array of bytes, dtype object; other arrays stay."""
    if strings.dtype.kind == "U" or strings.dtype.kind == "T":
        encoded = np.empty(strings.shape, object)
        encoded.flat[:] = [value.encode() for value in strings.ravel().tolist()]
        return encoded
    if strings.dtype.kind == "S":
        return strings.astype(object)
    if strings.dtype.kind == "O":
        values = strings.ravel().tolist()
        if any(isinstance(value, str) for value in values):
            encoded = np.empty(strings.shape, object)
            encoded.flat[:] = [v.encode() if isinstance(v, str) else v for v in values]
            return encoded
    return strings


def host_array(value: ArrayLike) -> HostArray:
    """A value of the host as a `HostArray`: text as bytes, arrays without a copy."""
    if isinstance(value, (str, bytes)):  # NumPy would cut bytes at their trailing zeros
        scalar = np.empty((), object)
        scalar[()] = value.encode() if isinstance(value, str) else value
        return scalar.view(HostArray)
    return as_bytes(np.asarray(value)).view(HostArray)


def wrap(element: Any) -> Any:
    """An element with its NumPy values as `HostArray`s, in the same structure."""
    kind = type(element)
    if kind is np.ndarray:
        return element.view(HostArray)
    if kind is tuple:
        return tuple([wrap(value) for value in element])
    if isinstance(element, np.generic):
        return np.asarray(element).view(HostArray)
    if kind is bytes:
        scalar = np.empty((), object)
        scalar[()] = element
        return scalar.view(HostArray)
    if kind is dict:
        return {key: wrap(value) for key, value in element.items()}
    if isinstance(element, tuple):  # a namedtuple
        return kind(*[wrap(value) for value in element])
    return element  # None, a dataset of a window
