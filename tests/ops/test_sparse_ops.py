"""Ops on `jax.experimental.sparse.BCOO` arrays equal the same ops on dense ones, and stay sparse
where they can.
"""

import jax
import numpy as np
import pytest
from jax.experimental import sparse

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

DENSE = np.array([[0, 2.5, 0, -1], [0, 0, 0, 0], [3, 0, -0.5, 0]], "float32")
OTHER = np.array([[1, 2, 0, 0], [0, 0, 4, 0], [-3, 0, 0, 0]], "float32")


def formats(x):
    """All axes in the indices; rows as slices; the first entry stored twice."""
    whole = sparse.BCOO.fromdense(x)
    rows = sparse.BCOO.fromdense(x, n_dense=1)
    values, indices = (
        np.concatenate([whole.data[:1] - 1, [1.0], whole.data[1:]]),
        np.concatenate([whole.indices[:1], whole.indices]),
    )
    twice = sparse.BCOO((values, indices), shape=x.shape)
    return {"whole": whole, "rows": rows, "twice": twice}


ONE = [
    *(
        (name, (), {}, True)
        for name in ("negative", "square", "sin", "floor", "sign", "expm1", "abs", "copy")
    ),
    *(
        (name, (), {}, False)
        for name in ("cos", "exp", "isfinite", "isnan", "reciprocal", "sort", "max", "clip_")
    ),
    ("round", (1,), {}, True),
    ("sum", (), {}, True),
    ("sum", (), {"axis": -1, "keepdims": True}, True),
    ("mean", (), {"axis": 0}, True),
    ("transpose", (), {}, True),
    ("expand_dims", (1,), {}, True),
    ("reshape", ((2, -1),), {}, True),
    ("cast", ("int32",), {}, True),
    ("digitize", ([0.1, 1.0],), {}, True),
    ("digitize", ([-2.0, 1.0],), {}, False),
    ("convert_to_tensor", (), {"sparse": False}, False),
]


@pytest.mark.parametrize("layout", ["whole", "rows", "twice"])
@pytest.mark.parametrize(
    ("name", "args", "kwargs", "stays"), ONE, ids=[f"{i}-{r[0]}" for i, r in enumerate(ONE)]
)
def test_an_op_of_one_sparse_array(layout, name, args, kwargs, stays):
    function = (lambda x: ops.clip(x, -1, 1)) if name == "clip_" else getattr(ops, name)
    x = formats(DENSE)[layout]
    out = function(x, *args, **kwargs)
    assert isinstance(out, sparse.BCOO) == stays
    np.testing.assert_allclose(
        ops.convert_to_numpy(out), function(DENSE, *args, **kwargs), rtol=1e-6
    )


@pytest.mark.parametrize("second", ["whole", "rows", "twice", "dense", "scalar"])
@pytest.mark.parametrize("first", ["whole", "rows", "twice", "dense"])
@pytest.mark.parametrize("name", ["add", "subtract", "maximum", "minimum", "multiply"])
def test_an_op_of_two(name, first, second):
    x = {**formats(DENSE), "dense": DENSE}[first]
    y = {**formats(OTHER), "dense": OTHER, "scalar": 2.0}[second]
    out = getattr(ops, name)(x, y)
    np.testing.assert_allclose(
        ops.convert_to_numpy(out),
        getattr(ops, name)(DENSE, 2.0 if second == "scalar" else OTHER),
        rtol=1e-6,
    )
    if first == second == "whole":
        assert isinstance(out, sparse.BCOO)


@pytest.mark.parametrize(
    "divisor",
    [np.full((3, 4), 2.0, "float32"), np.array([1.0, 2.0, 4.0, 8.0], "float32"), OTHER, 2.0, 0.0],
)
@pytest.mark.parametrize("layout", ["whole", "rows", "twice"])
def test_division_keeps_the_nans_of_zero_by_zero(layout, divisor):
    out = ops.divide(formats(DENSE)[layout], divisor)
    np.testing.assert_allclose(ops.convert_to_numpy(out), ops.divide(DENSE, divisor))
    assert isinstance(out, sparse.BCOO) == bool(np.all(divisor))


def test_sparse_matrix_products():
    x, y = formats(DENSE)["whole"], OTHER.T
    np.testing.assert_allclose(ops.matmul(x, y), DENSE @ y)
    np.testing.assert_allclose(ops.matmul(formats(DENSE)["rows"], y), DENSE @ y)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.matmul(x, sparse.BCOO.fromdense(y))), DENSE @ y
    )


def test_sparse_ops_under_jit():
    x, y = formats(DENSE)["whole"], formats(OTHER)["whole"]
    out = jax.jit(lambda x, y: ops.maximum(ops.square(x), ops.subtract(x, y)))(x, y)
    np.testing.assert_allclose(ops.convert_to_numpy(out), np.maximum(DENSE**2, DENSE - OTHER))


def test_bincount_counts_into_a_sparse_array():
    out = ops.bincount(np.array([[1, 1, 3], [0, 2, 2]]), sparse=True, minlength=2)
    assert isinstance(out, sparse.BCOO)
    np.testing.assert_array_equal(ops.convert_to_numpy(out), [[0, 2, 0, 1], [1, 0, 2, 0]])
    x = sparse.BCOO.fromdense(np.array([0, 3, 1, 3]))
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.bincount(x)), [0, 1, 0, 2])
    with pytest.raises(UserInputError, match="weights.*sparse"):
        ops.bincount(x, weights=np.ones(4))


def test_symbolic_tensors_know_whether_they_stay_sparse():
    x, dense = KerasTensor((None, 4), sparse=True), KerasTensor((None, 4))
    assert (
        ops.square(x).sparse
        and ops.add(x, x).sparse
        and ops.multiply(dense, x).sparse
        and ops.reshape(x, (-1, 2)).sparse
    )
    assert not (
        ops.exp(x).sparse
        or ops.add(x, dense).sparse
        or ops.divide(dense, x).sparse
        or ops.square(dense).sparse
    )
