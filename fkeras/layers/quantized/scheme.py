"""`Scheme`: how one weight is kept in one mode."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar

import jax

from fkeras import quantizers
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.layers.quantized.products import MatrixProduct
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import DTypeLike

    Values = Mapping[str, jax.Array]


class Scheme:
    """How a weight is kept in one mode. A subclass says what stands in its place.

    A scheme holds no arrays: the values of the layer's Variables are given to it, by the names of
    the layer's attributes.

    Args:
        layout: of the weight.
        config: what was asked for; None where the policy says all.
        policy: the layer's dtype policy.

    Attributes:
        keeps_weight: whether the weight stays as floats, beside what else the scheme needs.
        is_plain: whether what stands in the place of the weight has its shape.
        takes_lora: whether adapters can be added.
        other_weights_first: whether files have the layer's other weights (the bias) first, rather
            than behind the large one.
    """

    keeps_weight: ClassVar[bool] = False
    is_plain: ClassVar[bool] = False
    takes_lora: ClassVar[bool] = False
    other_weights_first: ClassVar[bool] = False

    def __init__(
        self, layout: WeightLayout, config: QuantizationConfig | None, policy: DTypePolicy
    ) -> None:
        self.layout = layout
        self.config = config

    @classmethod
    def names(cls, weight: str) -> tuple[str, ...]:
        """Keras's names for what is kept of a weight, in the order of files."""
        raise NotImplementedError(f"{cls.__name__} must define `names(weight)`.")

    def attributes(self) -> dict[str, str]:
        """Attributes of the layer by these names, as far as there are such."""
        layout = self.layout
        names = self.names(layout.name)
        return {name: layout.attribute if name == layout.name else name for name in names}

    def variables(self) -> dict[str, dict[str, Any]]:
        """Arguments of `add_weight` by the attribute that the Variable becomes."""
        raise NotImplementedError(f"{type(self).__name__} must define `variables()`.")

    def encode(self, weight: jax.Array) -> dict[str, jax.Array]:
        """What is kept of a weight of floats, by attribute; empty where the weight stays."""
        raise NotImplementedError(f"{type(self).__name__} must define `encode(weight)`.")

    def numbers(self, values: Values) -> jax.Array:
        """The weight as the numbers that are kept."""
        raise NotImplementedError(f"{type(self).__name__} must define `numbers(values)`.")

    def decode(self, values: Values, dtype: DTypeLike) -> jax.Array:
        """The weight as floats."""
        raise NotImplementedError(f"{type(self).__name__} must define `decode(values, dtype)`.")

    def multiply(
        self,
        product: MatrixProduct,
        inputs: jax.Array,
        values: Values,
        dtype: DTypeLike,
        training: bool | None = None,
    ) -> jax.Array:
        """The inputs multiplied by the weight.

        Args:
            product: how the layer multiplies.
            inputs: array of floats.
            values: by attribute.
            dtype: of the result.
            training: whether what is kept beside the weight is to follow this call.
        """
        return product(inputs, self.layout.as_kernel(self.decode(values, dtype)))


class WholeNumbers(Scheme):
    """A scheme whose multiplication rounds the inputs too. Gradients pass the rounding: that of the
    inputs is the one of the product with the weight as floats.
    """

    takes_lora = True

    @property
    def inputs_quantizer(self) -> Any:
        """The quantizer of the inputs, or None."""
        return self.config.activation_quantizer

    def rounded_product(
        self, product: MatrixProduct, inputs: jax.Array, values: Values, dtype: DTypeLike
    ) -> jax.Array:
        """The product without its derivative."""
        raise NotImplementedError(f"{type(self).__name__} must define `rounded_product`.")

    def multiply(
        self,
        product: MatrixProduct,
        inputs: jax.Array,
        values: Values,
        dtype: DTypeLike,
        training: bool | None = None,
    ) -> jax.Array:
        return _with_derivative(self, product, dtype, inputs, dict(values))

    def quantizer_of_weight(self, default: Any) -> Any:
        return quantizers.QuantizationConfig.weight_quantizer_or_default(self.config, default)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _with_derivative(
    scheme: WholeNumbers,
    product: MatrixProduct,
    dtype: DTypeLike,
    inputs: jax.Array,
    values: dict[str, jax.Array],
) -> jax.Array:
    return scheme.rounded_product(product, inputs, values, dtype)


def _forward(
    scheme: WholeNumbers,
    product: MatrixProduct,
    dtype: DTypeLike,
    inputs: jax.Array,
    values: dict[str, jax.Array],
) -> tuple[jax.Array, tuple[jax.Array, dict[str, jax.Array]]]:
    return scheme.rounded_product(product, inputs, values, dtype), (inputs, values)


def _backward(
    scheme: WholeNumbers,
    product: MatrixProduct,
    dtype: DTypeLike,
    saved: tuple[jax.Array, dict[str, jax.Array]],
    upstream: jax.Array,
) -> tuple[jax.Array, None]:
    inputs, values = saved
    kernel = scheme.layout.as_kernel(scheme.decode(values, dtype))
    transposed = jax.linear_transpose(lambda x: product(x, kernel).astype(upstream.dtype), inputs)
    return transposed(upstream)[0], None


_with_derivative.defvjp(_forward, _backward)


def checked_scale(scale: jax.Array, layout: WeightLayout) -> jax.Array:
    """A scale of a weight as rows and columns, if it has one number a column."""
    if scale.size != layout.columns:
        raise UserInputError(
            f"The quantizer of `{layout.name}` gave a scale of shape {tuple(scale.shape)}: "
            f"expected one number for each of {layout.columns} columns. Let it share a scale over "
            f"the axes {layout.scale_axes} of a weight of shape {layout.shape}."
        )
    return scale
