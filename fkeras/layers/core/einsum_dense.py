"""EinsumDense: a linear map described by an einsum equation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from fkeras import activations, constraints, initializers, regularizers
from fkeras.core import broadcasting
from fkeras.core.contraction import einsum
from fkeras.errors import UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.low_rank import LowRankAdaptable, adapted_weight
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.core.einsum_shapes import (
    EinsumShapes,
    kernel_ends_as_output,
    letters_of,
    shapes_of,
)
from fkeras.layers.quantized.calibrated import AWQ, GPTQ
from fkeras.layers.quantized.layouts import EinsumLayout
from fkeras.layers.quantized.products import EinsumProduct
from fkeras.layers.quantized.quantizable import Quantizable
from fkeras.layers.quantized.rounded_floats import Float8
from fkeras.layers.quantized.whole_numbers import Int4, Int8

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import Config, Identifier, Shape, ShapeLike, Tensor


class EinsumDense(Quantizable, LowRankAdaptable, Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`: `Dense` over any axes.

    Args:
        equation: such as `'abc,cd->abd'`: axes of the input, of the kernel, of the output. The
            first output axis is the batch. Axes that are left as they are can be written `...` at
            the start or the end.
        output_shape: sizes of the output's axes, without the batch axis and those behind `...`: an
            int or a tuple, with None for a size that is the input's.
        activation: name or function; None for none.
        bias_axes: letters of the output axes that the bias has, such as `'d'`; None for no bias.
        kernel_initializer, bias_initializer: how the weights start. Fans are counted over the axes
            that the equation sums over.
        kernel_regularizer, bias_regularizer: functions of the weights that add to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        lora_rank: rank of a low-rank update that is trained in place of the kernel, which is held
            fixed; None for none. `enable_lora(rank)` does it to a layer that has been trained.
        lora_alpha: the update is `lora_alpha / lora_rank * a @ b`; None for `lora_rank`.
        gptq_unpacked_column_size: None, or the columns of a kernel that GPTQ quantized, as configs
            of Keras have it; it follows from the shapes.
        quantization_config: how the kernel is kept in few bits, where `dtype` is a quantized policy
            such as `'int8_from_float32'`; None for the policy's mode alone. `quantize(mode)` does
            it to a layer that has been trained.

    Shape:
        As the equation says.

    Raises:
        UserInputError: an equation of another form, letters without a size, sizes that do not
            agree.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.EinsumDense("abc,cde->abde", (None, 8, 4), bias_axes="de")
        >>> variables = layer.init(jax.random.key(0), (2, 10, 32))
        >>> jax.tree.map(lambda a: a.shape, variables["params"])
        {'bias': (8, 4), 'kernel': (32, 8, 4)}
    """

    kernel = adapted_weight("kernel")
    bias: Variable | None

    _other_weights = ("bias",)
    _schemes = {"int8": Int8, "int4": Int4, "float8": Float8, "gptq": GPTQ, "awq": AWQ}

    def __init__(
        self,
        equation: str,
        output_shape: ShapeLike,
        activation: Identifier | None = None,
        bias_axes: str | None = None,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: QuantizationConfig | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if not isinstance(equation, str):
            raise UserTypeError(
                "EinsumDense: `equation` must be a string such as 'ab,bc->ac'. Received: "
                f"equation={equation!r}"
            )
        self.equation = equation
        self.partial_output_shape = _as_sizes(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.gptq_unpacked_column_size = gptq_unpacked_column_size
        self._ask_for_quantization(quantization_config)
        self._ask_for_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Shape) -> None:
        shapes = self._shapes(input_shape)
        self.input_spec = InputSpec(ndim=len(input_shape))
        if self._quantized_build_keeps_weights(shapes.kernel):
            self.kernel = self.add_weight(
                name="kernel",
                shape=shapes.kernel,
                initializer=self._initializer_over(shapes),
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
        self.bias = None
        if shapes.bias is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=shapes.bias,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self._make_lora_asked_for()

    def _shapes(self, input_shape: Shape) -> EinsumShapes:
        """The shapes that the equation gives for an input's."""
        return shapes_of(
            self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape
        )

    def _initializer_over(self, shapes: EinsumShapes) -> Identifier:
        """The kernel's initializer, with the axes that are summed over where it counts fans.

        An initializer that counts no fans, or has its axes already, stays what it is.
        """
        initializer = self.kernel_initializer
        # `self` stands for an attribute that is not there: such initializers count no fans.
        input_axes = getattr(initializer, "input_axes", self)
        output_axes = getattr(initializer, "output_axes", self)
        if input_axes is not None and output_axes is not None:
            return initializer
        config = {
            **initializer.get_config(),
            "seed": initializer.seed,
            "input_axes": shapes.input_axes,
            "output_axes": shapes.output_axes,
        }
        return type(initializer).from_config(config)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = self._multiply(inputs, training)
        if self.bias is not None:
            x = broadcasting.add(x, self._bias_value())
        return x if self.activation is None else self.activation(x)

    def _multiply(self, inputs: Tensor, training: bool | None) -> Tensor:
        """`einsum(equation, inputs, kernel)`."""
        if self._info.schemes:
            letters = letters_of(self.equation, self.input_spec.ndim)
            product = EinsumProduct(self.equation, letters.inputs, letters.outputs)
            x = self._multiply_quantized(product, inputs, training)
        else:
            x = einsum(self.equation, inputs, self._adapted_variable.value)
        if not self.lora_enabled:
            return x
        a, b = self._adapters
        if kernel_ends_as_output(self.equation):
            # The rank is the size of the kernel's last axis in `a`, of the output's for a while.
            update = einsum(self.equation, inputs, a.value) @ b.value
        else:
            update = einsum(self.equation, inputs, a.value @ b.value)
        return (x + self._lora_scale * update).astype(x.dtype)

    def _layouts(self, shape: Shape) -> list[WeightLayout]:
        letters = letters_of(self.equation, self.input_spec.ndim)
        return [EinsumLayout("kernel", shape, letters.kernel, letters.outputs)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._shapes(input_shape).output

    def get_config(self) -> Config:
        config = {**super().get_config(), "output_shape": self.partial_output_shape}
        if self.gptq_unpacked_column_size is None:
            config.pop("gptq_unpacked_column_size", None)
        return config


def _as_sizes(output_shape: ShapeLike) -> Shape:
    """The output's sizes as a tuple of Python's ints and None. Raises where they are none."""
    sizes = (output_shape,) if arguments.is_int(output_shape) else output_shape
    is_shape = np.iterable(sizes) and all(d is None or arguments.is_int(d) for d in sizes)
    if not is_shape:
        raise UserTypeError(
            "EinsumDense: `output_shape` must be an integer or a tuple of integers and None. "
            f"Received: output_shape={output_shape!r}"
        )
    return tuple(None if d is None else int(d) for d in sizes)
