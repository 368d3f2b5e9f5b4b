"""`tf.linalg`, and products of tensors: `tf.matmul`, `tf.einsum`, `tf.tensordot`, `tf.norm`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import axis_of, table, tensors
from fkeras.compat.tensorflow.creation import eye
from fkeras.compat.tensorflow.nn import l2_normalize
from fkeras.types import Axis, Tensor, TensorLike


def _swapped(x: Tensor) -> Tensor:
    return x.swapaxes(-1, -2)


@tensors(2)
def matmul(
    xp: ModuleType,
    a: Tensor,
    b: Tensor,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
) -> Tensor:
    """The product of matrices in the last two axes."""
    a = _swapped(a) if transpose_a else xp.conj(_swapped(a)) if adjoint_a else a
    b = _swapped(b) if transpose_b else xp.conj(_swapped(b)) if adjoint_b else b
    return xp.matmul(a, b)


@tensors(2)
def matvec(
    xp: ModuleType, a: Tensor, b: Tensor, transpose_a: bool = False, adjoint_a: bool = False
) -> Tensor:
    """The product of a matrix and a vector."""
    a = _swapped(a) if transpose_a or adjoint_a else a
    return xp.matmul(a, b[..., None])[..., 0]


@tensors(2)
def tensordot(xp: ModuleType, a: Tensor, b: Tensor, axes: Any) -> Tensor:
    """The sum of products over axes: a number of them, or those of `a` and of `b`."""
    if np.ndim(axes):
        axes = [[int(i) for i in np.ravel(side)] for side in axes]
    return xp.tensordot(a, b, axes if np.ndim(axes) else int(axes))


def einsum(equation: str, *inputs: TensorLike, **kwargs: Any) -> Tensor:
    """Einstein's sum."""
    return _einsum(list(inputs), equation)


@tensors(None)
def _einsum(xp: ModuleType, inputs: list[Tensor], equation: str) -> Tensor:
    result = xp.einsum(equation, *inputs)
    return result.astype(inputs[0].dtype)


