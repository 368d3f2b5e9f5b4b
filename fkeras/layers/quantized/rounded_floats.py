"""Training with float8: what a matrix product sees is rounded to 8-bit floats, at scales that
follow the magnitudes of the last steps.

Scales and histories are trainable weights whose "gradient" is their next value: the optimizer puts
it in their place. So they are part of pure calls and of compiled steps like any weight.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import ml_dtypes

from fkeras.core.dtype_policy import QuantizedFloat8DTypePolicy
from fkeras.layers.quantized.scheme import Scheme
from fkeras.quantizers.float8 import (
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)

if TYPE_CHECKING:
    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.layers.quantized.products import MatrixProduct
    from fkeras.layers.quantized.scheme import Values
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import DTypeLike

_FORWARD = "float8_e4m3fn"
_BACKWARD = "float8_e5m2"  # a wider range, for gradients
_ROUNDED = ("inputs", "kernel", "outputs_grad")


class Float8(Scheme):
    """The kernel stays; it, the inputs and the gradient of the outputs are rounded."""

    keeps_weight = True
    is_plain = True

    def __init__(
        self, layout: WeightLayout, config: QuantizationConfig | None, policy: DTypePolicy
    ) -> None:
        super().__init__(layout, config, policy)
        self._history_length = getattr(
            policy,
            "amax_history_length",
            QuantizedFloat8DTypePolicy.default_amax_history_length,
        )

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        kinds = ("scale", "amax_history")
        return weight, *(f"{name}_{kind}" for name in _ROUNDED for kind in kinds)

    def variables(self) -> dict[str, dict[str, Any]]:
        common = {
            "dtype": "float32",
            "trainable": True,
            "autocast": False,
            "overwrite_with_gradient": True,
        }
        made = {}
        for name in _ROUNDED:
            made[f"{name}_scale"] = {"shape": (), "initializer": "ones", **common}
            made[f"{name}_amax_history"] = {
                "shape": (self._history_length,),
                "initializer": "zeros",
                **common,
            }
        return made

    def encode(self, weight: jax.Array) -> dict[str, jax.Array]:
        return {}

    def numbers(self, values: Values) -> jax.Array:
        return values[self.layout.attribute]

    def decode(self, values: Values, dtype: DTypeLike) -> jax.Array:
        return values[self.layout.attribute].astype(dtype)

    def multiply(
        self,
        product: MatrixProduct,
        inputs: jax.Array,
        values: Values,
        dtype: DTypeLike,
        training: bool | None = None,
    ) -> jax.Array:
        def beside(name: str) -> tuple[jax.Array, jax.Array]:
            return values[f"{name}_scale"], values[f"{name}_amax_history"]

        kernel = values[self.layout.attribute]
        x = product(
            _rounded(bool(training), dtype, inputs, *beside("inputs")),
            _rounded(bool(training), dtype, kernel, *beside("kernel")),
        )
        # Next to the product, where XLA looks for it to make one float8 product of all.
        return _with_rounded_gradient(dtype, x, *beside("outputs_grad"))


def _follow(
    x: jax.Array, scale: jax.Array, history: jax.Array, dtype: str
) -> tuple[jax.Array, jax.Array]:
    """The next scale and history."""
    largest = jnp.float32(float(ml_dtypes.finfo(dtype).max))
    next_scale = compute_float8_scale(jnp.max(history), scale, largest)
    return next_scale, compute_float8_amax_history(x, history)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _rounded(
    training: bool, dtype: DTypeLike, x: jax.Array, scale: jax.Array, history: jax.Array
) -> jax.Array:
    return quantize_and_dequantize(x, scale, _FORWARD, dtype)


def _rounded_forward(
    training: bool, dtype: DTypeLike, x: jax.Array, scale: jax.Array, history: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    following = _follow(x, scale, history, _FORWARD) if training else (scale, history)
    return quantize_and_dequantize(x, scale, _FORWARD, dtype), (following, x[:0])


def _rounded_backward(
    training: bool, dtype: DTypeLike, saved: Any, upstream: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    following, like_x = saved
    return upstream.astype(like_x.dtype), *following


_rounded.defvjp(_rounded_forward, _rounded_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _with_rounded_gradient(
    dtype: DTypeLike, x: jax.Array, scale: jax.Array, history: jax.Array
) -> jax.Array:
    return x


def _gradient_forward(
    dtype: DTypeLike, x: jax.Array, scale: jax.Array, history: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return x, (scale, history)


def _gradient_backward(
    dtype: DTypeLike, saved: tuple[jax.Array, jax.Array], upstream: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    scale, history = saved
    following = _follow(upstream, scale, history, _BACKWARD)
    rounded = quantize_and_dequantize(upstream, scale, _BACKWARD, dtype)
    return rounded.astype(upstream.dtype), *following


_with_rounded_gradient.defvjp(_gradient_forward, _gradient_backward)
