"""Dtypes by their plain names."""

import jax
import numpy as np

from fkeras.core.settings import floatx
from fkeras.errors import UserInputError


def standardize_dtype(dtype) -> str:
    """A dtype in any spelling as its plain name: `np.float32`, `jnp.bfloat16`, `'int'` ->
    `'float32'`, `'bfloat16'`, `'int32'`.
    """
    from_python = {
        None: "floatx",
        "float": "floatx",
        float: "floatx",
        "int": "int32",
        int: "int32",
        bool: "bool",
        str: "string",
    }
    if dtype is None or isinstance(dtype, (str, type)):
        dtype = from_python.get(dtype, dtype)
        if dtype == "floatx":
            return floatx()
    if isinstance(dtype, str):
        name = dtype
    else:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = str(getattr(dtype, "name", dtype))
    if name.startswith("str") or name == "object":
        name = "string"
    if name not in DTYPES:
        raise UserInputError(f"Invalid dtype: {dtype!r}. Expected one of {sorted(DTYPES)}.")
    return name


DTYPES = frozenset(
    "bool int4 uint4 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 "
    "float64 complex64 complex128 float8_e4m3fn float8_e5m2 string".split()
)


def to_jax_dtype(dtype):
    if dtype == "string":
        raise UserInputError(
            "A string tensor cannot be evaluated abstractly: strings are looked up on the host, "
            "before the model."
        )
    return jax.dtypes.canonicalize_dtype(dtype)
