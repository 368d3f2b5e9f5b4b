"""The methods that TensorFlow's tensors have and JAX's arrays lack: `x.numpy()`, `x.get_shape()`,
`variable[0].assign(...)`.

`install` adds them to JAX's class, as soon as JAX is there, and `uninstall` takes them away.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from fkeras.core.warn_once import warn_user

_HOST = "/job:localhost/replica:0/task:0/device:CPU:0"
_state = {"wanted": False}
_replaced: dict[tuple[Any, str], Any] = {}  # what each class had before; None: nothing


def want() -> None:
    """From now on they are added, as soon as JAX is loaded."""
    _state["wanted"] = True
    add_if_wanted()


def remove() -> None:
    """Takes them away again."""
    _state["wanted"] = False
    for (cls, name), before in _replaced.items():
        if before is None:
            delattr(cls, name)
        else:
            setattr(cls, name, before)
    _replaced.clear()


def add_if_wanted() -> None:
    """Adds them where this is wanted and was not done. JAX is not loaded for it: scripts set its
    options in the environment first.
    """
    if _state["wanted"] and not _replaced and "jax" in sys.modules:
        for (cls, name), method in _table().items():
            _replaced[cls, name] = vars(cls).get(name)
            setattr(cls, name, method)


def _table() -> dict[tuple[Any, str], Any]:
    import jax
    import numpy as np

    from fkeras.compat import variable_parts
    from fkeras.core import jax_private
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.core.values.variable import Variable
    from fkeras.data.pipeline.host_array import HostArray
    from fkeras.layers.base import arguments
    from fkeras.layers.preprocessing.host_layer import HostLayer

    array, tracer = jax_private.ArrayImpl, jax.core.Tracer
    return {
        **variable_parts.table(),
        (array, "numpy"): _numpy,
        (HostArray, "device"): _HOST,
        (np.random, "choice"): _choice_by_tensors(np.random.choice),
        (arguments, "whole"): _cut_off(arguments.whole),
        (HostLayer, "__call__"): _called_by_script(HostLayer.__call__),
        (Variable, "read_value"): lambda self: self.value,
        (array, "__float__"): lambda self: float(_only_number(self)),
        (array, "__int__"): lambda self: int(_only_number(self)),
        (KerasTensor, "dtype"): property(
            _dtype, lambda self, dtype: vars(self).update(dtype=dtype)
        ),
        (KerasTensor, "shape"): property(_static_shape, KerasTensor.shape.fset),
        **{(cls, "get_shape"): _get_shape for cls in (array, tracer, KerasTensor, Variable)},
        **{(cls, "set_shape"): _set_shape for cls in (array, tracer, KerasTensor)},
    }


def _cut_off(whole: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`Dense(words / 2)`: Keras 2 cut sizes off to whole numbers, Keras 3 refuses them."""

    def lenient(value: Any) -> Any:
        if not isinstance(value, float) or value < 1:
            return whole(value)
        warn_user(f"A size of {value} is cut off to {int(value)}, as in Keras 2. Write `//`.")
        return int(value)

    return lenient


def _dtype(self: Any) -> str:
    """The dtype of a symbolic tensor, with the attributes of `tf.DType`."""
    from fkeras.compat.tensorflow.dtypes import DType

    return DType(vars(self)["dtype"])


def _called_by_script(call: Callable[..., Any]) -> Callable[..., Any]:
    """What layers for texts and ids return outside of models has `numpy()`, too."""
    from fkeras.data.pipeline.host_array import HostArray, host_array
    from fkeras.layers.base import host_values

    @functools.wraps(call)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = call(self, *args, **kwargs)
        if host_values.running() is not None or not hasattr(result, "__array_interface__"):
            return result
        return result if isinstance(result, HostArray) else host_array(result)

    return wrapper


def _choice_by_tensors(choice: Callable[..., Any]) -> Callable[..., Any]:
    """`np.random.choice(n, p=np.squeeze(probabilities))`: NumPy lets float32 sum up to 1 nearly, if
    they are its own. `np.squeeze` of an array of JAX is one of JAX.
    """
    import numpy as np

    @functools.wraps(choice)
    def wrapper(a: Any, size: Any = None, replace: bool = True, p: Any = None) -> Any:
        return choice(a, size, replace, None if p is None else np.asarray(p))

    return wrapper


def _numpy(self: Any) -> Any:
    """The values as a NumPy array of one's own; without axes as NumPy's number."""
    import numpy as np

    from fkeras.core import placement

    return np.array(placement.fetch(self))[()]


def _only_number(array: Any) -> Any:
    """A number for Python, of an array that has one, with axes or without."""
    import numpy as np

    from fkeras.core import placement

    plain = np.asarray(placement.fetch(array))
    return plain.reshape(()) if plain.size == 1 else plain


def _get_shape(self: Any) -> Any:
    """The shape, with the methods of `tf.TensorShape`."""
    from fkeras.compat.tensorflow.shapes import TensorShape

    return TensorShape(self.shape)


def _static_shape(self: Any) -> Any:
    """The shape of a symbolic tensor, as `_get_shape` gives it. (Not of tracers: JAX takes their
    shapes apart as tuples.)
    """
    from fkeras.compat.tensorflow.shapes import TensorShape

    return TensorShape(self._shape)


def _set_shape(self: Any, shape: Any) -> None:
    """Checks the shape: here it is always known."""
    from fkeras.errors import UserInputError

    if not _get_shape(self).is_compatible_with(shape):
        raise UserInputError(f"set_shape({tuple(shape)}): the shape is {tuple(self.shape)}.")
