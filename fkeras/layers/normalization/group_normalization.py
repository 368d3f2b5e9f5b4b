"""GroupNormalization: mean 0 and variance 1 within groups of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.normalization.affine import Affine, check_axes

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.types import Identifier, Shape, Tensor


class GroupNormalization(Affine):
    """Gives each group of channels mean 0 and variance 1 in each example.

    Then each channel has a learned scale and shift. The same in training and inference, and
    independent of the batch. Computed in float32 at least. One group is a layer normalisation over
    all axes, a group for each channel (-1) an instance normalisation.

    Args:
        groups: number of groups, which must divide the channels; -1 for one group per channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center, scale, the initializers, regularizers and constraints: as in `LayerNormalization`.

    Shape:
        Any; the output has the shape of the input. `gamma` and `beta` are `(channels,)`.

    Raises:
        UserInputError: groups that do not divide the channels.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.GroupNormalization(groups=2)(jnp.array([[0.0, 10.0, 5.0, 25.0]])).round(2)
        Array([[-1.,  1., -1.,  1.]], dtype=float32)

    References:
        Wu and He, 2018, https://arxiv.org/abs/1803.08494
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
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
        if not arguments.is_int(groups) or groups <= 0 and groups != -1:
            raise UserInputError(
                "Received an invalid value for argument `groups`, expected a positive integer (or "
                f"`-1` for instance normalization). Received: groups={groups}"
            )
        super().__init__(**kwargs)
        self.groups = int(groups)
        self.axis = arguments.one_axis("GroupNormalization", axis)
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
        check_axes(self, self.axis, input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise UserInputError(
                f"Axis {self.axis} of input tensor should have a defined dimension but the layer "
                f"received an input with shape {tuple(input_shape)}."
            )
        if self.groups == -1:  # instance normalisation
            self.groups = channels
        if channels < self.groups:
            raise UserInputError(
                f"Number of groups ({self.groups}) cannot be more than the number of channels "
                f"({channels})."
            )
        if channels % self.groups:
            raise UserInputError(
                f"Number of groups ({self.groups}) must be a multiple of the number of channels "
                f"({channels})."
            )
        self._add_affine((channels,), self.center, self.scale)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Tensor) -> Tensor:
        channel_axis = self.axis % inputs.ndim
        shape = inputs.shape
        split_channels = (self.groups, shape[channel_axis] // self.groups)
        grouped = (*shape[:channel_axis], *split_channels, *shape[channel_axis + 1 :])
        x = inputs.astype(jnp.promote_types(inputs.dtype, jnp.float32)).reshape(grouped)
        # All axes but the batch and the groups.
        axes = tuple(i for i in range(1, x.ndim) if i != channel_axis)
        mean = jnp.mean(x, axes, keepdims=True)
        variance = jnp.var(x, axes, keepdims=True)

        def per_channel(weight: Variable) -> Tensor:
            along = [1] * x.ndim
            along[channel_axis : channel_axis + 2] = split_channels
            return weight.value.astype(x.dtype).reshape(along)

        # (x - mean) / stddev * gamma + beta as one multiplication and one addition per value.
        inverse = jax.lax.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            inverse = inverse * per_channel(self.gamma)
        shift = -mean * inverse
        if self.beta is not None:
            shift = shift + per_channel(self.beta)
        return (x * inverse + shift).reshape(shape).astype(self.compute_dtype)
