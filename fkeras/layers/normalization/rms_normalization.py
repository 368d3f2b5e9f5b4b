"""RMSNormalization: root mean square 1 within each example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras import ops
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.normalization.affine import as_float, check_axes, check_epsilon, int_or_list

if TYPE_CHECKING:
    from fkeras.types import Axis, Shape, Tensor


class RMSNormalization(Layer):
    """`x / sqrt(mean(x^2) + epsilon) * scale` along an axis.

    A layer normalisation without the mean, which saves a pass over the values. Computed in
    float32 at least.

    Args:
        axis: an axis or a list of axes.
        epsilon: added to the mean square.

    Shape:
        Any; the output has the shape of the input. The weight `scale` has the sizes of the axes.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> y = fkeras.layers.RMSNormalization()(jnp.array([[1.0, 7.0]]))
        >>> [round(float(v), 2) for v in y[0]]
        [0.2, 1.4]

    References:
        Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467
    """

    def __init__(self, axis: Axis = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.axis = int_or_list(axis)
        self.epsilon = check_epsilon(epsilon)

    def _axes(self, shape: Shape) -> list[int]:
        """The axes counted from 0, in order, for a shape of any rank."""
        return sorted(check_axes(self, self.axis, shape))

    def build(self, input_shape: Shape) -> None:
        self.scale = self.add_weight(
            name="scale",
            shape=tuple(input_shape[axis] for axis in self._axes(input_shape)),
            initializer="ones",
        )

    def call(self, inputs: Tensor) -> Tensor:
        inputs = as_float(self, inputs)
        axes = self._axes(inputs.shape)
        scale = self.scale.value
        # Along the last axis `scale` broadcasts as it is.
        if axes != [inputs.ndim - 1]:
            scale = scale.reshape([d if i in axes else 1 for i, d in enumerate(inputs.shape)])
        return ops.rms_normalization(inputs, scale=scale, axis=tuple(axes), epsilon=self.epsilon)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        check_axes(self, self.axis, input_shape)
        return input_shape
