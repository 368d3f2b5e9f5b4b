"""Arrays and their dtypes: conversion, casting, looking at them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.settings import floatx
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.known_values import keeping_sizes
from fkeras.ops.promotion import is_integral
from fkeras.types import DTypeLike, Shape, Tensor, TensorLike

_SCALARS = (bool, int, float, complex)


def as_tensor(x: TensorLike) -> jax.typing.ArrayLike:
    """`x` as what jax.numpy functions take.

    Lists and NumPy arrays become arrays, Python scalars stay weakly typed scalars.
    """
    if isinstance(x, jax.Array) or type(x) in _SCALARS:
        return x
    return as_array(x)


def as_array(x: TensorLike, dtype: DTypeLike | None = None) -> jax.Array:
    """`x` as an array. Integers that JAX would cut to 32 bits are an error, not another number."""
    if isinstance(x, jax.Array):
        return x if dtype is None or x.dtype == dtype else x.astype(dtype)
    # JAX cuts 64-bit integers without a word: ids of 2**32 and 0 would be one.
    if (
        isinstance(x, (np.ndarray, np.generic))
        and x.dtype in (np.int64, np.uint64)
        and not jax.config.jax_enable_x64
    ):
        _refuse_overflow(x, dtype)
    if dtype == "bfloat16":  # NumPy readers of files cannot make it themselves
        return jnp.asarray(x).astype(dtype)
    return jnp.asarray(x, dtype=dtype)


def _refuse_overflow(x: np.ndarray | np.generic, dtype: DTypeLike | None) -> None:
    """Raises for 64-bit integers that JAX would cut to 32 bits."""
    limits = np.iinfo("int32" if x.dtype == np.int64 else "uint32")
    if dtype is not None and not is_integral(jnp.dtype(dtype)):
        return
    if x.size and (x.max() > limits.max or x.min() < limits.min):
        raise UserInputError(
            f"Integers from {x.min()} to {x.max()} do not fit into {limits.dtype}, JAX's widest "
            "integer by default. Map them to smaller ids first, or enable 64-bit numbers: "
            "jax.config.update('jax_enable_x64', True)."
        )


def as_float(x: TensorLike) -> jax.Array:
    """`x` as an array of a float (or complex) dtype: integers and bools become `floatx()`."""
    x = as_array(x)
    return x.astype(floatx()) if is_integral(x.dtype) else x


def widen(x: jax.Array) -> jax.Array:
    """float16 and bfloat16 as float32, in which long sums keep range and digits; others as are."""
    return x.astype("float32") if x.dtype in (jnp.float16, jnp.bfloat16) else x


def optional_dtype(dtype: DTypeLike | None) -> str | None:
    """The plain name of a dtype; None stays None."""
    return None if dtype is None else standardize_dtype(dtype)


def _convert_spec(
    x: KerasTensor,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> KerasTensor:
    if not isinstance(x, KerasTensor):
        raise UserInputError(
            "convert_to_tensor: a list that holds KerasTensors cannot be converted. Join them with "
            "`ops.stack`."
        )
    return KerasTensor(
        x.shape, dtype=x.dtype if dtype is None else dtype, sparse=x.sparse and sparse is not False
    )


def _convert_sparse(
    fn,
    x: jax.Array,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> Any:
    x = x.todense() if sparse is False else x
    return x if dtype is None else x.astype(standardize_dtype(dtype))


@op(spec=_convert_spec, sparse=_convert_sparse)
@keeping_sizes
def convert_to_tensor(
    x: TensorLike,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> Tensor:
    """`x` (array, Variable, number, nested list) as a JAX array of the same shape.

    Args:
        x: the values. 64-bit types become 32-bit ones; integers that do not fit are an error.
        dtype: dtype name; None keeps the dtype of `x`.
        sparse: False makes sparse arrays dense.
        ragged: must not be True: JAX has no ragged arrays.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.convert_to_tensor([1, 2, 3])
        Array([1, 2, 3], dtype=int32)
    """
    if ragged:
        raise UserInputError(
            "`ragged=True`: JAX has no ragged arrays. Pad them to one length and pass a mask."
        )
    return as_array(x, optional_dtype(dtype))


@op(spec=lambda x: x.__array__())  # raises, and says why
def convert_to_numpy(x: TensorLike) -> np.ndarray:
    """`x` (array, Variable, sparse array, list) as a NumPy array, copied from the device."""
    return np.array(sparse_rules.dense(x))


@op(sparse=lambda fn, x, dtype: x.astype(standardize_dtype(dtype)))
@keeping_sizes
def cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """`x` converted to `dtype`, same shape.

    Floats lose their fraction in integers; what does not fit wraps: see `saturate_cast`.
    """
    return as_array(x, standardize_dtype(dtype))


@op
def saturate_cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """`x` clipped to the range of `dtype`, then converted to it; same shape."""
    x, dtype = as_array(x), standardize_dtype(dtype)
    in_min, in_max = _limits(standardize_dtype(x.dtype))
    out_min, out_max = _limits(dtype)
    low = _inside(max(in_min, out_min), x.dtype)
    high = _inside(min(in_max, out_max), x.dtype)
    clipped = jnp.clip(x, low, high).astype(dtype)
    if float(high) < out_max < in_max:  # float32 cannot hold 2**31 - 1
        clipped = jnp.where(x > high, jnp.asarray(out_max, dtype), clipped)
    return clipped


def _inside(limit: float, dtype: np.dtype) -> np.ndarray:
    """A limit of another dtype as the nearest number of `dtype` that is not beyond it."""
    number = np.asarray(limit).astype(dtype)  # may round away from zero
    beyond = abs(float(number)) > abs(float(limit))
    return np.nextafter(number, number.dtype.type(0)) if beyond else number


def _limits(dtype: str) -> tuple[float, float]:
    """The least and the largest number of a dtype."""
    if dtype == "bool":
        return 0, 1
    info = ml_dtypes.iinfo(dtype) if "int" in dtype else ml_dtypes.finfo(dtype)
    return info.min, info.max


def is_tensor(x: object) -> bool:
    """Whether `x` is a JAX array, a tracer or a sparse JAX array.

    False for NumPy arrays, lists, Variables and KerasTensors.
    """
    return isinstance(x, jax.Array) or sparse_rules.is_sparse(x)


def shape(x: TensorLike) -> Shape:
    """The static shape of an array, Variable or KerasTensor, or of a nested list of numbers.

    None stands for an unknown dimension.
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def dtype(x: TensorLike) -> str:
    """The dtype of an array, Variable or KerasTensor as a name such as `'float32'`."""
    return standardize_dtype(x.dtype)


