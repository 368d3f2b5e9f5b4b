"""`HostLayer`: a layer that computes with NumPy on the host, since JAX has no strings."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import tracebacks
from fkeras.core.nested import map_structure
from fkeras.core.symbolic.argument_kinds import READ, any_symbolic, kind_of, read
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base import host_values, nested
from fkeras.layers.base.layer import Layer

if TYPE_CHECKING:
    from fkeras.types import Nested, Shape


_TEXTS = frozenset((str, bytes))


class HostLayer(Layer):
    """The base of layers that take strings: `call` is given NumPy arrays and returns NumPy arrays.

    Such a layer has no weights that JAX could train. What it knows (a vocabulary) is plain NumPy or
    Python on the object, which files keep by `save_own_variables` or `save_assets`. A model that
    begins with such layers trains on strings: the model runs them on the host, ahead of the device.

    A subclass overrides `call(inputs)`. Strings come as arrays of dtype object or str; of bytes,
    where a dataset gives them. Its outputs have the shape of the inputs and the layer's
    dtype, unless `compute_output_shape` or `compute_output_spec` says otherwise.

    Args:
        **kwargs: as of `Layer`; `dtype` is that of the outputs.

    Examples:
        >>> import fkeras, numpy as np
        >>> class CountLetters(fkeras.layers.HostLayer):
        ...     def call(self, inputs):
        ...         return np.vectorize(len, otypes=[np.int32])(inputs)
        >>> CountLetters(dtype="int32")(["one", "three"])
        array([3, 5], dtype=int32)
    """

    runs_on_host = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._info.convert_inputs = False  # JAX must not touch them

    @tracebacks.filtered
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        running = host_values.running()
        if running is None or any_symbolic(*args, *kwargs.values()):
            return self._compute(args, kwargs)
        compute = functools.partial(self._compute, args, kwargs)
        return running.result_of(self, args, kwargs, compute)

    def _compute(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return super().__call__(*(self._on_host(value) for value in args), **kwargs)

    @property
    def input_dtype(self) -> str:
        """The dtype of the input of a model that begins with this layer."""
        return "string"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the inputs."""
        return input_shape

    def compute_output_spec(self, inputs: Nested[KerasTensor]) -> Nested[KerasTensor]:
        """Shapes by `compute_output_shape`, in the layer's dtype."""
        shapes = self.compute_output_shape(map_structure(lambda x: tuple(x.shape), inputs))
        return nested.map_shapes(lambda shape: KerasTensor(shape, self.compute_dtype), shapes)

    def _on_host(self, value: Any) -> Any:
        """An argument with NumPy arrays in the place of lists of strings, columns, other arrays."""
        if isinstance(value, KerasTensor) or value is None:
            return value
        if isinstance(value, dict):
            return {key: self._on_host(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            if value and _TEXTS.issuperset(map(type, value)):  # often long
                return np.array(value, object)
            if any(nested.holds_tensor(inner) for inner in value):
                return type(value)(self._on_host(inner) for inner in value)
            return self._array_of_list(value)
        if isinstance(value, (str, bytes)):
            return np.array(value, object)
        if kind_of(type(value)) == READ:
            value = read(value)
        if isinstance(value, jax.Array):
            self._check_values(value)
        elif hasattr(value, "to_numpy"):
            value = value.to_numpy()
        return np.asarray(value)

    def _array_of_list(self, value: list | tuple) -> np.ndarray:
        try:
            array = np.array(value)
            # Objects: an array of dtype `str` has room for the longest string in each place, and
            # numbers in it are strings.
            return np.array(value, object) if array.dtype.kind in "US" else array
        except ValueError as error:
            raise UserInputError(
                f"Layer '{self.name}' ({type(self).__name__}) got a list whose rows have different "
                f"lengths: {str(value)[:80]}. Pad them to one length."
            ) from error

    def _check_values(self, array: jax.Array) -> None:
        """Raises for arrays of JAX that have no values yet, or cannot be what is looked up."""
        who = f"Layer '{self.name}' ({type(self).__name__}) computes on the host, with NumPy"
        if isinstance(array, jax.core.Tracer):
            raise UserInputError(
                f"{who}, and cannot be called inside a JAX trace (`jit`, `grad`, `vmap`) or on "
                f"what a layer on the device returned. Received: {array.aval.str_short()}. Run "
                "the host's part ahead, `inputs = model.host(x)`, and give the model what it "
                "returns."
            )
        if jax.numpy.issubdtype(array.dtype, jax.numpy.inexact):
            raise UserInputError(
                f"{who}: it takes strings or integers, and JAX has no strings. Received: a JAX "
                f"array of dtype {array.dtype}, shape {array.shape}. Pass NumPy arrays or lists of "
                "strings; to a model that begins with this layer, strings or `model.host(x)`."
            )
