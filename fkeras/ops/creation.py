"""New arrays: filled, counted, drawn along an axis.

`dtype=None` means `floatx()` unless said otherwise.
"""

from __future__ import annotations

from numbers import Integral
from typing import Literal, overload

import jax.numpy as jnp

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.settings import floatx
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.known_values import known_sizes
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, as_tensor, optional_dtype
from fkeras.types import DTypeLike, ShapeLike, Tensor, TensorLike

# -- filled --------------------------------------------------------------------


def zeros(shape: ShapeLike, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros of `shape`."""
    return jnp.zeros(known_sizes(shape), dtype=standardize_dtype(dtype))


def ones(shape: ShapeLike, dtype: DTypeLike | None = None) -> Tensor:
    """Ones of `shape`."""
    return jnp.ones(known_sizes(shape), dtype=standardize_dtype(dtype))


def empty(shape: ShapeLike, dtype: DTypeLike | None = None) -> Tensor:
    """An array of `shape` whose values do not matter: zeros, under JAX."""
    return jnp.empty(known_sizes(shape), dtype=standardize_dtype(dtype))


@op
def full(shape: ShapeLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """`fill_value`, which broadcasts, everywhere in `shape`."""
    return jnp.full(known_sizes(shape), as_tensor(fill_value), dtype=standardize_dtype(dtype))


@op
def zeros_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros of the shape of `x`, and of its dtype for None."""
    return jnp.zeros_like(as_tensor(x), dtype=optional_dtype(dtype))


@op
def ones_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """Ones of the shape of `x`, and of its dtype for None."""
    return jnp.ones_like(as_tensor(x), dtype=optional_dtype(dtype))


@op
def empty_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """An array like `x` whose values do not matter: zeros, under JAX."""
    return jnp.empty_like(as_tensor(x), dtype=optional_dtype(dtype))


@op
def full_like(x: TensorLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """`fill_value` everywhere in the shape of `x`, and in its dtype for None."""
    return jnp.full_like(as_tensor(x), as_tensor(fill_value), dtype=optional_dtype(dtype))


# -- counted -------------------------------------------------------------------


@op
def arange(
    start: float,
    stop: float | None = None,
    step: float | None = None,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """`start`, `start + step`, ... below `stop`; one argument alone is `stop`, from 0.

    Args:
        start, stop, step: numbers; None: see above, and 1.
        dtype: None: the promoted dtype of the numbers, int32 for Python ints.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.arange(5)
        Array([0, 1, 2, 3, 4], dtype=int32)
    """
    if dtype is None:  # Python's int and float stay weak, so that bfloat16 stays bfloat16
        dtype = result_type(
            *(getattr(x, "dtype", type(x)) for x in (start, stop, step) if x is not None)
        )
    return jnp.arange(start, stop, step=step, dtype=standardize_dtype(dtype))


@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: Literal[False] = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor: ...
@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    *,
    retstep: Literal[True],
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> tuple[Tensor, Tensor]: ...
@op
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor | tuple[Tensor, Tensor]:
    """`num` evenly spaced numbers from `start` to `stop`, which broadcast, along a new axis.

    Args:
        start, stop: numbers or arrays.
        num: how many.
        endpoint: whether `stop` is the last one.
        retstep: whether to return the spacing too: (numbers, step).
        dtype: None: a float dtype.
        axis: where the new axis goes.
    """
    dtype = optional_dtype(dtype)
    return jnp.linspace(
        as_tensor(start),
        as_tensor(stop),
        num=num,
        endpoint=endpoint,
        retstep=retstep,
        dtype=dtype,
        axis=axis,
    )


@op
def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: TensorLike = 10,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor:
    """`base` to the powers that `linspace` gives."""
    dtype = optional_dtype(dtype)
    return jnp.logspace(
        as_tensor(start),
        as_tensor(stop),
        num=num,
        endpoint=endpoint,
        base=base,
        dtype=dtype,
        axis=axis,
    )


@op
def geomspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from `start` to `stop` with equal ratios, along a new axis: see `linspace`."""
    return jnp.geomspace(
        as_tensor(start),
        as_tensor(stop),
        num=num,
        endpoint=endpoint,
        dtype=optional_dtype(dtype),
        axis=axis,
    )


@op
def meshgrid(*x, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of all grid points, as a list of one array for each 1-D argument.

    Args:
        *x: 1-D arrays of sizes n1, n2, ...
        indexing: 'ij': results of shape (n1, n2, ...); 'xy': of shape (n2, n1, ...).
    """
    if indexing not in ("xy", "ij"):
        raise UserInputError(
            f"Valid values for `indexing` are 'xy' and 'ij'. Received: {indexing!r}."
        )
    return list(jnp.meshgrid(*(as_array(part).ravel() for part in x), indexing=indexing))


# -- matrices ------------------------------------------------------------------


def _refuse_float(name: str, value: object) -> None:
    if isinstance(value, float) or "float" in str(getattr(value, "dtype", "")):
        raise UserTypeError(f"Argument `{name}` must be an integer. Received: {name}={value}.")


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """Ones on the k-th diagonal (above the main one for k > 0), zeros elsewhere.

    The shape is (N, M), M = N for None.
    """
    _refuse_float("N", N)
    _refuse_float("M", M)
    return jnp.eye(N, M=M, k=k, dtype=standardize_dtype(dtype))


def identity(n: int, dtype: DTypeLike | None = None) -> Tensor:
    """The identity matrix of shape (n, n)."""
    return jnp.identity(n, dtype=standardize_dtype(dtype))


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """Ones on and below the k-th diagonal, zeros above; shape (N, M), M = N for None."""
    return jnp.tri(N, M=M, k=k, dtype=standardize_dtype(dtype))


@op
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """`x` (..., m, n) with zeros above the k-th diagonal."""
    return jnp.tril(as_array(x), k=k)


@op
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """`x` (..., m, n) with zeros below the k-th diagonal."""
    return jnp.triu(as_array(x), k=k)


@op
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers N-1, ..., 1, 0 of a 1-D `x` as columns, shape (len(x), N); N = len(x) for None."""
    x = as_array(x)
    if x.ndim != 1:
        raise UserInputError(
            f"vander: input tensor must be 1-dimensional. Received: shape {tuple(x.shape)}."
        )
    if N is not None and not isinstance(N, Integral):
        raise UserTypeError(f"Argument `N` must be of type `int`. Received: N={N!r}.")
    if N is not None and N < 0:
        raise UserInputError(f"Argument `N` must be nonnegative. Received: N={N}.")
    if not isinstance(increasing, bool):
        raise UserTypeError(
            f"Argument `increasing` must be of type `bool`. Received: increasing={increasing!r}."
        )
    return jnp.vander(x, N=N, increasing=increasing)


# -- windows of x points, as floatx --------------------------------------------


@op
def bartlett(x: int) -> Tensor:
    """The Bartlett (triangular) window of `x` points, shape (x,)."""
    return jnp.bartlett(_points(x)).astype(floatx())


@op
def blackman(x: int) -> Tensor:
    """The Blackman window of `x` points, shape (x,)."""
    return jnp.blackman(_points(x)).astype(floatx())


@op
def hamming(x: int) -> Tensor:
    """The Hamming window of `x` points, shape (x,)."""
    return jnp.hamming(_points(x)).astype(floatx())


@op
def hanning(x: int) -> Tensor:
    """The Hann window of `x` points, shape (x,)."""
    return jnp.hanning(_points(x)).astype(floatx())


@op
def kaiser(x: int, beta: TensorLike) -> Tensor:
    """The Kaiser window of `x` points and shape parameter `beta`, shape (x,)."""
    return jnp.kaiser(_points(x), as_tensor(beta)).astype(floatx())


def _points(x: int) -> int:
    return int(x)
