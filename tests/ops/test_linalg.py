"""`ops.linalg` against Keras, row by row, and by what the results must satisfy."""

import jax
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


SQUARE, TALL = normal(2, 3, 3) + 2 * np.eye(3, dtype="float32"), normal(2, 4, 3)
SPD = SQUARE @ SQUARE.swapaxes(-1, -2) + np.eye(3, dtype="float32")
PLAIN = {"low": False, "rtol": 1e-4}
ROWS = [
    ("cholesky", (SPD,), {}),
    ("cholesky", (SPD,), {"upper": True}),
    ("cholesky_inverse", (np.linalg.cholesky(SPD[0]),), {"batch": ()}),
    ("det", (SQUARE,), {}),
    ("eigh", (SPD,), {}),
    ("inv", (SQUARE,), {}),
    ("lu_factor", (SQUARE,), {}),
    ("lu_factor", (TALL,), {"grad": ()}),
    ("norm", (TALL,), {"batch": ()}),
    ("norm", (TALL, 1, -1), {}),
    ("norm", (TALL, np.inf, 1), {}),
    ("norm", (TALL, "fro", (1, 2), True), {}),
    ("norm", (TALL, "nuc", (1, 2)), {}),
    ("norm", (rng.integers(0, 5, (2, 3)), 3, 1), {"grad": ()}),
    ("qr", (TALL,), {}),
    ("qr", (TALL, "complete"), {"grad": ()}),
    ("solve", (SQUARE, normal(2, 3, 4)), {"grad": (0, 1), "batch": (0, 1)}),
    ("solve", (SQUARE[0], normal(3)), {"grad": (0, 1), "batch": ()}),
    ("solve_triangular", (SQUARE, normal(2, 3, 4)), {"grad": (0, 1), "batch": (0, 1)}),
    ("solve_triangular", (SQUARE[0], normal(3), True), {"batch": ()}),
    ("svd", (TALL,), {"grad": ()}),
    ("svd", (TALL, False), {}),
    ("svd", (TALL, False, False), {}),
    ("lstsq", (TALL[0], normal(4)), {"batch": ()}),
    ("lstsq", (TALL[0], normal(4, 2)), {"batch": ()}),
    ("matrix_rank", (np.diag([1.0, 0.0, 2.0]).astype("float32"),), {"grad": (), "batch": ()}),
    ("matrix_rank", (TALL, 100.0), {"grad": ()}),
    ("pinv", (TALL,), {}),
    ("pinv", (TALL, 0.5), {"grad": ()}),
]


@pytest.mark.parametrize(
    ("name", "args", "options"), ROWS, ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)]
)
def test_an_op_equals_keras(contract, name, args, options):
    contract(f"linalg.{name}", *args, **PLAIN, **options)


def test_eig_gives_eigenvectors():
    values, vectors = ops.eig(SQUARE)
    np.testing.assert_allclose(
        SQUARE @ np.asarray(vectors),
        np.asarray(vectors) * np.asarray(values)[:, None],
        rtol=1e-4,
        atol=1e-4,
    )
    assert [(t.shape, t.dtype) for t in ops.eig(KerasTensor((None, 3, 3)))] == [
        ((None, 3), "complex64"),
        ((None, 3, 3), "complex64"),
    ]


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_inverse_takes_batches(upper):
    np.testing.assert_allclose(
        ops.cholesky_inverse(ops.cholesky(SPD, upper), upper),
        np.linalg.inv(SPD),
        rtol=1e-3,
        atol=1e-4,
    )


def test_a_batch_of_vectors_can_be_solved_for():
    b = normal(2, 3)
    expected = np.linalg.solve(SQUARE, b[..., None])[..., 0]
    np.testing.assert_allclose(ops.solve(SQUARE, b), expected, rtol=1e-4, atol=1e-5)
    lower = np.tril(SQUARE)
    np.testing.assert_allclose(
        ops.solve_triangular(SQUARE, b, lower=True),
        np.linalg.solve(lower, b[..., None])[..., 0],
        rtol=1e-3,
    )


@pytest.mark.parametrize("n", [-2, 0, 1, 5])
def test_matrix_power_equals_numpys(n):
    np.testing.assert_allclose(
        ops.matrix_power(SQUARE, n), np.linalg.matrix_power(SQUARE, n), rtol=1e-3, atol=1e-3
    )


def test_jvp_gives_value_tangent_and_auxiliary_data():
    x, v = normal(3), normal(3)
    value, tangent, aux = ops.jvp(lambda x: (ops.sum(x**3), "kept"), (x,), (v,), has_aux=True)
    np.testing.assert_allclose([value, tangent], [np.sum(x**3), np.sum(3 * x**2 * v)], rtol=1e-5)
    assert aux == "kept"
    out, tangent = ops.jvp(ops.sin, (KerasTensor((None, 3)),), (KerasTensor((None, 3)),))
    assert out.shape == tangent.shape == (None, 3)


def test_cholesky_of_an_indefinite_matrix_is_an_error_outside_jit():
    with pytest.raises(UserInputError, match="not a positive definite matrix"):
        ops.cholesky(-SPD)
    assert np.isnan(jax.jit(ops.cholesky)(-SPD)).any()


ERRORS = [
    (lambda: ops.det(normal(3)), r"det: expected input to have rank >= 2.*\(3,\)"),
    (lambda: ops.inv(TALL), r"inv: expected a square matrix.*\(2, 4, 3\)"),
    (lambda: ops.solve(SQUARE, normal(2, 4, 1)), r"incompatible shapes.*\(2, 3, 3\).*\(2, 4, 1\)"),
    (lambda: ops.solve(SQUARE, 1.0), "Received a scalar"),
    (lambda: ops.norm(TALL, "max"), "Expected one of {'fro', 'nuc'}"),
    (lambda: ops.qr(TALL, "raw"), "Expected one of {'reduced', 'complete'}"),
    (lambda: ops.lstsq(TALL[0], normal(3)), r"expected a \(m, n\)"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_matrix_power_wants_an_int():
    with pytest.raises(UserTypeError, match="n must be an integer"):
        ops.matrix_power(SQUARE, 2.0)
