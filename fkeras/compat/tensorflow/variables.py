"""`tf.Variable` and `tf.Tensor`: what scripts make, and what they ask `isinstance` for."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from fkeras import initializers
from fkeras.compat.tensorflow.creation import convert_to_tensor
from fkeras.compat.tensorflow.dtypes import as_dtype
from fkeras.compat.tensorflow.shapes import TensorShape
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable as KerasVariable
from fkeras.data.pipeline.host_array import HostArray
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, ShapeLike


class _TensorType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, (jax.Array, HostArray, KerasTensor))


class Tensor(metaclass=_TensorType):
    """What `isinstance` knows JAX arrays, values of `tf.*` on the host and KerasTensors by."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise UserInputError("tf.Tensor makes no tensors. Use `tf.constant`.")


class _VariableType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, KerasVariable)

    def __call__(
        cls,
        initial_value: ArrayLike | Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: DTypeLike | None = None,
        import_scope: Any = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: ShapeLike | None = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> KerasVariable:
        """A `keras.Variable` of TensorFlow's arguments."""
        if initial_value is None:
            raise UserInputError("tf.Variable needs an `initial_value`.")
        if callable(initial_value) and not hasattr(initial_value, "dtype"):
            initial_value = initial_value()
        value = convert_to_tensor(initial_value, dtype)
        if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
            raise UserInputError(
                "tf.Variable holds numbers here. Received: text. Keep text in a list or a NumPy "
                "array, which can be changed as well."
            )
        name = None if name is None else name.replace("/", "_").removesuffix(":0")
        made = KerasVariable(
            value,
            dtype=_narrow(value.dtype),
            trainable=True if trainable is None else bool(trainable),
            name=name,
        )
        if constraint is not None:
            made.constraint = constraint
        return made


def _narrow(dtype: DTypeLike) -> str:
    """The dtype that JAX has: of 32 bits where 64 are off."""
    return str(jax.dtypes.canonicalize_dtype(as_dtype(dtype)))


class Variable(metaclass=_VariableType):
    """`tf.Variable`: calling it makes a `keras.Variable`, and those are its instances.

    Args:
        initial_value: an array or a function without arguments that gives one.
        trainable: whether training changes it.
        name: None for an automatic one.
        dtype: None for that of the value; Python's floats become float32.
    """


NAMES: dict[str, Any] = {
    "Tensor": Tensor,
    "TensorShape": TensorShape,
    "Variable": Variable,
    "constant_initializer": initializers.Constant,
    "ones_initializer": initializers.Ones,
    "random_normal_initializer": initializers.RandomNormal,
    "random_uniform_initializer": initializers.RandomUniform,
    "zeros_initializer": initializers.Zeros,
}
