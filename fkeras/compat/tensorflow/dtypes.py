"""`tf.float32` and its kin, conversion between dtypes, and questions about them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import ml_dtypes
import numpy as np

from fkeras.core.dtypes import standardize_dtype
from fkeras.errors import UserTypeError
from fkeras.types import DTypeLike


class DType(str):
    """A dtype of TensorFlow: a text that NumPy, JAX and layers take for a dtype.

    Examples:
        >>> tf_float = DType("float32")
        >>> tf_float == np.dtype("float32"), tf_float.size, tf_float.is_floating
        (True, 4, True)
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """Such as `'float32'`."""
        return str(self)

    @property
    def as_numpy_dtype(self) -> type:
        """NumPy's class of such numbers; `object` for strings."""
        return object if self == "string" else np.dtype(self).type

    @property
    def base_dtype(self) -> DType:
        """Itself."""
        return self

    @property
    def is_floating(self) -> bool:
        """Whether it is a float of any width."""
        return "float" in self

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer of any width."""
        return "int" in self

    @property
    def is_unsigned(self) -> bool:
        """Whether it is an integer without a sign."""
        return self.startswith("uint")

    @property
    def is_bool(self) -> bool:
        """Whether it is `bool`."""
        return self == "bool"

    @property
    def is_complex(self) -> bool:
        """Whether it is complex."""
        return self.startswith("complex")

    @property
    def size(self) -> int:
        """Bytes of one number."""
        return 1 if self == "string" else np.dtype(self).itemsize

    @property
    def min(self) -> Any:
        """The least number."""
        return _limits(self).min

    @property
    def max(self) -> Any:
        """The largest number."""
        return _limits(self).max

    @property
    def limits(self) -> tuple[Any, Any]:
        """(0, 1) for floats, as images have them; else the range of the integers."""
        return (0.0, 1.0) if self.is_floating else (0, self.max)

    def is_compatible_with(self, other: DTypeLike) -> bool:
        """Whether it is the same dtype."""
        return self == as_dtype(other)

    def __repr__(self) -> str:
        return f"tf.{self}"


def _limits(dtype: str) -> Any:
    return ml_dtypes.iinfo(dtype) if "int" in dtype else ml_dtypes.finfo(dtype)


def as_dtype(type_value: DTypeLike) -> DType:
    """A dtype in any spelling as TensorFlow's."""
    if type_value in (object, np.object_, bytes, np.bytes_, np.str_):
        return DType("string")
    return DType(
        {"double": "float64", "half": "float16"}.get(type_value, None)
        or ("float32" if type_value is float else standardize_dtype(type_value))
    )


def numpy_dtype(dtype: DTypeLike | None) -> np.dtype | None:
    """NumPy's dtype of any spelling; None stays None."""
    if dtype is None:
        return None
    name = as_dtype(dtype)
    return np.dtype(object if name == "string" else name)


def dtype_in(xp: ModuleType, dtype: DTypeLike) -> np.dtype:
    """The dtype of any spelling in NumPy, or in JAX, which has 32 bits where 64 are off."""
    found = numpy_dtype(dtype)
    return found if xp is np else jax.dtypes.canonicalize_dtype(found)


def cast_host(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`tf.cast` on the host: towards zero; no strings.

    Raises:
        UserTypeError: strings.
    """
    if array.dtype == dtype:
        return array
    if "O" in (array.dtype.kind, dtype.kind):
        raise UserTypeError(
            f"tf.cast: strings cannot be cast ({array.dtype} to {dtype}). Use "
            "`tf.strings.to_number` or `tf.strings.as_string`."
        )
    if array.dtype.kind == "c" and dtype.kind != "c":
        array = array.real
    with np.errstate(invalid="ignore"):  # of NaN as an integer there is no right value
        return array.astype(dtype)


DTYPES: dict[str, Any] = {
    name: DType(name)
    for name in (
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 "
        "complex64 complex128 string"
    ).split()
}
DTYPES.update(half=DTYPES["float16"], double=DTYPES["float64"])
NAMES = {**DTYPES, "DType": DType, "as_dtype": as_dtype}
