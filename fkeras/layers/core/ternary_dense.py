"""TernaryDense: a linear map whose kernel is -1, 0 and 1 times one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.core.dense import PRODUCT, Dense
from fkeras.layers.quantized.three_values import Ternary, signs_and_scale

if TYPE_CHECKING:
    from fkeras.layers.quantized.scheme import Scheme
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import Config, Identifier, Tensor


class TernaryDense(Dense):
    """`activation(scale * inputs @ signs + bias)`, where `signs` is the kernel as -1, 0 and 1.

    The kernel is trained as floats: gradients pass the rounding as if it were not there. Then
    `quantize("ternary")` keeps the signs alone, five in a byte, and computes what the layer did.
    (`Dense.quantize("ternary")` rounds a kernel that was trained without.)

    Args:
        units: size of the output's last axis, positive.
        threshold: magnitude up to which a value of the kernel becomes 0, and the scale is 1; None
            for half of the kernel's mean magnitude, which is the scale.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: functions of the weights that add to the loss.
        activity_regularizer: function of the output that adds to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.

    Shape:
        `(batch, ..., features)` -> `(batch, ..., units)`. Kernel `(features, units)`, bias
        `(units,)`.

    Raises:
        UserInputError: `units` not positive; a threshold that is no number or below 0.

    References:
        Ma et al., 2024, The Era of 1-bit LLMs (https://arxiv.org/abs/2402.17764).

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.TernaryDense(64)
        >>> before = layer(jnp.ones((4, 32)))
        >>> layer.quantize("ternary")
        >>> bool(jnp.allclose(layer(jnp.ones((4, 32))), before, atol=1e-5))
        True
        >>> [(w.name, w.shape, w.dtype) for w in layer.weights][1]
        ('kernel', (7, 64), 'uint8')
    """

    _schemes = {"ternary": Ternary}

    def __init__(
        self,
        units: int,
        threshold: float | None = None,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        is_number = isinstance(threshold, (int, float)) and not isinstance(threshold, bool)
        if threshold is not None and not (is_number and threshold >= 0):
            raise UserInputError(
                "Received an invalid value for `threshold`, expected a non-negative float or None. "
                f"Received: threshold={threshold}"
            )
        self.threshold = threshold

    def _multiply(self, inputs: Tensor, training: bool | None) -> Tensor:
        if self._info.schemes:
            return self._multiply_quantized(PRODUCT, inputs, training)
        kernel = self.kernel.value
        signs, scale = signs_and_scale(kernel, self.threshold)
        rounded = kernel + jax.lax.stop_gradient(signs - kernel)
        return ops.matmul(inputs, rounded) * scale

    def _why_not_adapted(self) -> str:
        return (
            f"lora is not supported by TernaryDense '{self.name}': its kernel is rounded in each "
            "call, and a sum with an update would be no longer. Use `Dense`."
        )

    def quantize(
        self,
        mode: str | None = "ternary",
        type_check: bool = True,
        config: QuantizationConfig | None = None,
    ) -> None:
        super().quantize(mode, type_check, config)

    def _encode(self, scheme: Scheme, weight: jax.Array) -> dict[str, jax.Array]:
        return scheme.encoded(weight, self.threshold)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["quantization_config"]  # there is nothing to say beside the mode
        return config