@tensors(1)
def norm(
    xp: ModuleType,
    tensor: Tensor,
    ord: float | str = "euclidean",
    axis: Axis | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The length of vectors: over all elements, an axis, or two; `ord` as in NumPy beside
    'euclidean'.
    """
    axis, keepdims = axis_of(axis), bool(keepdims)
    if ord in ("euclidean", "fro", 2) and not (ord == 2 and isinstance(axis, tuple)):
        magnitudes = xp.abs(tensor)
        return xp.sqrt(xp.sum(magnitudes * magnitudes, axis=axis, keepdims=keepdims))
    if axis is None:
        result = xp.linalg.norm(xp.ravel(tensor), ord=ord)
        return result.reshape((1,) * tensor.ndim) if keepdims else result
    return xp.linalg.norm(tensor, ord=ord, axis=axis, keepdims=keepdims)


@tensors(1)
def normalize(
    xp: ModuleType, tensor: Tensor, ord: float | str = "euclidean", axis: Axis | None = None
) -> tuple[Tensor, Tensor]:
    """The tensor over its length, and the length."""
    length = norm(tensor, ord, axis, keepdims=True)
    return tensor / length, length


@tensors(1)
def svd(
    xp: ModuleType, tensor: Tensor, full_matrices: bool = False, compute_uv: bool = True
) -> Any:
    """Singular values, then u and v; v is not transposed, other than in NumPy."""
    if not compute_uv:
        return xp.linalg.svd(tensor, compute_uv=False)
    u, s, vh = xp.linalg.svd(tensor, full_matrices=full_matrices)
    return s, u, xp.conj(_swapped(vh))


@tensors(2)
def solve(xp: ModuleType, matrix: Tensor, rhs: Tensor, adjoint: bool = False) -> Tensor:
    """x of matrix @ x = rhs."""
    return xp.linalg.solve(xp.conj(_swapped(matrix)) if adjoint else matrix, rhs)


@tensors(2)
def triangular_solve(
    xp: ModuleType, matrix: Tensor, rhs: Tensor, lower: bool = True, adjoint: bool = False
) -> Tensor:
    """x of matrix @ x = rhs, where half of the matrix counts."""
    matrix = xp.tril(matrix) if lower else xp.triu(matrix)
    return xp.linalg.solve(xp.conj(_swapped(matrix)) if adjoint else matrix, rhs)


@tensors(2)
def lstsq(
    xp: ModuleType, matrix: Tensor, rhs: Tensor, l2_regularizer: float = 0.0, fast: bool = True
) -> Tensor:
    """The x that makes matrix @ x nearest to rhs."""
    if not l2_regularizer:
        return xp.matmul(xp.linalg.pinv(matrix), rhs)
    gram = xp.matmul(_swapped(matrix), matrix)
    gram = gram + l2_regularizer * np.eye(gram.shape[-1], dtype=matrix.dtype)
    return xp.linalg.solve(gram, xp.matmul(_swapped(matrix), rhs))


@tensors(1)
def diag(xp: ModuleType, diagonal: Tensor, k: int = 0) -> Tensor:
    """Matrices with these diagonals, the `k`-th above the middle."""
    size = diagonal.shape[-1] + abs(k)
    rows = np.arange(diagonal.shape[-1]) + max(-k, 0)
    unit = np.zeros((diagonal.shape[-1], size, size), np.int8)
    unit[np.arange(diagonal.shape[-1]), rows, rows + k] = 1
    return xp.einsum("...i,ijk->...jk", diagonal, unit.astype(diagonal.dtype))


@tensors(1)
def diag_part(xp: ModuleType, input: Tensor, k: int = 0) -> Tensor:
    """The diagonals of matrices, the `k`-th above the middle."""
    return xp.diagonal(input, offset=k, axis1=-2, axis2=-1)


@tensors(2)
def set_diag(xp: ModuleType, input: Tensor, diagonal: Tensor) -> Tensor:
    """Matrices with other diagonals."""
    count = min(input.shape[-2:])
    on_diagonal = np.eye(*input.shape[-2:], dtype=bool)
    full = (
        xp.zeros_like(input)
        + xp.pad(diagonal, [(0, 0)] * (diagonal.ndim - 1) + [(0, input.shape[-1] - count)])[
            ..., None, :
        ]
    )
    return xp.where(on_diagonal, full, input)


@tensors(1)
def band_part(xp: ModuleType, input: Tensor, num_lower: int, num_upper: int) -> Tensor:
    """Matrices with zeros outside of a band around the diagonal; -1: all of that side."""
    rows, columns = (np.arange(n) for n in input.shape[-2:])
    below = rows[:, None] - columns
    is_kept = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
    return xp.where(is_kept, input, xp.zeros((), input.dtype))


@tensors(1)
def tensor_diag(xp: ModuleType, diagonal: Tensor) -> Tensor:
    """A tensor of twice the axes with these elements on its diagonal."""
    flat = diagonal.reshape(-1)
    return xp.diag(flat).reshape(*diagonal.shape, *diagonal.shape)


@tensors(1)
def tensor_diag_part(xp: ModuleType, input: Tensor) -> Tensor:
    """The diagonal of such a tensor."""
    half = input.shape[: input.ndim // 2]
    size = int(np.prod(half))
    return xp.diagonal(input.reshape(size, size)).reshape(half)


@tensors(2)
def cross(xp: ModuleType, a: Tensor, b: Tensor) -> Tensor:
    """The cross product of vectors of three elements."""
    return xp.cross(a, b)


def _expm(xp: ModuleType, input: Tensor) -> Tensor:
    if xp is jnp:
        return jax.scipy.linalg.expm(input)
    import scipy.linalg

    return scipy.linalg.expm(input)


def _trace(xp: ModuleType, x: Tensor) -> Tensor:
    return xp.trace(x, axis1=-2, axis2=-1).astype(x.dtype)


MATRICES = {
    "adjoint": lambda xp, matrix: xp.conj(_swapped(matrix)),
    "cholesky": lambda xp, input: xp.linalg.cholesky(input),
    "det": lambda xp, input: xp.linalg.det(input),
    "eigh": lambda xp, tensor: tuple(xp.linalg.eigh(tensor)),
    "eigvalsh": lambda xp, tensor: xp.linalg.eigvalsh(tensor),
    "expm": _expm,
    "inv": lambda xp, input: xp.linalg.inv(input),
    "logdet": lambda xp, matrix: xp.linalg.slogdet(matrix)[1],
    "matrix_rank": lambda xp, a: xp.linalg.matrix_rank(a).astype("int32"),
    "matrix_transpose": lambda xp, a: _swapped(a),
    "pinv": lambda xp, a: xp.linalg.pinv(a),
    "qr": lambda xp, input: tuple(xp.linalg.qr(input)),
    "slogdet": lambda xp, input: tuple(xp.linalg.slogdet(input)),
    "trace": _trace,
}

IN_CORE = {
    "eye": eye,
    "einsum": einsum,
    "matmul": matmul,
    "norm": norm,
    "tensordot": tensordot,
}
NAMES = {
    **table(MATRICES),
    **IN_CORE,
    "band_part": band_part,
    "cross": cross,
    "diag": diag,
    "diag_part": diag_part,
    "l2_normalize": l2_normalize,
    "lstsq": lstsq,
    "matvec": matvec,
    "normalize": normalize,
    "set_diag": set_diag,
    "solve": solve,
    "svd": svd,
    "tensor_diag": tensor_diag,
    "tensor_diag_part": tensor_diag_part,
    "triangular_solve": triangular_solve,
}
NAMES["tensor_diag"] = tensor_diag
