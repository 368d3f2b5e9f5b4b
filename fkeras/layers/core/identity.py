"""Identity: nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras.core.nested import map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Nested, Shape, Tensor


class Identity(Layer):
    """Returns its input. For a place in a model that may hold a layer or none.

    Shape:
        Any, nested structures too.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Identity()({"a": jnp.array([1.0])})
        {'a': Array([1.], dtype=float32)}
    """

    def __init__(self, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Nested[Tensor]) -> Nested[Tensor]:
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def compute_output_spec(self, inputs: Nested[KerasTensor]) -> Nested[KerasTensor]:
        # The input's own dtype rather than the compute dtype: nothing is computed.
        return map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype, sparse=x.sparse), inputs)
