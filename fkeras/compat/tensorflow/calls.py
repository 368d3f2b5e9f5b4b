"""Where a function of tensors computes: with NumPy on the host, or as an operation of JAX.

A call with a JAX array, a tracer, a Variable or a KerasTensor among its arguments is an operation
(`core.symbolic.op`): it is traced, differentiated and recorded like those of `fkeras.ops`. Any
other call is of the host, and costs no dispatch of JAX.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.config import registry
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.data.pipeline.host_array import as_bytes, host_array
from fkeras.errors import UserInputError, UserTypeError
from fkeras.types import Shape, TensorLike

_SCALARS = (bool, int, float, complex)
_of_device: dict[type, bool] = {}
_config_names: set[str] = set()


def is_on_device(values: Iterable[Any]) -> bool:
    """Whether a value of JAX or a symbolic one is among them, looking into lists and dicts."""
    for value in values:
        cls = type(value)
        if cls is list or cls is tuple:
            if is_on_device(value):
                return True
        elif cls is dict:
            if is_on_device(value.values()):
                return True
        else:
            known = _of_device.get(cls)
            if known is None:
                known = _of_device[cls] = _is_of_device(cls)
            if known:
                return True
    return False


def _is_of_device(cls: type) -> bool:
    kinds = (jax.Array, jax.core.Tracer, KerasTensor)
    return issubclass(cls, kinds) or hasattr(cls, "__jax_array__")


def is_traced(*values: Any) -> bool:
    """Whether a value is known only when the program runs."""
    return any(isinstance(x, (jax.core.Tracer, KerasTensor)) for x in values)


# -- values of the host ----------------------------------------------------------------------------


def to_numpy(value: Any, dtype: np.dtype | None = None) -> np.ndarray:
    """A value of the host as TensorFlow reads it: Python's floats have 32 bits, and its integers.

    Args:
        value: a number, text, an array, or a nested list of them.
        dtype: what Python's numbers become; None: as above. Arrays keep their own.

    Raises:
        UserTypeError: a nested list whose rows differ in length, or a number that `dtype` has not.
    """
    if isinstance(value, np.ndarray):
        return np.asarray(value) if value.dtype.kind not in "US" else np.asarray(host_array(value))
    leaf = _first_leaf(value)
    is_text = isinstance(leaf, (str, bytes))
    try:
        array = np.array(value, object) if is_text else np.asarray(value)
    except ValueError as error:
        raise UserTypeError(
            f"Can't convert a nested list of ragged rows to a tensor: {error}"
        ) from None
    if is_text:
        return np.asarray(as_bytes(array))
    if isinstance(leaf, (np.generic, np.ndarray)):
        return np.asarray(host_array(array)) if array.dtype.kind in "US" else array
    if dtype is not None:
        return _as_exactly(array, dtype)
    narrow = _NARROW.get(array.dtype)
    return array if narrow is None else _as_exactly(array, narrow)


_NARROW = {
    np.dtype("float64"): np.dtype("float32"),
    np.dtype("int64"): np.dtype("int32"),
}


def _first_leaf(value: Any) -> Any:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _as_exactly(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Python's numbers in a dtype; an error where they would lose a fraction, or wrap round."""
    if array.dtype.kind in "fc" and dtype.kind in "iub" and array.size:
        raise UserTypeError(f"Cannot convert {array.ravel()[0]} to a tensor of dtype {dtype}.")
    if dtype.kind in "iu" and array.dtype.kind in "iu" and array.size:
        limits = np.iinfo(dtype)
        if array.max() > limits.max or array.min() < limits.min:
            raise UserInputError(
                f"Integers from {array.min()} to {array.max()} do not fit into {dtype}. Pass a "
                "wider dtype: `tf.constant(x, tf.int64)`."
            )
    return array.astype(dtype)


def wrap(result: Any) -> Any:
    """NumPy's results as `HostArray`s, also in tuples and lists."""
    if isinstance(result, (np.ndarray, np.generic)):
        return host_array(result)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*map(wrap, result))
    if isinstance(result, (tuple, list)):
        return type(result)(map(wrap, result))
    return result


def shape_tuple(shape: Any) -> tuple[int, ...]:
    """A shape in any form as a tuple of ints; None, of an unknown batch, becomes -1."""
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    if getattr(shape, "ndim", 1) == 0:
        return (int(shape),)
    return tuple(-1 if d is None else int(d) for d in shape)


def axis_of(axis: Any) -> Any:
    """An axis or several in any form: an int, a tuple of ints, or None."""
    if axis is None or isinstance(axis, int):
        return axis
    if isinstance(axis, (list, tuple)) or getattr(axis, "ndim", 0):
        return tuple(int(a) for a in axis)
    return int(axis)


# -- functions of tensors --------------------------------------------------------------------------


