"""What normalisation layers share: a learned scale and shift, and the check of their axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras import constraints, initializers, regularizers
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.types import Axis, Identifier, Shape, Tensor


class Affine(Layer):
    """Abstract: a layer with optional `gamma` and `beta` in the variable dtype.

    Subclasses normalise, and have their `axis`.
    """

    axis: Axis
    gamma: Variable | None
    beta: Variable | None

    def _set_affine(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Identifier,
        gamma_initializer: Identifier,
        beta_regularizer: Identifier | None,
        gamma_regularizer: Identifier | None,
        beta_constraint: Identifier | None,
        gamma_constraint: Identifier | None,
    ) -> None:
        """Sets the attributes of these arguments, for constructors."""
        self.epsilon = check_epsilon(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def _add_affine(self, shape: Shape, center: bool, scale: bool) -> None:
        """Makes `gamma` where there is a `scale`, then `beta` where there is a `center`."""
        self.gamma = None
        self.beta = None
        # Not cast to the compute dtype: the arithmetic is in float32 at least.
        if scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                autocast=False,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                autocast=False,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        check_axes(self, self.axis, input_shape)
        return input_shape


def as_float(layer: Layer, inputs: Tensor) -> Tensor:
    """Integers in the compute dtype; floats as they are. An op would round what it normalised."""
    is_float = jnp.issubdtype(inputs.dtype, jnp.inexact)
    return inputs if is_float else inputs.astype(layer.compute_dtype)


def check_axes(layer: Layer, axis: Axis, input_shape: Shape) -> tuple[int, ...]:
    """The axes counted from 0. Raises where they are none of the input's, or doubled."""
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    ndim = len(input_shape)
    for a in axes:
        if not -ndim <= a < ndim:
            raise UserInputError(
                f"Axis {a} is out of bounds for input shape {tuple(input_shape)}. Received: "
                f"axis={axis}, in layer '{layer.name}'. (axis {a} is out of bounds for an array "
                f"with dimension {ndim})"
            )
    counted = tuple(a % ndim for a in axes)
    if len(set(counted)) != len(counted):
        raise UserInputError(
            f"Duplicate axes are not allowed. Received: axis={axis}, in layer '{layer.name}'"
        )
    return counted


def int_or_list(axis: Axis) -> int | list[int]:
    """`axis` as an int or a list of ints."""
    if isinstance(axis, (list, tuple)) and all(arguments.is_int(a) for a in axis):
        return [int(a) for a in axis]
    if arguments.is_int(axis):
        return int(axis)
    raise UserTypeError(
        "Invalid value for `axis` argument: expected an int or a list/tuple of ints. Expected an "
        f"int or a list/tuple of ints for the argument 'axis', but received: {axis!r}"
    )


def check_epsilon(epsilon: float) -> float:
    """What is added to a variance, as given. Below 0 the square root would be NaN."""
    if not epsilon >= 0:
        raise UserInputError(f"`epsilon` must be 0 or more. Received: epsilon={epsilon}")
    return epsilon
