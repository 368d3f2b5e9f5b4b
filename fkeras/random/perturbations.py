"""Random changes of a given tensor."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import jax
import jax.numpy as jnp
from numpy.lib.array_utils import normalize_axis_index

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.tensors import as_array
from fkeras.random.distributions import draw_key
from fkeras.types import DTypeLike, SeedLike, Shape, Tensor, TensorLike


def _check_dropout(
    shape: Shape, dtype: DTypeLike, rate: TensorLike, noise_shape: Sequence[int | None] | None
) -> None:
    """Raises for arguments of `dropout` that cannot be right."""
    if not jnp.issubdtype(jnp.dtype(dtype), jnp.inexact):
        raise UserInputError(
            "`fkeras.random.dropout` scales what it keeps, so `inputs` must be of a float dtype. "
            f"Received: dtype={dtype}."
        )
    if isinstance(rate, (Integral, float)) and not 0 <= rate <= 1:
        raise UserInputError(
            f"`rate` is the share of values to drop, in [0, 1]. Received: rate={rate}."
        )
    if noise_shape is not None:
        fits = len(noise_shape) <= len(shape) and all(
            n in (None, 1) or s is None or n == s  # from the last axis, as shapes broadcast
            for n, s in zip(reversed(noise_shape), reversed(shape), strict=False)
        )
        if not fits:
            raise UserInputError(
                "`noise_shape` must broadcast to the shape of `inputs` (None: the input's size). "
                f"Received: noise_shape={tuple(noise_shape)}, inputs.shape={tuple(shape)}."
            )


def _dropout_spec(
    inputs: KerasTensor,
    rate: TensorLike,
    noise_shape: Sequence[int | None] | None = None,
    seed: SeedLike | None = None,
) -> KerasTensor:
    _check_dropout(inputs.shape, inputs.dtype, rate, noise_shape)
    return KerasTensor(inputs.shape, inputs.dtype)


@op(spec=_dropout_spec)
def dropout(
    inputs: TensorLike,
    rate: TensorLike,
    noise_shape: Sequence[int | None] | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Sets a random share of the values to 0 and divides the others by (1 - rate).

    So the mean stays.

    Args:
        inputs: floats of any shape.
        rate: the share to drop, in [0, 1].
        noise_shape: the shape of the mask, which is broadcast: 1 where all values along an axis
            live or die together, None for the input's size there. None: one decision for each
            value.
        seed: int (the same mask at each call), `SeedGenerator`, JAX key, or None.

    Examples:
        >>> import fkeras
        >>> x = fkeras.ops.ones((4, 3))
        >>> rows = fkeras.random.dropout(x, 0.5, noise_shape=(None, 1), seed=1)
        >>> bool((rows.std(axis=1) == 0).all())
        True
    """
    x = as_array(inputs)
    _check_dropout(x.shape, x.dtype, rate, noise_shape)
    # 0 and 1 need no draw, and at 1 the division is by 0.
    if isinstance(rate, (Integral, float)):
        if rate == 1:
            return jnp.zeros_like(x)
        if rate == 0:
            return x
    mask_shape = x.shape
    if noise_shape is not None:
        mask_shape = tuple(
            s if n is None else n
            for n, s in zip(noise_shape, x.shape[x.ndim - len(noise_shape) :], strict=True)
        )
    keep = 1.0 - rate  # the share of values that stay
    mask = jnp.broadcast_to(jax.random.bernoulli(draw_key(seed), keep, mask_shape), x.shape)
    if not isinstance(rate, (Integral, float)):
        keep = jnp.where(keep > 0, keep, 1)  # nothing is kept at 0, and its gradient stays finite
    return jnp.where(mask, (x / keep).astype(x.dtype), 0)


def _shuffle_spec(x: KerasTensor, axis: int = 0, seed: SeedLike | None = None) -> KerasTensor:
    normalize_axis_index(axis, len(x.shape))
    return KerasTensor(x.shape, x.dtype)


@op(spec=_shuffle_spec)
def shuffle(x: TensorLike, axis: int = 0, seed: SeedLike | None = None) -> Tensor:
    """Shuffles along `axis`, each of the lines along it in its own order.

    Rows of a matrix do not stay together.

    Args:
        x: any shape but ().
        axis: int.
        seed: as in `dropout`.
    """
    return jax.random.permutation(draw_key(seed), as_array(x), axis, independent=True)