def tensors(
    count: int | None, name: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: makes a function of `(xp, ...)` one of tensors.

    Args:
        count: how many of its first arguments are tensors: they come as arrays of `xp`, where
            Python's numbers and lists take the dtype of the first array among them. None: the
            first one is a list of tensors.
        name: of the function; None for its own. No two in a module have the same.
    """

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        fn.__name__ = name or fn.__name__
        parameters = list(inspect.signature(fn).parameters.values())[1:]
        names = tuple(p.name for p in parameters[: 1 if count is None else count])
        signature = inspect.Signature(parameters)

        def on_device(*args: Any, **kwargs: Any) -> Any:
            args, kwargs = _convert(names, args, kwargs, _to_jax, count is None)
            return fn(jnp, *args, **kwargs)

        on_device.__name__ = on_device.__qualname__ = fn.__name__
        on_device.__doc__ = fn.__doc__
        on_device.__signature__ = signature
        operation = op(on_device)
        # How the configs of functional models name it: `arranging.concat` of `tensorflow`.
        module = fn.__module__.rpartition(".")[2]
        operation.config_name = f"{module}.{fn.__name__}"
        if operation.config_name in _config_names:
            raise RuntimeError(f"two functions are called {operation.config_name}")
        _config_names.add(operation.config_name)
        registry.add_builtins("tensorflow", {operation.config_name: operation})

        @functools.wraps(on_device)
        def function(*args: Any, **kwargs: Any) -> Any:
            kwargs.pop("name", None)
            if is_on_device(args) or (kwargs and is_on_device(kwargs.values())):
                return operation(*args, **kwargs)
            args, kwargs = _convert(names, args, kwargs, to_numpy, count is None)
            with np.errstate(all="ignore"):  # TensorFlow gives inf and NaN without a word
                return wrap(fn(np, *args, **kwargs))

        function.__signature__ = signature
        return function

    return decorate


def table(
    functions: Mapping[str, Callable[..., Any]], count: int | None = 1
) -> dict[str, Callable[..., Any]]:
    """A table of functions of `(xp, ...)` as one of functions of tensors.

    Args:
        functions: by name.
        count: how many of their first arguments are tensors.
    """
    return {name: tensors(count, name)(fn) for name, fn in functions.items()}


def _to_jax(value: Any, dtype: Any = None) -> Any:
    """What jax.numpy takes. Python's numbers stay weakly typed."""
    if isinstance(value, jax.Array) or type(value) in _SCALARS:
        return value
    if hasattr(type(value), "__jax_array__"):
        return value.__jax_array__()
    if isinstance(value, (list, tuple)) and is_on_device(value):
        return jnp.stack([jnp.asarray(_to_jax(v, dtype)) for v in value])
    return jnp.asarray(to_numpy(value, None if dtype is None else np.dtype(dtype)))


def _convert(
    names: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    convert: Callable[..., Any],
    is_list: bool,
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with tensors made arrays."""
    arguments = list(args)
    if is_list:
        if arguments:
            arguments[0] = _convert_list(arguments[0], convert)
        else:
            kwargs = {**kwargs, names[0]: _convert_list(kwargs[names[0]], convert)}
        return arguments, kwargs
    count = min(len(names), len(arguments))
    named = [name for name in names[count:] if kwargs.get(name) is not None]
    dtype = _common_dtype([*arguments[:count], *(kwargs[name] for name in named)])
    for i in range(count):
        if arguments[i] is not None:
            arguments[i] = convert(arguments[i], dtype)
    if named:
        kwargs = {**kwargs, **{name: convert(kwargs[name], dtype) for name in named}}
    return arguments, kwargs


def _convert_list(values: Any, convert: Callable[..., Any]) -> list[Any]:
    if getattr(values, "ndim", 0):  # an array is the list of its rows
        return [convert(values[i]) for i in range(values.shape[0])]
    values = list(values) if isinstance(values, (list, tuple)) else [values]
    dtype = _common_dtype(values)
    return [convert(value, dtype) for value in values]


def _common_dtype(values: list[Any]) -> Any:
    """The dtype of the first value that has one, where Python's numbers are among the others."""
    if len(values) < 2:
        return None
    for value in values:
        dtype = getattr(value, "dtype", None)
        if dtype is not None:
            return np.dtype(dtype)
    if any(type(v) is float or type(_first_leaf(v)) is float for v in values):
        return np.dtype("float32")  # 2 beside 0.5
    return None


def known(value: TensorLike, what: str) -> np.ndarray:
    """The value as an array of the host.

    Args:
        value: any.
        what: who needs it, for the error.

    Raises:
        UserInputError: it is known only when the program runs.
    """
    if is_traced(value):
        raise UserInputError(
            f"{what} needs a value that is known only when the compiled program runs. Compute it "
            "outside of the model, or pass it as an argument."
        )
    return to_numpy(np.asarray(value) if hasattr(value, "dtype") else value)


def shape_of(x: Any) -> Shape:
    """The static shape of a tensor of any kind or of a nested list."""
    return tuple(x.shape) if hasattr(x, "shape") else to_numpy(x).shape
