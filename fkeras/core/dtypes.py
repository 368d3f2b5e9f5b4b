"""Dtypes by their plain names."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.settings import floatx
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import DTypeLike

DTYPES = frozenset(
    "bool int4 uint4 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 "
    "float64 complex64 complex128 float8_e4m3fn float8_e5m2 string".split()
)

# As in Keras: Python's numbers are 32 bits.
_FROM_PYTHON: dict[Any, str] = {
    None: "floatx",
    "float": "floatx",
    float: "floatx",
    "int": "int32",
    int: "int32",
    bool: "bool",
    str: "string",
}


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """A dtype in any spelling as its plain name; None for floatx.

    Raises:
        UserInputError: not a dtype, or one that neither NumPy nor JAX has.

    >>> standardize_dtype(np.float32), standardize_dtype("int"), standardize_dtype(None)
    ('float32', 'int32', 'float32')
    """
    if dtype is None or isinstance(dtype, (str, type)):
        dtype = _FROM_PYTHON.get(dtype, dtype)
        if dtype == "floatx":
            return floatx()
    if isinstance(dtype, np.dtype):
        name = _name_of_numpy(dtype)
    else:
        name = dtype if isinstance(dtype, str) else _name_of(dtype)
    if name.startswith("str") or name == "object":  # NumPy's strings are `str96`, or objects
        name = "string"
    if name not in DTYPES:
        raise UserInputError(f"Invalid dtype: {dtype!r}. Expected one of {sorted(DTYPES)}.")
    return name


@functools.cache  # NumPy spells the name anew each time, and each call of a layer asks for it
def _name_of_numpy(dtype: np.dtype) -> str:
    return dtype.name


def _name_of(dtype: Any) -> str:
    try:
        return np.dtype(dtype).name
    except TypeError:  # another library's: PyTorch, TensorFlow
        return str(getattr(dtype, "name", dtype))


def is_float(dtype: DTypeLike) -> bool:
    """Whether it is a float dtype of any width."""
    return "float" in (dtype if isinstance(dtype, str) else standardize_dtype(dtype))


def to_jax_dtype(dtype: str) -> np.dtype:
    """The dtype that JAX computes in, given a plain name: of 32 bits where 64 are off.

    Raises:
        UserInputError: strings.
    """
    if dtype == "string":
        raise UserInputError(
            "A string tensor cannot be evaluated abstractly: strings are looked up on the host, "
            "before the model."
        )
    return jax.dtypes.canonicalize_dtype(dtype)
