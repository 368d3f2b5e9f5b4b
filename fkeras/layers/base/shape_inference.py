"""`ShapeInference`: the part of a layer that tells the shapes of its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core import user_code
from fkeras.core.symbolic.evaluate import evaluate
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending
from fkeras.layers.base import context as contexts
from fkeras.layers.base import nested, signature

if TYPE_CHECKING:
    from fkeras.types import Nested, Shape


class ShapeInference:
    """Shapes of the outputs: by abstract evaluation of `call`, unless `compute_output_shape` is
    overridden.
    """

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Nested[Shape]:
        """Shapes of the outputs from shapes of the inputs, by abstract evaluation unless
        overridden.

        Args:
            *args: shapes of the inputs, in the order of `call`.
            **kwargs: shapes by name, `query_shape` for the argument `query`; `input_shape` goes
                after the positional ones.
        """
        dtype = self.compute_dtype or "float32"

        def tensors(shapes: Nested[Shape]) -> Nested[KerasTensor]:
            return nested.replace_shapes(lambda shape: KerasTensor(shape, dtype=dtype), shapes)

        positional = [tensors(shape) for shape in args]
        named = {}
        for name, shape in kwargs.items():
            if name == "input_shape":
                positional.append(tensors(shape))
            else:
                named[name.removesuffix("_shape")] = tensors(shape)
        # Not `self.compute_output_spec`: that one may ask here.
        return signature.shape_of(ShapeInference.compute_output_spec(self, *positional, **named))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nested[KerasTensor]:
        """KerasTensors that the outputs would be, computing nothing.

        Args:
            *args, **kwargs: arguments of `call`, KerasTensors in the place of arrays.
        """
        if type(self).compute_output_shape is not ShapeInference.compute_output_shape:
            shapes = self._shapes_by_signature(args, kwargs)
            dtype = self.compute_dtype
            return nested.map_shapes(lambda shape: KerasTensor(shape, dtype=dtype), shapes)
        return self._evaluate_shapes(args, kwargs)

    def _shapes_by_signature(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Nested[Shape]:
        """What an overridden `compute_output_shape` returns: called with one shape, or with shapes
        by name where its signature asks for them.
        """
        arguments = signature.of(self).bind(args, kwargs, self)
        shapes = {
            name: signature.shape_of(value)
            for name, value in arguments.items()
            if nested.holds_tensor(value)
        }
        parameters = signature.parameter_names(type(self).compute_output_shape)
        named = {f"{name}_shape": shape for name, shape in shapes.items()}
        wanted = {name: shape for name, shape in named.items() if name in parameters}
        if len(parameters) > 1 and wanted:
            return self.compute_output_shape(**wanted)
        return self.compute_output_shape(next(iter(shapes.values()), None))

    def _evaluate_shapes(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Nested[KerasTensor]:
        """Shapes by abstract evaluation of `call`, in a context of its own: no losses, no state."""
        is_cast = self._info.autocast and self.compute_dtype != self.variable_dtype
        dtype = self.compute_dtype if is_cast else None
        outer = contexts.current()

        def run(*args: Any, **kwargs: Any) -> Any:
            context = contexts.CallContext(self, losses=[])
            context.training = outer.training if outer is not None else None
            with contexts.opened(context), lending.autocast(dtype):
                return lending.call_abstractly(self.call, *args, **kwargs)

        try:
            return evaluate(run, *args, **kwargs)
        except Exception as error:
            arguments = signature.of(self).bind(args, kwargs, self)
            user_code.raise_explained(error, lambda: signature.describe_call(self), arguments)
