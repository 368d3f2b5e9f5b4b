"""Weights of 8 and of 4 bits."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.layers.quantized.scheme import WholeNumbers, checked_scale
from fkeras.quantizers import zero_points
from fkeras.quantizers.abs_max import abs_max_quantize_grouped_with_zero_point
from fkeras.quantizers.packing import pack_int4, unpack_int4
from fkeras.quantizers.quantizer import AbsMaxQuantizer

if TYPE_CHECKING:
    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.layers.quantized.products import MatrixProduct
    from fkeras.layers.quantized.scheme import Values
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import DTypeLike, Shape


class Int8(WholeNumbers):
    """8 bits and a scale for each output. Inputs are rounded to 8 bits at each call, and whole
    numbers are multiplied.
    """

    is_plain = True

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        return weight, f"{weight}_scale"

    def variables(self) -> dict[str, dict[str, Any]]:
        numbers, scale = self.attributes().values()
        ones = jax.ShapeDtypeStruct(
            [
                1 if axis in self.layout.scale_axes else size
                for axis, size in enumerate(self.layout.shape)
            ],
            "float32",
        )
        return {
            numbers: {"shape": self.layout.shape, "dtype": "int8", "initializer": "zeros"},
            scale: {
                "shape": jax.eval_shape(self.layout.kept_scale, ones).shape,
                "initializer": "ones",
            },
        }

    def encode(self, weight: jax.Array) -> dict[str, jax.Array]:
        numbers, scale = _quantized(
            self.quantizer_of_weight(AbsMaxQuantizer()), weight, self.layout.scale_axes
        )
        kept_scale = self.layout.kept_scale(checked_scale(scale, self.layout))
        return dict(zip(self.attributes().values(), (numbers, kept_scale)))

    def numbers(self, values: Values) -> jax.Array:
        return values[self.layout.attribute]

    def decode(self, values: Values, dtype: DTypeLike) -> jax.Array:
        numbers, scale = (values[name] for name in self.attributes().values())
        return (numbers.astype(dtype) / self.layout.scale_of_weight(scale)).astype(dtype)

    def rounded_product(
        self, product: MatrixProduct, inputs: jax.Array, values: Values, dtype: DTypeLike
    ) -> jax.Array:
        numbers, scale = (values[name] for name in self.attributes().values())
        if self.inputs_quantizer is not None:
            inputs, input_scale = self.inputs_quantizer(inputs, axis=product.input_axes)
            scale = scale * product.kept_scale(input_scale)
        x = product(inputs, self.layout.as_kernel(numbers)).astype(dtype)
        return (x / scale).astype(dtype)

    def rows(self, ids: jax.Array, values: Values, dtype: DTypeLike) -> jax.Array:
        """The rows of a table, NaN for ids that it has not."""
        numbers, scale = (look_up(values[name], ids) for name in self.attributes().values())
        return (numbers.astype(dtype) / scale[..., None]).astype(dtype)


class Int4(WholeNumbers):
    """4 bits, two values a byte. Blocks of rows have a scale and a zero point for each column; with
    no block size a column has one scale.
    """

    def __init__(
        self, layout: WeightLayout, config: QuantizationConfig | None, policy: DTypePolicy
    ) -> None:
        super().__init__(layout, config, policy)
        size = config.block_size
        self.block_size = None if size == -1 else size

    @property
    def _scale_shape(self) -> Shape:
        """Of the scale by column."""
        columns = self.layout.columns
        if self.block_size is None:
            return (columns,)
        return (math.ceil(self.layout.rows / self.block_size), columns)

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        return weight, f"{weight}_scale", f"{weight}_zero", "g_idx"

    def attributes(self) -> dict[str, str]:
        present = super().attributes()
        if self.block_size is None:
            del present[f"{self.layout.name}_zero"], present["g_idx"]
        return present

    def variables(self) -> dict[str, dict[str, Any]]:
        numbers, scale, *more = self.attributes().values()
        by_column = jax.ShapeDtypeStruct(self._scale_shape, "float32")
        scale_shape = jax.eval_shape(self.layout.stored, by_column).shape
        rows, columns = self.layout.rows, self.layout.columns
        if self.layout.packs_rows:
            packed = jax.ShapeDtypeStruct(((rows + 1) // 2, columns), "int8")
        else:
            packed = jax.ShapeDtypeStruct((rows, (columns + 1) // 2), "int8")
        made = {
            numbers: {
                "shape": jax.eval_shape(self.layout.stored, packed).shape,
                "dtype": "int8",
                "initializer": "zeros",
            },
            scale: {"shape": scale_shape, "initializer": "ones"},
        }
        if not more:
            return made
        zero, groups = more
        made[zero] = {"shape": scale_shape, "dtype": "int8", "initializer": "zeros"}
        made[groups] = {
            "shape": (rows,),
            "dtype": "float32",  # Keras's dtype
            "initializer": functools.partial(_blocks_of_rows, block_size=self.block_size),
        }
        if self.layout.shares_blocks:  # with the layer's first weight
            del made[groups], made[zero]["dtype"]  # floats in Keras's files
        return made

    def encode(self, weight: jax.Array) -> dict[str, jax.Array]:
        columns = self.layout.as_columns(jnp.asarray(weight))
        zeros = ()
        if self.block_size is None:
            default = AbsMaxQuantizer(value_range=(-8, 7))
            numbers, scale = _quantized(self.quantizer_of_weight(default), columns, (0,))
            scale = checked_scale(scale, self.layout).reshape(self.layout.columns)
        else:
            numbers, scale, zero = abs_max_quantize_grouped_with_zero_point(
                columns, self.block_size, to_numpy=True
            )
            zeros = (self.layout.stored(zero),)
        packed, _, _ = pack_int4(numbers, axis=0 if self.layout.packs_rows else 1)
        kept = (self.layout.stored(packed), self.layout.stored(scale), *zeros)
        return dict(zip(self.attributes().values(), kept))

    def numbers(self, values: Values) -> jax.Array:
        layout = self.layout
        packed = layout.stored(values[layout.attribute])
        if layout.packs_rows:
            columns = unpack_int4(packed, layout.rows, axis=0)
        else:
            columns = unpack_int4(packed, layout.columns, axis=1)
        return layout.from_columns(columns)

    def decode(self, values: Values, dtype: DTypeLike) -> jax.Array:
        columns = self.layout.as_columns(self.numbers(values)).astype(dtype)
        _, scale, *more = (values[name] for name in self.attributes().values())
        scale = self.layout.stored(scale)
        if more:
            zero, groups = more
            columns = zero_points.dequantize_with_sz_map(
                columns, scale, self.layout.stored(zero), groups, group_axis=0
            )
        else:
            columns = columns / scale
        return self.layout.from_columns(columns).astype(dtype)

    def rounded_product(
        self, product: MatrixProduct, inputs: jax.Array, values: Values, dtype: DTypeLike
    ) -> jax.Array:
        kernel = self.layout.as_kernel(self.decode(values, dtype))
        if self.inputs_quantizer is None:
            return product(inputs, kernel).astype(dtype)
        inputs, scale = self.inputs_quantizer(inputs, axis=product.input_axes)
        x = product(inputs.astype(dtype), kernel)
        return (x / product.kept_scale(scale)).astype(dtype)

    def rows(self, ids: jax.Array, values: Values, dtype: DTypeLike) -> jax.Array:
        """The rows of a table, NaN for ids that it has not."""
        names = self.attributes()
        name = self.layout.name
        packed = look_up(values[names[name]], ids)
        numbers = unpack_int4(packed, self.layout.rows, axis=-1).astype(dtype)
        scale = look_up(values[names[f"{name}_scale"]], ids)
        if self.block_size is None:
            return (numbers / scale[..., None]).astype(dtype)
        zero = look_up(values[names[f"{name}_zero"]], ids)
        return zero_points.dequantize_with_sz_map(
            numbers, scale, zero, values[names["g_idx"]]
        ).astype(dtype)


def _blocks_of_rows(shape: Shape, dtype: DTypeLike, block_size: int) -> jax.Array:
    return jnp.arange(shape[0], dtype=dtype) // block_size


def look_up(table: jax.Array, ids: jax.Array) -> jax.Array:
    """Rows of a table; NaN, or 0 of whole numbers, for ids that it has not."""
    missing = jnp.nan if jnp.issubdtype(table.dtype, jnp.floating) else 0
    return table.at[ids].get(mode="fill", fill_value=missing, wrap_negative_indices=False)


def _quantized(
    quantizer: Any, weight: jax.Array, axes: tuple[int, ...]
) -> tuple[jax.Array, jax.Array]:
    """Numbers and scales. Only the house's own quantizers are sure to take axes."""
    if isinstance(quantizer, AbsMaxQuantizer):
        return quantizer(weight, axis=axes, to_numpy=True)
    return quantizer(weight, to_numpy=True)
