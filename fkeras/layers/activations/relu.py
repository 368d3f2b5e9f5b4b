"""ReLU and its relatives: LeakyReLU, PReLU, ELU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras import activations, constraints, initializers, ops, regularizers
from fkeras.core import broadcasting
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Axis, Identifier, Shape, Tensor


class _Elementwise(Layer):
    """What the activations share: masks pass through, shapes stay."""

    def __init__(self, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class ReLU(_Elementwise):
    """`max(x, 0)`, with an optional ceiling, slope and threshold.

    Args:
        max_value: largest output, >= 0; None for no ceiling.
        negative_slope: slope below the threshold, >= 0.
        threshold: inputs below it are damped, >= 0.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.ReLU(max_value=6.0)(jnp.array([-1.0, 2.0, 9.0]))
        Array([0., 2., 6.], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise UserInputError(
                "max_value of a ReLU layer cannot be a negative value. Received: "
                f"max_value={max_value}"
            )
        for name, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0.0:
                raise UserInputError(
                    f"{name} of a ReLU layer cannot be None or a negative value. Received: "
                    f"{name}={value}"
                )
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


class LeakyReLU(_Elementwise):
    """`x` where x >= 0, else `negative_slope * x`.

    Args:
        negative_slope: slope below 0, >= 0. `alpha` is its deprecated name.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.LeakyReLU(0.5)(jnp.array([-1.0, 2.0]))
        Array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Unpack[LayerOptions]):
        if "alpha" in kwargs:  # of older scripts
            negative_slope = kwargs.pop("alpha")
            warn_user("Argument `alpha` is deprecated. Use `negative_slope` instead.")
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise UserInputError(
                "The negative_slope value of a Leaky ReLU layer cannot be None or negative value. "
                f"Expected a float. Received: negative_slope={negative_slope}"
            )
        self.negative_slope = negative_slope

    def call(self, inputs: Tensor) -> Tensor:
        return ops.leaky_relu(inputs, negative_slope=self.negative_slope)


class PReLU(_Elementwise):
    """`x` where x >= 0, else `alpha * x`, with `alpha` learned.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: how `alpha` starts, what it adds to
            the loss, what holds it.
        shared_axes: an axis or a list of axes that share one `alpha`, such as `[1, 2]` for the
            positions of images; None for none.

    Shape:
        Any; the output has the shape of the input. `alpha` has that shape without the batch axis,
        and 1 in shared axes.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.PReLU(shared_axes=[1, 2])
        >>> variables = layer.init(jax.random.key(0), (1, 8, 8, 3))
        >>> variables["params"]["alpha"].shape
        (1, 1, 3)
    """

    def __init__(
        self,
        alpha_initializer: Identifier = "Zeros",
        alpha_regularizer: Identifier | None = None,
        alpha_constraint: Identifier | None = None,
        shared_axes: Axis | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None:
            axes = shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes]
            if not all(arguments.is_int(axis) for axis in axes):
                raise UserTypeError(
                    "PReLU: `shared_axes` must be an integer or a list of integers. Received: "
                    f"shared_axes={shared_axes!r}"
                )
            shared_axes = [int(axis) for axis in axes]
        self.shared_axes = shared_axes

    def build(self, input_shape: Shape) -> None:
        shared = self.shared_axes or []
        ndim = len(input_shape)
        if any(not 1 <= axis < ndim for axis in shared):
            raise UserInputError(
                f"PReLU '{self.name}': `shared_axes` must be axes from 1 to {ndim - 1} of its "
                f"input. Received: shared_axes={self.shared_axes}, input_shape={tuple(input_shape)}"
            )
        # No batch axis: all examples have the same slopes.
        shape = tuple(1 if axis in shared else input_shape[axis] for axis in range(1, ndim))
        self.alpha = self.add_weight(
            name="alpha",
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        # Without shared axes `alpha` fixes all sizes, but broadcasting says so soon enough.
        fixed = [axis for axis in range(1, ndim) if axis not in shared] if shared else []
        self.input_spec = InputSpec(ndim=ndim, axes={axis: input_shape[axis] for axis in fixed})

    def call(self, inputs: Tensor) -> Tensor:
        # One branch is 0 wherever the other is not: no `where`, whose gradient needs both.
        negative = broadcasting.multiply(jnp.maximum(-inputs, 0), self.alpha.value)
        return jnp.maximum(inputs, 0) - negative


class ELU(_Elementwise):
    """`x` where x > 0, else `alpha * (exp(x) - 1)`.

    Args:
        alpha: scale of the part below 0.

    Shape:
        Any; the output has the shape of the input.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.ELU()(jnp.array([-1.0, 2.0]))
        Array([-0.63212055,  2.        ], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        return ops.elu(inputs, alpha=self.alpha)
