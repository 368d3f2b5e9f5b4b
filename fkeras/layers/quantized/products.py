"""How a layer multiplies its inputs by a kernel, as far as a scheme has to know."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras import ops
from fkeras.core.contraction import einsum
from fkeras.layers.quantized.layouts import align

if TYPE_CHECKING:
    import jax

    from fkeras.types import Tensor


class MatrixProduct:
    """`inputs @ kernel`.

    Attributes:
        input_axes: the axes of the inputs that are summed over, so that they can share a scale.
    """

    input_axes: tuple[int, ...] = (-1,)

    def __call__(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The product; of two int8 arrays as int32."""
        return ops.matmul(inputs, kernel)

    def kept_scale(self, scale: jax.Array) -> jax.Array:
        """A scale of the inputs so that it fits the outputs."""
        return scale

    def rows(self, inputs: Tensor) -> Tensor:
        """The inputs as `(samples, rows)`, in the order of the kernel's rows."""
        return inputs.reshape(-1, inputs.shape[-1])


class EinsumProduct(MatrixProduct):
    """`einsum(equation, inputs, kernel)`.

    Args:
        equation: the equation.
        inputs, outputs: letters of all axes of inputs and outputs, those behind `...` too.
    """

    def __init__(self, equation: str, inputs: str, outputs: str) -> None:
        self.equation = equation
        self.input_axes = tuple(i for i, letter in enumerate(inputs) if letter not in outputs)
        self._inputs = inputs
        self._outputs = outputs

    def __call__(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        both_are_whole = inputs.dtype == kernel.dtype == jnp.int8
        accumulator = "int32" if both_are_whole else None
        return einsum(self.equation, inputs, kernel, preferred_element_type=accumulator)

    def rows(self, inputs: Tensor) -> Tensor:
        kernel = self.equation.partition("->")[0].partition(",")[2]
        summed = [letter for letter in kernel if letter not in self._outputs]
        axes = [self._inputs.index(letter) for letter in summed]
        moved = jnp.moveaxis(inputs, axes, range(-len(axes), 0))
        return moved.reshape(-1, math.prod(moved.shape[-len(axes) :]))

    def kept_scale(self, scale: jax.Array) -> jax.Array:
        return align(scale, self._inputs, self._outputs)
