"""Weights of -1, 0 and 1 times one scale, five values a byte.

References:
    Ma et al., 2024, The Era of 1-bit LLMs, section 2 (https://arxiv.org/abs/2402.17764).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras import initializers
from fkeras.layers.quantized.scheme import Scheme
from fkeras.quantizers.packing import pack_ternary, unpack_ternary

if TYPE_CHECKING:
    from fkeras.layers.quantized.products import MatrixProduct
    from fkeras.layers.quantized.scheme import Values
    from fkeras.types import DTypeLike

_FIVE_ZEROS = 121  # the byte of five values of 0


def signs_and_scale(
    weight: jax.Array, threshold: float | None = None
) -> tuple[jax.Array, jax.Array]:
    """A weight as -1, 0 and 1 in its own dtype, and what to multiply them by.

    Args:
        weight: array of floats.
        threshold: magnitude up to which a value becomes 0, and the scale is 1; None for half of the
            mean magnitude, which is the scale.

    Examples:
        >>> import jax.numpy as jnp
        >>> signs, scale = signs_and_scale(jnp.array([0.9, 0.1, -2.0]))
        >>> signs.tolist(), float(scale)
        ([1.0, 0.0, -1.0], 1.0)
    """
    magnitude = jnp.abs(weight)
    mean = jnp.mean(magnitude)
    limit = 0.5 * mean if threshold is None else threshold
    signs = jnp.sign(weight) * (magnitude > limit).astype(weight.dtype)
    return signs, mean if threshold is None else jnp.ones_like(mean)


class Ternary(Scheme):
    """One of three values each. The product is with these, and is scaled afterwards."""

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        return weight, f"{weight}_scale"

    def attributes(self) -> dict[str, str]:
        return {self.layout.name: "_packed_kernel", "kernel_scale": "kernel_scale"}

    def variables(self) -> dict[str, dict[str, Any]]:
        rows, columns = self.layout.rows, self.layout.columns
        return {
            "_packed_kernel": {
                "name": "kernel",
                "shape": (math.ceil(rows / 5), columns),
                "dtype": "uint8",
                "initializer": initializers.Constant(_FIVE_ZEROS),
            },
            "kernel_scale": {"shape": (), "initializer": "ones"},
        }

    def encode(self, weight: jax.Array) -> dict[str, jax.Array]:
        return self.encoded(weight, None)

    def encoded(self, weight: jax.Array, threshold: float | None) -> dict[str, jax.Array]:
        """What is kept of a weight, for a threshold of the user's own."""
        signs, scale = signs_and_scale(jnp.asarray(weight), threshold)
        packed, _, _ = pack_ternary(self.layout.as_columns(signs))
        return {"_packed_kernel": packed, "kernel_scale": scale}

    def numbers(self, values: Values) -> jax.Array:
        columns = unpack_ternary(values["_packed_kernel"], self.layout.rows)
        return self.layout.from_columns(columns)

    def decode(self, values: Values, dtype: DTypeLike) -> jax.Array:
        return self.numbers(values).astype(dtype) * values["kernel_scale"].astype(dtype)

    def multiply(
        self,
        product: MatrixProduct,
        inputs: jax.Array,
        values: Values,
        dtype: DTypeLike,
        training: bool | None = None,
    ) -> jax.Array:
        x = product(inputs, self.layout.as_kernel(self.numbers(values).astype(dtype)))
        return x * values["kernel_scale"].astype(dtype)
