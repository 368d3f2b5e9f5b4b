"""UnitNormalization: vectors of length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras import ops
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.normalization.affine import check_axes, int_or_list

if TYPE_CHECKING:
    from fkeras.types import Axis, Shape, Tensor


class UnitNormalization(Layer):
    """Divides by the L2 norm along an axis, so that it is 1 afterwards.

    Vectors of zeros stay zeros. The norm is computed in float32 at least.

    Args:
        axis: an axis or a list of axes.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.UnitNormalization()(jnp.array([[3.0, 4.0]]))
        Array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis: Axis = -1, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.axis = int_or_list(axis)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        # In float16 squares overflow above 256, and the square of the epsilon would be 0.
        wide = inputs.astype(jnp.promote_types(inputs.dtype, jnp.float32))
        # The gradient at a vector of zeros is 1 / epsilon, which must fit the dtype.
        epsilon = 2.0**-14 if inputs.dtype == jnp.float16 else 1e-12
        unit = ops.normalize(wide, axis=self.axis, order=2, epsilon=epsilon)
        return unit.astype(self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        check_axes(self, self.axis, input_shape)
        return input_shape
