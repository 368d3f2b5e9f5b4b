"""Whatever holds numbers, once, as the array that a model is given.

Floats become `floatx`; ints, bools and uint8 stay, but for 64-bit ints, which JAX does not have by
default: they become 32-bit ones, and an error where a value does not fit. JAX arrays stay on their
device, strings stay strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import settings
from fkeras.data import frames, object_arrays, sparse
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from typing import TypeVar

    from fkeras.data.source import Array, InMemory

    AnyArray = TypeVar("AnyArray", np.ndarray, jax.Array)


def host_array(value: InMemory, name: str) -> Array:
    """One array: (samples, ...) NumPy array, JAX array, or `SparseRows`.

    Args:
        value: array, list of numbers, frame, series, tensor of another framework, sparse matrix.
        name: the argument's name, for messages.

    Raises:
        UserInputError: for what is no array of numbers or strings, and for one without axes.
    """
    if isinstance(value, jax.core.Tracer):
        raise inside_a_trace(f"{name} is a traced value")
    if isinstance(value, jax.Array):  # stays where it is: a copy to the host would cost most
        return _with_rows(_narrowed_on_device(value), name)
    if frames.is_frame(value):
        return narrowed(frames.array_of_frame(value, name), name)
    if sparse.is_sparse(value):
        return sparse.SparseRows(value)
    if is_lazy_column(value):
        value = value[:]
    if frames.is_series(value):
        array = frames.array_of_series(value, name)
    elif isinstance(value, (list, tuple)):
        array = _array_of_list(value, name)
    else:
        array = _array_of(value, name)
    return _with_rows(narrowed(array, name), name)


def is_lazy_column(value: InMemory) -> bool:
    """Whether a value is a column of a Hugging Face dataset, which is read where it is sliced."""
    return hasattr(value, "column_name") and hasattr(value, "source")


def inside_a_trace(what: str) -> UserInputError:
    """The error for data or a call inside of JAX's transformations; the caller raises it.

    Args:
        what: what was found there.
    """
    return UserInputError(
        f"{what}: `fit`, `evaluate`, `predict` and their kin run compiled programs of their own. "
        "They cannot be called inside of `jax.jit`, `grad`, `vmap`, or of a loss, metric or "
        "`call`. Call the model itself there, `model(x)`; for a training step of your own use "
        "`model.step(state, batch)`."
    )


def narrowed(array: np.ndarray, name: str) -> np.ndarray:
    """The dtype that a model is given; the array itself where it has it already."""
    kind, dtype = array.dtype.kind, array.dtype
    if kind == "O":
        array = object_arrays.to_numeric(array, name)
        return array if array.dtype.kind == "O" else narrowed(array, name)
    if kind in "biu":
        if dtype.itemsize == 8 and not jax.config.jax_enable_x64:
            return _narrow_ints(array, name)
        return array if dtype.isnative else array.astype(dtype.newbyteorder("="))
    # V: bfloat16 and its kin
    if kind == "f" or kind == "V" and jax.numpy.issubdtype(dtype, jax.numpy.floating):
        floatx = jax.dtypes.canonicalize_dtype(settings.floatx())
        with np.errstate(over="ignore"):  # what became infinite, `check_finite` reports
            return array if dtype == floatx else array.astype(floatx)
    if kind == "c":
        return array.astype(jax.dtypes.canonicalize_dtype(dtype))
    if kind in "US":
        return array
    content = "dates or times" if kind in "Mm" else f"values of dtype {dtype}"
    raise UserInputError(f"{name} holds {content}, not numbers. Convert them first.")


def _narrow_ints(array: np.ndarray, name: str) -> np.ndarray:
    """64-bit ints as 32-bit ones, where all of them fit."""
    small = np.int32 if array.dtype.kind == "i" else np.uint32
    bounds = np.iinfo(small)
    if array.size:  # one pass; a wrapped id would be another class without a word
        low, high = array.min(), array.max()
        if low < bounds.min or high > bounds.max:
            misfit = low if low < bounds.min else high
            raise UserInputError(
                f"{name} holds {misfit}, which does not fit into "
                f"{np.dtype(small).name}; JAX has 64-bit ints only after "
                "`jax.config.update('jax_enable_x64', True)`. Use smaller numbers (hash them into "
                "a range), or floats."
            )
    return array.astype(small)


def _narrowed_on_device(array: jax.Array) -> jax.Array:
    floatx = jax.dtypes.canonicalize_dtype(settings.floatx())
    is_float = jax.numpy.issubdtype(array.dtype, jax.numpy.floating)
    return array.astype(floatx) if is_float and array.dtype != floatx else array


def _array_of_list(value: list | tuple, name: str) -> np.ndarray:
    first = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    try:
        # Strings as objects: of dtype `str` each would take as much room as the longest.
        return np.array(value, object if isinstance(first, (str, bytes)) else None)
    except ValueError:
        lengths = sorted({len(v) for v in value if hasattr(v, "__len__")})
        raise UserInputError(
            f"{name} is a list of rows of different lengths ({', '.join(map(str, lengths[:4]))}, "
            "...). Pad them to one length, for example with `fkeras.utils.pad_sequences`."
        ) from None


def _array_of(value: Any, name: str) -> np.ndarray:
    """An array of another framework, or a single number."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise UserInputError(
            f"{name} is a masked array with {int(value.mask.sum())} masked values. Fill them: "
            f"`{name}.filled(...)`."
        )
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # PyTorch
        value = value.detach().cpu()  # NumPy takes no tensor with a gradient, or on a device
    if not hasattr(value, "__array__") and not isinstance(value, (bool, int, float, np.generic)):
        raise UserTypeError(
            f"{name} must be an array, a list of numbers, a DataFrame, or a dict or list of those. "
            f"Received: an object of type {type(value).__name__}."
        )
    return np.asarray(value)


def _with_rows(array: AnyArray, name: str) -> AnyArray:
    """The array itself, unless it has no axis of samples."""
    if not array.ndim:
        raise UserInputError(
            f"{name} is a single number: its first axis must count samples. Received shape (). Use "
            "`np.array([...])`; in a dataset, group the samples into batches first."
        )
    return array
