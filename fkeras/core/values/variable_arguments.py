"""What `Variable` is given, checked and made plain: names, shapes, dtypes and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras import errors
from fkeras.core import jax_private, placement
from fkeras.core.config import registry
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.names import to_snake_case
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, DTypeLike, ShapeLike

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_HOST_VALUES = (bool, int, float, np.ndarray, np.generic)
_MOST_ON_HOST = 1 << 16  # elements: larger values are not copied once more
_SYNCHRONIZATIONS = (None, "none", "auto", "on_read", "on_write")


def check_name(name: object) -> None:
    """Raises unless it can be one part of a path."""
    if not isinstance(name, str) or "/" in name:
        raise UserInputError(
            "Argument `name` must be a string and cannot contain character `/`. Received: "
            f"name={name}"
        )


def check_replica_options(aggregation: str | None, synchronization: str | None) -> None:
    """Raises unless both are among the words that Keras takes."""
    for argument, value, choices in (
        ("aggregation", aggregation, _AGGREGATIONS),
        ("synchronization", synchronization, _SYNCHRONIZATIONS),
    ):
        if value not in choices:
            raise UserInputError(
                f"Invalid value for argument `{argument}`. Expected one of {choices}. Received: "
                f"{argument}={value}"
            )


def initializer_named(name: str) -> Callable[..., Any]:
    """The initializer of a name such as `'zeros'` or `'GlorotUniform'`, made with its defaults."""
    builtins = registry.builtins_of("keras.initializers")
    cls = builtins.get(name) or {to_snake_case(n): c for n, c in builtins.items()}.get(name)
    if cls is None:
        raise errors.unknown_name("initializer", name, builtins)
    return cls() if isinstance(cls, type) else cls


def full_shape(shape: ShapeLike, path: str) -> tuple[int, ...]:
    """A shape as a tuple of ints; an error where a dimension is unknown or negative."""
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(d is None for d in shape):
        raise UserInputError(
            "Shapes used to initialize variables must be fully-defined (no `None` dimensions). "
            f"Received: shape={shape} for variable path='{path}'"
        )
    if any(int(d) < 0 for d in shape):
        raise UserInputError(
            f"Variable {path!r}: dimensions cannot be negative. Received: shape={shape}"
        )
    return tuple(int(d) for d in shape)


def check_value_shape(shape: ShapeLike | None, value: jax.Array, path: str) -> None:
    """Raises where a shape was asked for beside a value of another."""
    if shape is not None and tuple(shape) != value.shape:
        raise UserInputError(
            f"Variable {path!r}: the value has shape {value.shape}, but "
            f"shape={tuple(shape)} was asked for."
        )


def kept_dtype(dtype: DTypeLike | None, path: str) -> str:
    """The dtype that a Variable keeps its value in: 64 bits only where JAX computes in them."""
    dtype = standardize_dtype(dtype)
    if dtype in ("float64", "int64", "uint64", "complex128") and not jax.config.jax_enable_x64:
        # Integers of 32 bits do for counts. Floats are asked for because of their precision.
        if dtype == "float64":
            refuse_float64(f"Variable {path!r}")
        return str(jax.dtypes.canonicalize_dtype(dtype))
    return dtype


def refuse_float64(who: str) -> None:
    """Raises where JAX would quietly compute in float32 instead.

    Args:
        who: has that dtype, for the message.
    """
    if not jax.config.jax_enable_x64:
        raise UserInputError(
            f"{who} has dtype float64, which JAX computes in float32 unless told otherwise. Write "
            "`jax.config.update('jax_enable_x64', True)` first, or use float32."
        )


def on_host(value: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """An array as one of `dtype`, without a device."""
    return value.astype(jax.dtypes.canonicalize_dtype(standardize_dtype(dtype)), copy=False)


def _on_host_as(value: Any, dtype: DTypeLike | None) -> np.ndarray | None:
    """A small value of the host's as an array of its own; None for what JAX should convert.

    JAX compiles a program for each shape that it converts.
    """
    is_number = type(value) in (bool, int, float)
    array = np.asarray(value)
    if array.size > _MOST_ON_HOST or array.dtype.kind not in "buif":
        return None
    if dtype is None and type(value) is not float:
        wanted = jax.dtypes.canonicalize_dtype(array.dtype)
    else:
        wanted = jax.dtypes.canonicalize_dtype(standardize_dtype(dtype))
    if wanted.kind not in "buif" or not np.can_cast(array.dtype, wanted, "same_kind"):
        return None
    with np.errstate(all="ignore"):  # too large becomes infinite, as in JAX
        return np.array(value, wanted) if is_number and dtype is not None else array.astype(wanted)


def as_value(value: ArrayLike, dtype: DTypeLike | None) -> jax.Array:
    """The value as an array of `dtype` (None: its own, Python floats as floatx)."""
    if isinstance(value, nnx.Variable):
        value = value._raw_value
    if isinstance(value, _HOST_VALUES) and not jax_private.is_staging(jax_private.current_trace()):
        array = _on_host_as(value, dtype)
        if array is not None:
            return placement.place_small(array)
    if dtype is None:
        if isinstance(value, (jax.Array, np.ndarray, np.generic)):
            return jnp.asarray(value)
        array = np.asarray(value)
        return jnp.asarray(array, standardize_dtype(None) if array.dtype.kind == "f" else None)
    dtype = standardize_dtype(dtype)
    if isinstance(value, jax.Array) and value.dtype.name == dtype:
        return value
    return jnp.asarray(value, dtype=jax.dtypes.canonicalize_dtype(dtype))
