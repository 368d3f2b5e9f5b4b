"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Unpack

from fkeras.core.config import scopes, serialization
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UnsafeFileError, UserInputError
from fkeras.layers.base import signature
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from fkeras.types import ArrayLike, Config, Nested, Shape, Tensor

_FUNCTIONS = ("function", "output_shape", "mask")  # arguments that may be code


class Lambda(Layer):
    """A function as a layer. For a function with weights, subclass `Layer` instead.

    A named, registered function survives saving; a Python lambda is saved as code, which is only
    revived where the reader asks for it (`safe_mode=False`).

    Args:
        function: function of the inputs; gets `mask` and `training` too where it has parameters of
            these names.
        output_shape: shape without the batch axis, or a function of the input shape; None: found by
            abstract evaluation.
        mask: mask of the output, or a function `(inputs, mask)`; None for none.
        arguments: dict of further keyword arguments for the function.

    Shape:
        Whatever the function makes of its inputs.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Lambda(lambda x: x**2)(jnp.array([1.0, 3.0]))
        Array([1., 9.], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Nested[Tensor]],
        output_shape: Shape | Callable[..., Nested[Shape]] | None = None,
        mask: ArrayLike | Callable[..., Tensor] | None = None,
        arguments: Config | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise UserInputError(
                f"Lambda: `function` must be callable. Received: function={function!r} (of type "
                f"{type(function)})"
            )
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._declared_output_shape = output_shape
        parameters = _parameters_of(function)
        self._passes_on = [name for name in ("mask", "training") if name in parameters]

    def call(
        self, inputs: Nested[Tensor], mask: Tensor | None = None, training: bool | None = None
    ) -> Nested[Tensor]:
        available = {"mask": mask, "training": training}
        passed_on = {name: available[name] for name in self._passes_on}
        return self.function(inputs, **self.arguments, **passed_on)

    def compute_output_shape(self, input_shape: Nested[Shape]) -> Nested[Shape]:
        declared = self._declared_output_shape
        if declared is None:
            symbols = _tensors(input_shape, self.compute_dtype)
            return signature.shape_of(self.compute_output_spec(symbols))
        if callable(declared):
            return declared(input_shape)
        return _with_batch(declared, _first_batch(input_shape))

    def compute_output_spec(
        self, inputs: Nested[KerasTensor], mask: Tensor | None = None, training: bool | None = None
    ) -> Nested[KerasTensor]:
        if self._declared_output_shape is None:
            return self._evaluate_shapes((inputs,), {"mask": mask, "training": training})
        return super().compute_output_spec(inputs)

    def compute_mask(self, inputs: Nested[Tensor], mask: Tensor | None = None) -> Tensor | None:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> Config:
        config = super().get_config()
        for name in _FUNCTIONS:
            config.pop(name, None)
        serialize = serialization.serialize_keras_object
        config["function"] = serialize(self.function)
        output_shape = self._declared_output_shape
        if output_shape is not None:  # a plain shape stays a tuple
            config["output_shape"] = (
                serialize(output_shape) if callable(output_shape) else output_shape
            )
        if self.mask is not None:
            config["mask"] = serialize(self.mask)
        config["arguments"] = serialize(self.arguments)
        return config

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Config | None = None, safe_mode: bool | None = None
    ) -> Lambda:
        safe_mode = scopes.in_safe_mode() if safe_mode is None else safe_mode
        config = dict(config)
        for name in (*_FUNCTIONS, "arguments"):
            if config.get(name) is not None:
                config[name] = _revived(name, config[name], custom_objects, safe_mode)
        output_shape = config.get("output_shape")
        if isinstance(output_shape, list) and not _is_nested(output_shape):
            config["output_shape"] = tuple(output_shape)  # JSON has no tuples
        return cls(**config)


def _parameters_of(function: Callable[..., object]) -> Collection[str]:
    """Names of a function's parameters; none where it does not tell, such as NumPy's ufuncs."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return ()


def _revived(name: str, value: object, custom_objects: Config | None, safe_mode: bool) -> object:
    """The argument `name` from its config. Raises for code in safe mode."""
    if isinstance(value, dict) and value.get("class_name") == "__lambda__" and safe_mode:
        raise UnsafeFileError(
            f"The `{name}` of this `Lambda` layer is a Python lambda, which is code: to "
            "revive it is arbitrary code execution, which safe mode refuses. If you trust its "
            "source, pass `safe_mode=False`, or call "
            "`fkeras.config.enable_unsafe_deserialization()`."
        )
    with scopes.SafeModeScope(safe_mode):
        return serialization.deserialize_keras_object(
            value, custom_objects=custom_objects, safe_mode=safe_mode
        )


def _is_nested(shape: Shape | Sequence[object]) -> bool:
    """Whether this is a structure of shapes rather than one shape."""
    return any(isinstance(d, (list, tuple, dict)) for d in shape)


def _tensors(shape: Nested[Shape], dtype: str) -> Nested[KerasTensor]:
    """KerasTensors in the place of shapes."""
    if isinstance(shape, dict):
        return {name: _tensors(value, dtype) for name, value in shape.items()}
    if _is_nested(shape):
        return [_tensors(value, dtype) for value in shape]
    return KerasTensor(shape, dtype=dtype)


def _first_batch(shape: Nested[Shape]) -> int | None:
    """The batch size in a shape or a structure of shapes."""
    if isinstance(shape, dict):
        return _first_batch(next(iter(shape.values())))
    return _first_batch(shape[0]) if isinstance(shape[0], (list, tuple, dict)) else shape[0]


def _with_batch(shape: Nested[Shape], batch: int | None) -> Nested[Shape]:
    """The shape, or each shape of a structure, with the batch axis in front."""
    if isinstance(shape, dict):
        return {name: _with_batch(value, batch) for name, value in shape.items()}
    if isinstance(shape, list) and _is_nested(shape):
        return [_with_batch(value, batch) for value in shape]
    return (batch, *shape)
