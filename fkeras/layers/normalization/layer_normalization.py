"""LayerNormalization: mean 0 and variance 1 within each example."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Unpack

from fkeras import ops
from fkeras.core.warn_once import warn_user
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.normalization.affine import Affine, as_float, check_axes, int_or_list

if TYPE_CHECKING:
    from fkeras.types import Axis, Config, Identifier, Shape, Tensor


class LayerNormalization(Affine):
    """Gives the values along an axis mean 0 and variance 1 in each example.

    Then each has a learned scale and shift. The same in training and inference. Computed in
    float32 at least.

    Args:
        axis: an axis or a list of axes, usually those of the features.
        epsilon: added to the variance.
        center: whether to learn a shift `beta`.
        scale: whether to learn a scale `gamma`.
        beta_initializer, gamma_initializer: how the weights start.
        beta_regularizer, gamma_regularizer: functions of the weights that add to the loss.
        beta_constraint, gamma_constraint: functions applied to the weights after each update.
        **kwargs: of `Layer`; `rms_scaling=True` is Keras's deprecated variant that only divides by
            the standard deviation.

    Shape:
        Any; the output has the shape of the input. `gamma` and `beta` have the sizes of the axes.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.LayerNormalization()(jnp.array([[0.0, 10.0]])).round(2)
        Array([[-1.,  1.]], dtype=float32)

    References:
        Ba et al., 2016, https://arxiv.org/abs/1607.06450
    """

    def __init__(
        self,
        axis: Axis = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Identifier = "zeros",
        gamma_initializer: Identifier = "ones",
        beta_regularizer: Identifier | None = None,
        gamma_regularizer: Identifier | None = None,
        beta_constraint: Identifier | None = None,
        gamma_constraint: Identifier | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        self.rms_scaling = bool(kwargs.pop("rms_scaling", False))
        if self.rms_scaling:
            warn_user(
                "You passed `rms_scaling=True`, which is deprecated: it divides by the standard "
                "deviation, not by the root mean square. Use `fkeras.layers.RMSNormalization`."
            )
        super().__init__(**kwargs)
        self.axis = int_or_list(axis)
        self._set_affine(
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.autocast = False  # the inputs go to float32 as they are, not through the compute dtype

    def build(self, input_shape: Shape) -> None:
        # From here on counted from 0 and in order, which is that of the axes of `gamma` and `beta`.
        self.axis = sorted(check_axes(self, self.axis, input_shape))
        sizes = tuple(input_shape[axis] for axis in self.axis)
        # The deprecated variant has a scale and no shift, whatever the arguments say.
        center = self.center and not self.rms_scaling
        self._add_affine(sizes, center, scale=self.scale or self.rms_scaling)

    def call(self, inputs: Tensor) -> Tensor:
        inputs = as_float(self, inputs)
        with warnings.catch_warnings():
            if self.rms_scaling:  # said at construction
                warnings.simplefilter("ignore")
            out = ops.layer_normalization(
                inputs, self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
            )
        return out.astype(self.compute_dtype)

    def get_config(self) -> Config:
        return {**super().get_config(), "rms_scaling": self.rms_scaling}
