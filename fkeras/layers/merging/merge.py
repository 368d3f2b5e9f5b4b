"""Merge: what layers share that make one tensor of several."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Shape, Tensor


class Merge(Layer):
    """A layer on a list of tensors that are combined value by value.

    Abstract: subclasses give `merge`. Tensors of fewer axes get axes of size 1 after the batch
    axis; then all broadcast together. But for a column beside a row of as many numbers,
    (batch, 4, 1) beside (batch, 4), which would become all pairs.
    """

    def __init__(self, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def merge(self, inputs: Sequence[Tensor]) -> Tensor:
        """One array of a list of arrays of the same rank."""
        raise NotImplementedError(f"{type(self).__name__} must define `merge(inputs)`.")

    def build(self, input_shape: Sequence[Shape]) -> None:
        self.compute_output_shape(input_shape)  # raises where shapes do not fit

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise UserInputError(
                f"{type(self).__name__} '{self.name}': a merge layer should be called on a list of "
                f"inputs. Received: inputs={inputs} (not a list of tensors)"
            )
        ndim = max(x.ndim for x in inputs)
        if any(x.ndim != ndim for x in inputs):  # `build` has seen the shapes of the first call
            _refuse_outer([tuple(x.shape) for x in inputs])
        return self.merge([_with_rank(x, ndim) for x in inputs])

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        shapes = check_list(self, input_shape)
        # The batch axis does not broadcast: one example beside many is most often a mistake.
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise UserInputError(
                "Cannot merge tensors with different batch sizes. Received tensors with shapes "
                f"{shapes}"
            )
        merged = shapes[0][1:]
        for shape in shapes[1:]:
            merged = _broadcast(merged, shape[1:], shapes)
        _refuse_outer(shapes)
        return (batches.pop() if batches else None, *merged)

    def compute_output_spec(self, inputs: Sequence[KerasTensor]) -> KerasTensor:
        if not isinstance(inputs, (list, tuple)):
            check_list(self, inputs.shape)  # raises: one tensor is no list
        shape = self.compute_output_shape([x.shape for x in inputs])
        return KerasTensor(shape, dtype=self.compute_dtype, sparse=all(x.sparse for x in inputs))

    def compute_mask(
        self, inputs: Sequence[Tensor], mask: Sequence[Tensor | None] | None = None
    ) -> Tensor | None:
        """True where any input counts; None where an input has no mask."""
        if mask is None:
            return None
        check_masks(inputs, mask)
        if any(m is None for m in mask):  # that input counts everywhere, hence the output
            return None
        return functools.reduce(jnp.logical_or, mask)


def _with_rank(x: Tensor, ndim: int) -> Tensor:
    """`x` with axes of size 1 behind the batch axis, up to `ndim` axes."""
    if x.ndim == ndim:
        return x
    return x.reshape(x.shape[:1] + (1,) * (ndim - x.ndim) + x.shape[1:])


def _refuse_outer(shapes: Sequence[Shape]) -> None:
    """Raises for a column beside a row of as many numbers, which would make a table of all pairs.

    Where the ranks are the same, somebody has put the axes of size 1 there on purpose.
    """
    ndim = max(map(len, shapes))
    columns = [shape for shape in shapes if len(shape) == ndim > 2 and shape[-1] == 1]
    rows = [shape for shape in shapes if len(shape) == ndim - 1 and shape[-1] != 1]
    if any(column[1:-1] == row[1:] for column in columns for row in rows):
        raise UserInputError(
            f"Cannot merge tensors of shapes {list(shapes)}: each value of one would meet all "
            "values of the other, not the one at its place. Reshape one of them, so that both have "
            "the same axes; if all pairs are meant, give both the same number of axes."
        )


def check_list(layer: Layer, input_shape: Sequence[Shape]) -> list[Shape]:
    """The shapes, where they are a list of one shape or more. Raises otherwise."""
    if (
        not isinstance(input_shape, (list, tuple))
        or not input_shape
        or not isinstance(input_shape[0], (list, tuple))
    ):
        raise UserInputError(
            f"{type(layer).__name__} '{layer.name}': a merge layer should be called on a list of "
            f"at least 1 input. Received: input_shape={input_shape} (not a list of shapes)"
        )
    return [tuple(shape) for shape in input_shape]


def check_masks(inputs: Sequence[Tensor], mask: Sequence[Tensor | None]) -> None:
    """Raises where `mask` is not a list with one entry for each input."""
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise UserInputError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise UserInputError(
            f"The lists `inputs` and `mask` should have the same length. Received: inputs={inputs} "
            f"of length {len(inputs)}, and mask={mask} of length {len(mask)}"
        )


def _broadcast(one: Shape, other: Shape, shapes: list[Shape]) -> Shape:
    """The shape that two shapes, without batch axes, broadcast to; unknown sizes stay unknown."""
    if len(one) < len(other):
        one, other = other, one
    merged = list(one[: len(one) - len(other)])
    for m, n in zip(one[len(merged) :], other):
        if m is None or n is None:
            # Beside a size other than 1, an unknown one can only be that size or 1.
            size = n if m is None else m
            merged.append(None if size == 1 else size)
        elif m == 1 or n == 1 or m == n:
            merged.append(n if m == 1 else m)
        else:
            raise UserInputError(
                f"Inputs have incompatible shapes. Received shapes {shapes}: {m} against {n}"
            )
    return tuple(merged)
