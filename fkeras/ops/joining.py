"""Several arrays into one, one into several.

Dtypes promote; shapes must agree but along the joined axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.known_values import keeping_sizes
from fkeras.ops.shape_rules import canonical_axis
from fkeras.ops.tensors import as_array
from fkeras.types import Tensor, TensorLike

# -- joining -------------------------------------------------------------------


@op(sparse=sparse_rules.concatenate)
@keeping_sizes
def concatenate(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """The arrays `xs` one after the other along `axis`.

    Args:
        xs: list of arrays of equal shapes but along `axis`.
        axis: int.

    Raises:
        UserInputError: where shapes differ; it names the two, and the axis.
    """
    if axis is None:
        raise UserInputError(
            "`axis` cannot be None for `concatenate`. Flatten the arrays with `ravel` first."
        )
    xs = [as_array(x) for x in xs]
    if xs and xs[0].ndim:  # of scalars and of nothing JAX's own error says enough
        _check_equal("concatenate", xs, canonical_axis(axis, xs[0].ndim))
    return jnp.concatenate(xs, axis=axis)


@op
@keeping_sizes
def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """The arrays of the list `x`, of equal shapes, along a new axis."""
    xs = [as_array(part) for part in x]
    _check_equal("stack", xs)
    return jnp.stack(xs, axis=axis)


def _check_equal(name: str, xs: Sequence[jax.Array], free: int | None = None) -> None:
    """Shapes must be equal but at axis `free`."""
    for i, x in enumerate(xs):
        misfit = _misfit(xs[0].shape, x.shape, free)
        if misfit:
            along = "" if free is None else f" except along axis={free}"
            raise UserInputError(
                f"{name}: shapes must be equal{along}. Received: {xs[0].shape} (first) and "
                f"{x.shape} (number {i}): {misfit}."
            )


def _misfit(first: tuple[int, ...], other: tuple[int, ...], free: int | None) -> str | None:
    """Where two shapes differ, but at axis `free`, in words."""
    if len(other) != len(first):
        return f"{len(other)} axes against {len(first)}"
    for axis, (m, n) in enumerate(zip(first, other)):
        if axis != free and m != n:
            return f"axis {axis} has {m} against {n}"
    return None


@op
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along `axis`; both flattened for None."""
    return jnp.append(as_array(x1), as_array(x2), axis=axis)


@op
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """The arrays `xs` side by side: along axis 1, or axis 0 where they are 1-D."""
    return jnp.hstack([as_array(x) for x in xs])


@op
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """The arrays `xs` on top of each other: along axis 0, 1-D ones as rows."""
    return jnp.vstack([as_array(x) for x in xs])


@op
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """The arrays `xs` behind each other: along axis 2."""
    return jnp.dstack([as_array(x) for x in xs])


@op
def column_stack(xs: Sequence[TensorLike]) -> Tensor:
    """The arrays `xs` side by side, 1-D ones as columns."""
    return jnp.column_stack([as_array(x) for x in xs])


# -- splitting -----------------------------------------------------------------


def _pieces(
    x: KerasTensor, indices_or_sections: int | Sequence[int], axis: int
) -> list[KerasTensor]:
    """KerasTensors of the parts."""
    axis = canonical_axis(axis, len(x.shape))
    size = x.shape[axis]
    if isinstance(indices_or_sections, Integral):
        if size is not None and size % indices_or_sections:
            raise UserInputError(
                f"split: axis {axis} of shape {x.shape} cannot be divided into "
                f"{indices_or_sections} equal parts."
            )
        sizes = [None if size is None else size // indices_or_sections] * indices_or_sections
    else:
        # Cuts may lie beyond the ends or count from them, as in slices.
        bounds = [0, *(int(i) for i in indices_or_sections), size]
        sizes = [_length(start, stop, size) for start, stop in zip(bounds, bounds[1:])]
    return [KerasTensor(x.shape[:axis] + (n,) + x.shape[axis + 1 :], dtype=x.dtype) for n in sizes]


def _length(start: int, stop: int | None, size: int | None) -> int | None:
    """The length of a part from `start` to `stop` (None: the end) of an axis of `size`."""
    if size is None:
        return None if stop is None or min(start, stop) < 0 else max(stop - start, 0)
    return len(range(size)[start:stop])


def _split_spec(
    x: KerasTensor, indices_or_sections: int | Sequence[int], axis: int = 0
) -> list[KerasTensor]:
    return _pieces(x, indices_or_sections, axis)


@op(spec=_split_spec)
def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into a list of arrays.

    Args:
        x: array.
        indices_or_sections: an int, the number of equal parts, or a list of the indices at which to
            cut.
        axis: int.
    """
    return jnp.split(as_array(x), indices_or_sections, axis=axis)


@op
def array_split(x: TensorLike, indices_or_sections: int, axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into `indices_or_sections` parts as equal as can be.

    A list, the larger parts first.
    """
    if not isinstance(indices_or_sections, Integral):
        raise UserTypeError(
            "Argument `indices_or_sections` must be of type `int`. Received: "
            f"{indices_or_sections!r}."
        )
    if indices_or_sections <= 0:
        raise UserInputError(
            "Argument `indices_or_sections` must be a positive integer. Received: "
            f"{indices_or_sections}."
        )
    if not isinstance(axis, Integral):
        raise UserTypeError(f"Argument `axis` must be of type `int`. Received: {axis!r}.")
    return jnp.array_split(as_array(x), indices_or_sections, axis=axis)


@op(
    spec=lambda x, indices_or_sections: _pieces(
        x, indices_or_sections, 0 if len(x.shape) == 1 else 1
    )
)
def hsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along axis 1, or axis 0 where `x` is 1-D."""
    return jnp.hsplit(as_array(x), indices_or_sections)


@op(spec=lambda x, indices_or_sections: _pieces(x, indices_or_sections, 0))
def vsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along axis 0."""
    return jnp.vsplit(as_array(x), indices_or_sections)


@op(spec=lambda x, indices_or_sections: _pieces(x, indices_or_sections, 2))
def dsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along axis 2."""
    return jnp.dsplit(as_array(x), indices_or_sections)


def _unstack_spec(x: KerasTensor, num: int | None = None, axis: int = 0) -> list[KerasTensor]:
    axis = canonical_axis(axis, len(x.shape))
    num = x.shape[axis] if num is None else num
    if num is None:
        raise UserInputError(
            f"Cannot infer argument `num` from shape {x.shape}: axis {axis} is unknown. Pass `num`."
        )
    return [KerasTensor(x.shape[:axis] + x.shape[axis + 1 :], dtype=x.dtype) for _ in range(num)]


@op(spec=_unstack_spec)
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The parts of `x` along `axis` as a list of arrays without that axis.

    Args:
        x: array.
        num: how many there must be; None: as many as there are.
        axis: int.
    """
    x = as_array(x)
    parts = list(jnp.moveaxis(x, axis, 0))
    if num is not None and num != len(parts):
        raise UserInputError(
            f"unstack: num={num}, but axis {axis} of shape {tuple(x.shape)} has {len(parts)}."
        )
    return parts
