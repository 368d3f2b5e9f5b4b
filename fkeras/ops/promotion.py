"""Which dtype comes out: JAX's promotion lattice, with `floatx` for what is weak.

Python scalars, and integers in float functions, follow `floatx`.
"""

import functools

import jax
import numpy as np

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.settings import floatx
from fkeras.errors import UserInputError


def result_type(*dtypes) -> str:
    """The dtype of an operation on values of these dtypes, as a name.

    Args:
        *dtypes: dtypes in any spelling. The Python types `int` and `float` are weak: they take part
            only by their kind. None stands for `floatx()`. Without any, the result is `floatx()`.

    Returns:
        A dtype name; 64-bit types become 32-bit ones unless JAX runs with `jax_enable_x64`.

    Raises:
        UserInputError: for float8 types, which JAX never promotes implicitly.

    Examples:
        >>> result_type("int32", "bfloat16")
        'bfloat16'
        >>> result_type("int32", float)
        'float32'
    """
    return _result_type(floatx(), *dtypes)


# `floatx` is part of the key: it may change between calls.
@functools.lru_cache(1024)
def _result_type(default: str, *dtypes) -> str:
    names = [d if d is int or d is float else standardize_dtype(d) for d in dtypes] or [default]
    if any("float8" in d for d in names if isinstance(d, str)):
        raise UserInputError(
            f"float8 dtypes are never promoted implicitly: cast first. Received: {dtypes}"
        )
    dtype, weak = jax.dtypes.result_type(
        *(d if isinstance(d, type) else jax.numpy.dtype(d) for d in names),
        return_weak_type_flag=True,
    )
    # Weak floats alone, or with integers: JAX says float32, Keras floatx.
    if weak and jax.numpy.issubdtype(dtype, jax.numpy.floating):
        dtype = jax.dtypes.canonicalize_dtype(default)
    return dtype.name


def is_integral(dtype: np.dtype) -> bool:
    """Whether a NumPy dtype is bool, int or uint."""
    return dtype.kind in "biu"
