"""Weights whose numbers are chosen by looking at data: how GPTQ and AWQ keep them.

Numbers stand as `(columns, rows)` from 0 up, with a scale and a zero point for each column and
group of rows. Until data were looked at, the layer has its weight as floats beside them, and uses
that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.quantized.scheme import Scheme
from fkeras.quantizers import zero_points
from fkeras.quantizers.packing import pack_int2, pack_int4, unpack_int2, unpack_int4

if TYPE_CHECKING:
    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.layers.quantized.scheme import Values
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import DTypeLike

# How numbers of so many bits are packed; of other counts each takes a byte.
_PACKING = {4: (pack_int4, unpack_int4, 2), 2: (pack_int2, unpack_int2, 4)}


class Calibrated(Scheme):
    """What both have in common.

    Attributes:
        bits: bits of a number.
        group_size: rows of a group, or -1.
    """

    other_weights_first = True

    def __init__(
        self, layout: WeightLayout, config: QuantizationConfig | None, policy: DTypePolicy
    ) -> None:
        super().__init__(layout, config, policy)
        if not layout.is_matrix:
            raise NotImplementedError(
                f"{type(self).__name__} is for kernels whose first axes are those that are summed "
                f"over. Received: shape {layout.shape}, summed over axes {layout.scale_axes}."
            )
        said_by = policy if config is None else config
        if not hasattr(said_by, "weight_bits"):
            raise UserInputError(
                f"The dtype policy '{policy.name}' does not say bits and groups, and there is no "
                "`quantization_config`. Use a policy such as 'gptq/4/128_from_float32'."
            )
        self.bits = said_by.weight_bits
        self.group_size = said_by.group_size

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        return "quantized_kernel", "kernel_scale", "kernel_zero", "g_idx"

    def variables(self) -> dict[str, dict[str, Any]]:
        rows, columns = self.layout.rows, self.layout.columns
        groups = 1 if self.group_size == -1 else math.ceil(rows / self.group_size)
        per_byte = _PACKING[self.bits][2] if self.bits in _PACKING else 1
        return {
            "quantized_kernel": {
                "name": "kernel",
                "shape": (math.ceil(columns / per_byte), rows),
                "dtype": "uint8",
                "initializer": "zeros",
            },
            "kernel_scale": {"shape": (columns, groups), "initializer": "ones"},
            "kernel_zero": {"shape": (columns, groups), "dtype": "uint8", "initializer": "zeros"},
            "g_idx": {"shape": (rows,), "dtype": "float32", "initializer": "zeros"},
        }

    def encode(self, weight: jax.Array) -> dict[str, jax.Array]:
        return {}  # calibration does

    def packed(self, numbers: jax.Array) -> jax.Array:
        """Numbers `(columns, rows)` as they are kept."""
        numbers = jnp.asarray(numbers).astype("uint8")
        if self.bits not in _PACKING:
            return numbers
        pack = _PACKING[self.bits][0]
        return pack(numbers, axis=0, dtype="uint8")[0]

    def numbers(self, values: Values) -> jax.Array:
        kept = values["quantized_kernel"]
        if self.bits not in _PACKING:
            return kept
        unpack = _PACKING[self.bits][1]
        return unpack(kept, self.layout.columns, axis=0, dtype="uint8")

    def decode(self, values: Values, dtype: DTypeLike) -> jax.Array:
        columns = zero_points.dequantize_with_sz_map(
            self.numbers(values), values["kernel_scale"], values["kernel_zero"], values["g_idx"]
        ).T  # (rows, columns)
        return self.layout.from_columns(self._unscaled(columns, values)).astype(dtype)

    def _unscaled(self, columns: jax.Array, values: Values) -> jax.Array:
        return columns


class GPTQ(Calibrated):
    """As `GPTQConfig` describes it."""


class AWQ(Calibrated):
    """As `AWQConfig` describes it: rows were multiplied by `awq_scales` before rounding."""

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        return "quantized_kernel", "kernel_scale", "kernel_zero", "awq_scales", "g_idx"

    def variables(self) -> dict[str, dict[str, Any]]:
        made = super().variables()
        groups = made.pop("g_idx")
        scales = {"shape": (self.layout.rows,), "initializer": "ones"}
        return {**made, "awq_scales": scales, "g_idx": groups}

    def _unscaled(self, columns: jax.Array, values: Values) -> jax.Array:
        return columns / values["awq_scales"][:, None]
