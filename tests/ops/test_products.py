"""Products and linear algebra against NumPy: the forms of einsum, batches, dtypes, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij->ji", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("b...d,de->b...e", (2, 3, 4, 5), (5, 6)),
    ("bqhd,bkhd->bhqk", (2, 3, 4, 5), (2, 6, 4, 5)),
    ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 5)),
    ("a b , b c -> a c", (2, 3), (3, 4)),
    ("iij->j", (3, 3, 2)),
]


@pytest.mark.parametrize(("subscripts", "shapes"), [(r[0], r[1:]) for r in EINSUMS])
def test_einsum_is_numpys(subscripts, shapes):
    operands = [normal(*shape) for shape in shapes]
    expected = np.einsum(subscripts, *operands)
    np.testing.assert_allclose(ops.einsum(subscripts, *operands), expected, rtol=1e-4, atol=1e-5)
    symbolic = ops.einsum(subscripts, *(KerasTensor(shape) for shape in shapes))
    assert symbolic.shape == expected.shape


def test_einsum_of_unknown_dimensions():
    x, w = KerasTensor((None, None, 5)), KerasTensor((5, 6))
    assert ops.einsum("btd,de->bte", x, w).shape == (None, None, 6)
    assert ops.einsum("btd,btd->b", x, x).shape == (None,)


DTYPES = [
    ("int8", "int8", "int32"),
    ("uint8", "uint8", "uint8"),
    ("int32", "int32", "int32"),
    ("bool", "bool", "bool"),
    ("int32", "bfloat16", "bfloat16"),
    ("bfloat16", "float16", "float32"),
    ("float16", "float32", "float32"),
    ("float32", "complex64", "complex64"),
]


@pytest.mark.parametrize(("a", "b", "expected"), DTYPES)
def test_products_promote(keras, a, b, expected):
    x, y = jnp.ones((2, 3), a), jnp.ones((3, 2), b)
    for call in (
        lambda o: o.matmul(x, y),
        lambda o: o.einsum("ij,jk->ik", x, y),
        lambda o: o.multiply(x, y.T),
    ):
        out = call(ops)
        assert out.dtype == call(keras.ops).dtype
        assert float(jnp.real(out[0, 0])) in (1, 3)
    assert ops.matmul(x, y).dtype == expected


SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((4, 1, 2, 3), (5, 3, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_matmul_broadcasts_as_numpy_and_has_its_gradients(first, second):
    x, y = normal(*first), normal(*second)
    np.testing.assert_allclose(ops.matmul(x, y), x @ y, rtol=1e-4, atol=1e-5)
    assert ops.matmul(KerasTensor(first), KerasTensor(second)).shape == (x @ y).shape
    scored = lambda product: lambda a, b: jnp.sum(jnp.sin(product(a, b)))
    for mine, expected in zip(
        jax.grad(scored(ops.matmul), (0, 1))(x, y),
        jax.grad(scored(jnp.matmul), (0, 1))(x, y),
        strict=True,
    ):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


MISFITS = [
    (lambda: ops.matmul(normal(2, 3), normal(4)), "3 against 4"),
    (lambda: ops.dot(normal(2, 3), normal(2, 3)), "dot: inner dimensions.*3 against 2"),
    (lambda: ops.inner(normal(2, 3), normal(2, 4)), "inner: inner dimensions.*3 against 4"),
    (lambda: ops.cross(normal(2, 4), normal(2, 4)), "2 or 3 entries. Received: 4 and 4"),
    (lambda: ops.einsum("ij,jk->ik", normal(2, 3), normal(4, 2)), "einsum: "),
    (lambda: ops.tensordot(normal(2, 3), normal(4, 2), 1), "tensordot: "),
]


@pytest.mark.parametrize(("call", "words"), MISFITS, ids=range(len(MISFITS)))
def test_factors_that_do_not_fit_are_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


BATCH = normal(2, 3, 4, 4) + 4 * np.eye(4, dtype="float32")
SPD = BATCH @ BATCH.swapaxes(-1, -2)
UNBATCHED = {
    "cholesky": (SPD, np.linalg.cholesky),
    "det": (BATCH, np.linalg.det),
    "inv": (BATCH, np.linalg.inv),
    "eigh values": (SPD, lambda x: np.linalg.eigh(x)[0]),
    "svd values": (BATCH, lambda x: np.linalg.svd(x)[1]),
    "pinv": (BATCH[..., :3], np.linalg.pinv),
    "logdet": (SPD, lambda x: np.linalg.slogdet(x)[1]),
    "matrix_rank": (BATCH, np.linalg.matrix_rank),
}
CALLS = {
    "eigh values": lambda x: ops.eigh(x)[0],
    "svd values": lambda x: ops.svd(x, compute_uv=False),
}


@pytest.mark.parametrize("name", UNBATCHED)
def test_any_axes_in_front_are_a_batch(name):
    x, reference = UNBATCHED[name]
    call = CALLS.get(name) or getattr(ops, name)
    out = call(x)
    np.testing.assert_allclose(out, reference(x), rtol=1e-3, atol=1e-3)
    single = call(x[1, 2])
    np.testing.assert_allclose(out[1, 2], single, rtol=1e-4, atol=1e-4)
    assert call(KerasTensor((None, *x.shape[1:]))).shape == (None, *out.shape[1:])


def test_decompositions_multiply_back():
    q, r = ops.qr(BATCH[..., :3])
    np.testing.assert_allclose(q @ r, BATCH[..., :3], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(q.mT @ q, np.broadcast_to(np.eye(3), (2, 3, 3, 3)), atol=1e-5)
    u, s, vt = ops.svd(BATCH[..., :3], full_matrices=False)
    np.testing.assert_allclose((u * s[..., None, :]) @ vt, BATCH[..., :3], rtol=1e-4, atol=1e-4)
    values, vectors = ops.eigh(SPD)
    np.testing.assert_allclose(
        (vectors * values[..., None, :]) @ vectors.mT, SPD, rtol=1e-3, atol=1e-2
    )
    upper = ops.cholesky(SPD, upper=True)
    np.testing.assert_allclose(upper.mT @ upper, SPD, rtol=1e-3, atol=1e-2)


def test_lu_factors_multiply_back_after_the_swaps():
    x = BATCH[0, 0]
    lu, pivots = ops.lu_factor(x)
    lower, upper = np.tril(lu, -1) + np.eye(4), np.triu(lu)
    rows = list(range(4))
    for i, j in enumerate(pivots):
        rows[i], rows[int(j)] = rows[int(j)], rows[i]
    np.testing.assert_allclose(lower @ upper, x[rows], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3.5, np.inf, -np.inf])
def test_norms_of_vectors_are_numpys(order):
    x = normal(3, 5)
    out = ops.norm(x, order, axis=-1, keepdims=True)
    np.testing.assert_allclose(out, np.linalg.norm(x, order, -1, True), rtol=1e-4)
    assert ops.norm(KerasTensor((None, 5)), order, axis=[-1]).shape == (None,)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_matrices_are_numpys(order):
    x = normal(2, 3, 5)
    expected = np.linalg.norm(x, order, (1, 2))
    np.testing.assert_allclose(ops.norm(x, order, axis=(1, 2)), expected, rtol=1e-4)


def test_the_norm_of_complex_numbers_is_real():
    x = (normal(3) + 1j * normal(3)).astype("complex64")
    assert ops.norm(x).dtype == "float32"
    np.testing.assert_allclose(ops.norm(x), np.linalg.norm(x), rtol=1e-5)


def test_a_solution_solves_its_system():
    b = normal(2, 3, 4, 2)
    for x in (ops.solve(BATCH, b), ops.inv(BATCH) @ b):
        np.testing.assert_allclose(BATCH @ np.asarray(x), b, rtol=1e-3, atol=1e-3)
    lower = np.tril(BATCH)
    x = ops.solve_triangular(BATCH, b, lower=True)  # what lies above is not read
    np.testing.assert_allclose(lower @ np.asarray(x), b, rtol=1e-3, atol=1e-3)


def test_least_squares_fit_and_ignore_small_directions():
    a, b = normal(6, 3), normal(6, 2)
    expected = np.linalg.lstsq(a, b, rcond=None)[0]
    np.testing.assert_allclose(ops.lstsq(a, b), expected, rtol=1e-3, atol=1e-4)
    flat = np.stack([a[:, 0], a[:, 0], a[:, 1]], 1)  # of rank 2: the shortest solution
    x = ops.lstsq(flat, b[:, 0], rcond=1e-4)
    np.testing.assert_allclose(x[0], x[1], rtol=1e-3)
