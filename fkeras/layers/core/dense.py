"""Dense: a linear map over the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras import activations, constraints, initializers, ops, regularizers
from fkeras.core import broadcasting
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.low_rank import LowRankAdaptable, adapted_weight
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.quantized.calibrated import AWQ, GPTQ
from fkeras.layers.quantized.layouts import WeightLayout
from fkeras.layers.quantized.products import MatrixProduct
from fkeras.layers.quantized.quantizable import Quantizable
from fkeras.layers.quantized.rounded_floats import Float8
from fkeras.layers.quantized.three_values import Ternary
from fkeras.layers.quantized.whole_numbers import Int4, Int8

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import Identifier, Shape, Tensor

PRODUCT = MatrixProduct()


class Dense(Quantizable, LowRankAdaptable, Layer):
    """`activation(inputs @ kernel + bias)` over the last axis.

    Args:
        units: size of the output's last axis, positive.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: functions of the weights that add to the loss.
        activity_regularizer: function of the output that adds to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        lora_rank: rank of a low-rank update that is trained in place of the kernel, which is held
            fixed; None for none. `enable_lora(rank)` does it to a layer that has been trained.
        lora_alpha: the update is `lora_alpha / lora_rank * a @ b`; None for `lora_rank`.
        quantization_config: how the kernel is kept in few bits, where `dtype` is a quantized policy
            such as `'int8_from_float32'`; None for the policy's mode alone. `quantize(mode)` does
            it to a layer that has been trained.

    Shape:
        `(batch, ..., features)` -> `(batch, ..., units)`. Kernel `(features, units)`, bias
        `(units,)`.

    Raises:
        UserInputError: `units` not positive; another last axis than the one it was built for.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.Dense(4)
        >>> variables = layer.init(jax.random.key(0), (2, 3))
        >>> jax.tree.map(lambda a: a.shape, variables["params"])
        {'bias': (4,), 'kernel': (3, 4)}
    """

    kernel = adapted_weight("kernel")
    bias: Variable | None

    _other_weights = ("bias",)
    _schemes = {
        "int8": Int8,
        "int4": Int4,
        "float8": Float8,
        "ternary": Ternary,
        "gptq": GPTQ,
        "awq": AWQ,
    }

    def __init__(
        self,
        units: int,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: QuantizationConfig | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        units = arguments.whole(units)
        if not arguments.is_int(units) or units <= 0:
            raise UserInputError(
                "Received an invalid value for `units`, expected a positive integer. Received: "
                f"units={units}"
            )
        self.units = int(units)  # NumPy's integers too, as `np.prod(shape)` gives them
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True
        self._ask_for_quantization(quantization_config)
        self._ask_for_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        kernel_shape = (features, self.units)
        if self._quantized_build_keeps_weights(kernel_shape):
            self.kernel = self.add_weight(
                name="kernel",
                shape=kernel_shape,
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self._make_lora_asked_for()

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = self._multiply(inputs, training)  # (batch, ..., units)
        if self.bias is not None:
            x = broadcasting.add(x, self._bias_value())
        return x if self.activation is None else self.activation(x)

    def _multiply(self, inputs: Tensor, training: bool | None) -> Tensor:
        """`inputs @ kernel`; of sparse inputs too."""
        if self._info.schemes:
            x = self._multiply_quantized(PRODUCT, inputs, training)
        else:
            x = ops.matmul(inputs, self._adapted_variable)
        if not self.lora_enabled:
            return x
        a, b = self._adapters
        update = self._lora_scale * ops.matmul(ops.matmul(inputs, a), b)
        return (x + update).astype(x.dtype)

    def _layouts(self, shape: Shape) -> list[WeightLayout]:
        return [WeightLayout("kernel", shape)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)
