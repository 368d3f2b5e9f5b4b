"""Linear algebra on the last two axes, over `jax.numpy.linalg`.

Any axes before them are a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, overload

import jax
import jax.numpy as jnp

from fkeras.core import namespaces
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, as_float, widen
from fkeras.types import Axis, Tensor, TensorLike


def _matrix(x: TensorLike, name: str, square: bool = False) -> jax.Array:
    """`x` as an array of matrices; an error where it is none."""
    x = as_array(x)
    if x.ndim < 2:
        raise UserInputError(
            f"{name}: expected input to have rank >= 2. Received input with shape {x.shape}."
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise UserInputError(
            f"{name}: expected a square matrix. Received non-square input with shape {x.shape}."
        )
    return x


@op
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """The triangular L with L L^T = x for a symmetric positive definite x, (..., n, n).

    `upper` gives L^T.

    Raises:
        UserInputError: x is not positive definite. Inside `jax.jit`, where values cannot be looked
            at, the result is NaN instead.
    """
    # JAX marks what is not positive definite by NaN; a look at the values waits for the device.
    factor = jnp.linalg.cholesky(_matrix(x, "cholesky", square=True), upper=upper)
    if not isinstance(factor, jax.core.Tracer) and jnp.isnan(factor).any():
        raise UserInputError(
            "Cholesky decomposition failed: the input is not a positive definite matrix (or holds "
            "NaN)."
        )
    return factor


@op
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Tensor:
    """The inverse of L L^T, given its Cholesky factor L, (..., n, n), or L^T with `upper`."""
    x = _matrix(x, "cholesky_inverse", square=True)
    # Two triangular products cost less than a general inverse: (L L^T)^-1 = L^-T L^-1.
    inverse = solve_triangular(
        x, jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape), lower=not upper
    )
    return inverse @ inverse.mT if upper else inverse.mT @ inverse


@op
def det(x: TensorLike) -> Tensor:
    """Determinant: (..., n, n) -> (...)."""
    return jnp.linalg.det(_matrix(x, "det", square=True))


@op
def eig(x: TensorLike) -> tuple[Tensor, Tensor]:
    """Eigenvalues (..., n) and right eigenvectors (..., n, n), as columns, of a square matrix.

    Both complex. CPU and GPU only.
    """
    values, vectors = jnp.linalg.eig(_matrix(x, "eig", square=True))
    return values, vectors


@op
def eigh(x: TensorLike) -> tuple[Tensor, Tensor]:
    """Eigenvalues (..., n), ascending, and eigenvectors (..., n, n) of a symmetric matrix.

    The eigenvectors are columns.
    """
    values, vectors = jnp.linalg.eigh(_matrix(x, "eigh", square=True))
    return values, vectors


@op
def inv(x: TensorLike) -> Tensor:
    """Inverse of a square matrix (..., n, n); inf or NaN for a singular one."""
    return jnp.linalg.inv(_matrix(x, "inv", square=True))


@op
def lu_factor(x: TensorLike) -> tuple[Tensor, Tensor]:
    """LU decomposition with pivots.

    (..., m, n) -> both factors in one (..., m, n), and int32 row swaps (..., min(m, n)).
    """
    lu, pivots, _ = jax.lax.linalg.lu(as_float(_matrix(x, "lu_factor")))
    return lu, pivots


@op
def norm(
    x: TensorLike,
    ord: int | float | str | None = None,
    axis: Axis | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Norm of a vector or a matrix.

    Args:
        x: array.
        ord: None (2-norm, or Frobenius), `'fro'`, `'nuc'`, a number, inf or -inf, as in
            `numpy.linalg.norm`.
        axis: an int for vectors, a pair for matrices, None for all axes.
        keepdims: whether the reduced axes stay with size 1.
    """
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise UserInputError(
            "Invalid `ord` argument. Expected one of {'fro', 'nuc'} when using string. "
            f"Received: ord={ord}"
        )
    x = as_float(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jnp.linalg.norm(widen(x), ord, axis, keepdims).astype(jnp.finfo(x.dtype).dtype)


@op
def qr(x: TensorLike, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthogonal Q and upper triangular R with Q R = x, (..., m, n).

    Args:
        x: matrices.
        mode: `'reduced'`: Q (..., m, k), R (..., k, n) with k = min(m, n); `'complete'`: Q (..., m,
            m), R (..., m, n).
    """
    if mode not in ("reduced", "complete"):
        raise UserInputError(
            "`mode` argument value not supported. Expected one of {'reduced', 'complete'}. "
            f"Received: mode={mode}"
        )
    q, r = jnp.linalg.qr(_matrix(x, "qr"), mode=mode)
    return q, r


def _system(a: TensorLike, b: TensorLike, name: str) -> tuple[jax.Array, jax.Array]:
    """Both sides of a system of equations; an error where they do not fit."""
    a, b = _matrix(a, name, square=True), as_array(b)
    if b.ndim < 1:
        raise UserInputError(f"{name}: expected `b` to have rank >= 1. Received a scalar.")
    if b.ndim in (a.ndim, a.ndim - 1) and a.shape[-1] != b.shape[-2 if b.ndim == a.ndim else -1]:
        raise UserInputError(
            f"{name}: incompatible shapes of `a` and `b`. Received: a.shape={a.shape}, "
            f"b.shape={b.shape}"
        )
    return a, b


@op
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """x with a x = b: a (..., n, n), b (..., n, k); or one vector b (n,)."""
    a, b = _system(a, b, "solve")
    # NumPy 2 takes such a b for one matrix; Keras for a batch of vectors.
    if b.ndim == a.ndim - 1 > 1:
        return jnp.linalg.solve(a, b[..., None])[..., 0]
    return jnp.linalg.solve(a, b)


@op
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """x with a x = b for a triangular a (..., n, n).

    Only the upper (or `lower`) half of a is read; b is (..., n, k) or (..., n).
    """
    a, b = _system(a, b, "solve_triangular")
    # One dtype, since `triangular_solve` promotes nothing; integers have no solution in integers.
    a, b = (x.astype(result_type(a.dtype, b.dtype, float)) for x in (a, b))
    vector = b.ndim == a.ndim - 1
    x = jax.lax.linalg.triangular_solve(
        a, b[..., None] if vector else b, left_side=True, lower=lower
    )
    return x[..., 0] if vector else x


@overload
def svd(
    x: TensorLike, full_matrices: bool = True, compute_uv: Literal[True] = True
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def svd(x: TensorLike, full_matrices: bool = True, *, compute_uv: Literal[False]) -> Tensor: ...
@op
def svd(
    x: TensorLike, full_matrices: bool = True, compute_uv: bool = True
) -> Tensor | tuple[Tensor, Tensor, Tensor]:
    """Singular value decomposition U diag(s) V^T of x, (..., m, n).

    Args:
        x: matrices.
        full_matrices: whether U and V^T are square; else they have min(m, n) columns and rows.
        compute_uv: False returns s only, (..., min(m, n)), descending.
    """
    factors = jnp.linalg.svd(_matrix(x, "svd"), full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(factors) if compute_uv else factors


@op
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> Tensor:
    """x that makes |a x - b| least: a (m, n), b (m,) or (m, k).

    Singular values below rcond * the largest count as 0.
    """
    a, b = as_array(a), as_array(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise UserInputError(
            f"lstsq: expected a (m, n) and b (m,) or (m, k). Received: a.shape={a.shape}, "
            f"b.shape={b.shape}"
        )
    return jnp.linalg.lstsq(a, b, rcond=rcond)[0]


@op
def matrix_rank(x: TensorLike, tol: float | None = None) -> Tensor:
    """How many singular values exceed `tol`: (..., m, n) -> int32 (...).

    None for `tol`: by the dtype's precision.
    """
    return jnp.linalg.matrix_rank(_matrix(x, "matrix_rank"), tol).astype("int32")


@op
def matrix_power(x: TensorLike, n: int) -> Tensor:
    """x multiplied n times by itself, (..., m, m); a negative n inverts first."""
    if not isinstance(n, Integral):
        raise UserTypeError(f"n must be an integer. Received: n={n} of type {type(n)}")
    return jnp.linalg.matrix_power(_matrix(x, "matrix_power", square=True), n)


@op
def pinv(x: TensorLike, rcond: float | None = None) -> Tensor:
    """Moore-Penrose inverse: (..., m, n) -> (..., n, m).

    Singular values below rcond * the largest count as 0.
    """
    return jnp.linalg.pinv(_matrix(x, "pinv"), rtol=rcond)


@op(explained=False)
def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> Any:
    """Value and directional derivative of `fun` (`jax.jvp`).

    Args:
        fun: function of arrays; with `has_aux`, it returns (output, auxiliary data).
        primals: tuple of the arguments.
        tangents: tuple of the direction, one entry of the same shape per argument.

    Returns:
        (output, tangent of the output), and the auxiliary data third with `has_aux`.

    Examples:
        >>> from fkeras import ops
        >>> ops.jvp(lambda x: x**2, (3.0,), (1.0,))
        (Array(9., dtype=float32, weak_type=True), Array(6., dtype=float32, weak_type=True))
    """
    return jax.jvp(fun, primals, tangents, has_aux=has_aux)


if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
