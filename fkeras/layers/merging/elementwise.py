"""Add, Subtract, Multiply, Average, Maximum and Minimum of tensors, value by value."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras import ops
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.merging.merge import Merge
from fkeras.ops.sparse import is_sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.types import Shape, Tensor


class Add(Merge):
    """The sum of its inputs, value by value.

    Shape:
        A list of tensors that broadcast together -> one tensor.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Add()([jnp.array([[1.0]]), jnp.array([[2.0]])])
        Array([[3.]], dtype=float32)
    """

    def merge(self, inputs: Sequence[Tensor]) -> Tensor:
        """The sum."""
        if len(inputs) > 2 and _is_half(inputs):  # rounded once instead of at each addition
            return _sum_in_float32(inputs).astype(inputs[0].dtype)
        return functools.reduce(ops.add, inputs)


class Subtract(Merge):
    """The first input less the second.

    Shape:
        A list of two tensors that broadcast together -> one tensor.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Subtract()([jnp.array([[5.0]]), jnp.array([[2.0]])])
        Array([[3.]], dtype=float32)
    """

    def build(self, input_shape: Sequence[Shape]) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise UserInputError(
                "A `Subtract` layer should be called on exactly 2 inputs. Received: "
                f"input_shape={input_shape}"
            )

    def merge(self, inputs: Sequence[Tensor]) -> Tensor:
        """The difference of two. Raises for another number."""
        if len(inputs) != 2:
            raise UserInputError(
                f"A `Subtract` layer should be called on exactly 2 inputs. Received: {len(inputs)} "
                "inputs"
            )
        return ops.subtract(*inputs)


class Average(Merge):
    """The mean of its inputs, value by value.

    Shape:
        A list of tensors that broadcast together -> one tensor.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Average()([jnp.array([[1.0]]), jnp.array([[2.0]])])
        Array([[1.5]], dtype=float32)
    """

    def merge(self, inputs: Sequence[Tensor]) -> Tensor:
        """The mean."""
        if _is_half(inputs):
            return (_sum_in_float32(inputs) / len(inputs)).astype(inputs[0].dtype)
        return ops.divide(functools.reduce(ops.add, inputs), len(inputs))


def _is_half(inputs: Sequence[Tensor]) -> bool:
    """Whether all are dense arrays of one dtype of 16 bits, in which long sums lose digits."""
    dtype = inputs[0].dtype
    is_short = dtype in (jnp.float16, jnp.bfloat16)
    return is_short and all(x.dtype == dtype and not is_sparse(x) for x in inputs)


def _sum_in_float32(inputs: Sequence[Tensor]) -> Tensor:
    """The sum, not rounded to half precision at each addition."""
    return functools.reduce(ops.add, [x.astype(jnp.float32) for x in inputs])


def _expanded_mask(x: Tensor) -> Tensor | None:
    """The mask of a tensor in the tensor's shape, or None."""
    mask = masks.get_mask(x)
    return None if mask is None else jnp.broadcast_to(mask[..., None], x.shape)


class _Masked(Merge):
    """Merges by a function of which masked values are no part, and sets the output's mask."""

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        if isinstance(inputs, (list, tuple)) and any(masks.get_mask(x) is not None for x in inputs):
            # Masks of tensors that would have to be broadcast first are not followed, as in Keras.
            ndim = max(x.ndim for x in inputs)
            if all(x.ndim == ndim for x in inputs):
                return self.merge_masked(inputs, [_expanded_mask(x) for x in inputs])
        return super().call(inputs)

    def merge_masked(self, inputs: Sequence[Tensor], expanded: Sequence[Tensor | None]) -> Tensor:
        """One array of arrays and their masks, which have the shape of the arrays or are None."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `merge_masked(inputs, expanded)`."
        )


class Multiply(_Masked):
    """The product of its inputs, value by value; masked values count as 1.

    Shape:
        A list of tensors that broadcast together -> one tensor. Where all inputs have masks, the
        product of nothing but masked values is 0.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Multiply()([jnp.array([[3.0]]), jnp.array([[2.0]])])
        Array([[6.]], dtype=float32)
    """

    def merge(self, inputs: Sequence[Tensor]) -> Tensor:
        """The product."""
        return functools.reduce(ops.multiply, inputs)

    def merge_masked(self, inputs: Sequence[Tensor], expanded: Sequence[Tensor | None]) -> Tensor:
        """The product of the values that count, 0 where none does."""
        factors = [
            x if mask is None else jnp.where(mask, x, jnp.ones((), x.dtype))
            for x, mask in zip(inputs, expanded)
        ]
        product = self.merge(factors)
        if any(mask is None for mask in expanded):
            return product
        # A product of ones alone stands for no value at all.
        counts = functools.reduce(jnp.logical_or, expanded)
        product = jnp.where(counts, product, jnp.zeros((), product.dtype))
        masks.set_mask(product, jnp.any(counts, axis=-1))
        return product


class _Extreme(_Masked):
    """What Maximum and Minimum share: the function of two arrays that each of them has."""

    function: Callable[[Tensor, Tensor], Tensor]

    def merge(self, inputs: Sequence[Tensor]) -> Tensor:
        """The largest or the smallest."""
        return functools.reduce(type(self).function, inputs)

    def merge_masked(self, inputs: Sequence[Tensor], expanded: Sequence[Tensor | None]) -> Tensor:
        """The largest or the smallest of the values that count."""
        output = inputs[0]
        output_mask = expanded[0]
        for x, mask in zip(inputs[1:], expanded[1:]):
            # A masked value becomes the other one, with which it then ties.
            if mask is not None:
                x = jnp.where(mask, x, output)
            if output_mask is not None:
                output = jnp.where(output_mask, output, x)
            if mask is None or output_mask is None:  # one of the two counts everywhere
                output_mask = None
            else:
                output_mask = jnp.logical_or(output_mask, mask)
            output = type(self).function(output, x)
        if output_mask is not None:
            masks.set_mask(output, jnp.any(output_mask, axis=-1))
        return output


class Maximum(_Extreme):
    """The largest of its inputs, value by value; masked values do not count where others do.

    Shape:
        A list of tensors that broadcast together -> one tensor.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Maximum()([jnp.array([[1.0, 4.0]]), jnp.array([[2.0, 3.0]])])
        Array([[2., 4.]], dtype=float32)
    """

    function = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The smallest of its inputs, value by value; masked values do not count where others do.

    Shape:
        A list of tensors that broadcast together -> one tensor.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Minimum()([jnp.array([[1.0, 4.0]]), jnp.array([[2.0, 3.0]])])
        Array([[1., 3.]], dtype=float32)
    """

    function = staticmethod(ops.minimum)


def add(inputs: Sequence[Tensor], **kwargs) -> Tensor:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Tensor], **kwargs) -> Tensor:
    """`Subtract(**kwargs)(inputs)`: the first of two inputs less the second."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Tensor], **kwargs) -> Tensor:
    """`Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Tensor], **kwargs) -> Tensor:
    """`Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Tensor], **kwargs) -> Tensor:
    """`Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Tensor], **kwargs) -> Tensor:
    """`Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)