@op(spec=lambda x: KerasTensor((len(x.shape),), dtype="int32"))
def ndim(x: TensorLike) -> int:
    """The number of axes of `x`: an int.

    On a KerasTensor Keras gives a symbolic tensor; `len(x.shape)` gives the number.
    """
    return len(shape(x))


@op
def stop_gradient(variable: TensorLike) -> Tensor:
    """`variable` unchanged, as a constant for gradients."""
    return jax.lax.stop_gradient(as_tensor(variable))


@op
def array(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """A copy of `x` as an array of the same shape.

    Args:
        x: numbers, nested lists, arrays.
        dtype: dtype name; None keeps the dtype of `x`.
    """
    return jnp.array(as_array(x, optional_dtype(dtype)))


@op(sparse=sparse_rules.zero_preserving)
def copy(x: TensorLike) -> Tensor:
    """A copy of `x`: same shape and dtype."""
    return jnp.copy(as_tensor(x))


@op
def view(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """The bits of `x` read as another dtype; None: `x` itself.

    The last axis grows or shrinks by the ratio of the item sizes.
    """
    return as_array(x).view(optional_dtype(dtype))


@op(spec=lambda x: KerasTensor((), dtype="int32"))
def size(x: TensorLike) -> int:
    """The number of values of `x`: an int; symbolic for a KerasTensor."""
    return int(np.prod(shape(x)))
