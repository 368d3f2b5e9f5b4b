"""What a stream yields becomes batches, or an error that names it."""

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.data.batch_checks import BatchChecks
from fkeras.errors import UserInputError


def batch(i, rows=2):
    return np.full((rows, 3), float(i)), np.full(rows, i)


# what is yielded, what a step is given: dtypes by entry
ITEMS = [
    ((np.ones((2, 3)), np.arange(2)), ["float32", "int32"]),
    ([np.ones((2, 3)), np.arange(2)], ["float32", "int32"]),
    ((np.ones((2, 3)),), ["float32"]),
    ((np.ones((2, 3)), None, None), ["float32"]),
    (([[1.0], [2.0]], [0, 1]), ["float32", "int32"]),
    ((np.ones((2, 3)), None, np.ones(2)), ["float32", None, "float32"]),
    ((jnp.ones((2, 3)), np.array([True, False]), [1.0, 2.0]), ["float32", "bool", "float32"]),
    ((np.array(["a", "b"]), [0, 1]), ["<U1", "int32"]),
]


@pytest.mark.parametrize("item, dtypes", ITEMS, ids=range(len(ITEMS)))
def test_batches_become_tuples_of_arrays(item, dtypes):
    got = next(make_source(iter([item])).epoch(0))
    assert isinstance(got, tuple) and [a if a is None else str(a.dtype) for a in got] == dtypes


def test_a_dict_is_inputs_only():
    got = next(make_source(iter([{"a": np.ones(2), "b": (np.ones(2), np.zeros(2))}])).epoch(0))
    assert len(got) == 1 and list(got[0]) == ["a", "b"] and isinstance(got[0]["b"], tuple)


@pytest.mark.parametrize(
    "data, role",
    [
        (iter([np.ones((2, 3))]), "predict"),
        (type("Again", (), {"__iter__": lambda self: iter([np.ones((2, 3))])})(), "fit"),
        (iter([[[1.0, 2, 3], [4, 5, 6]]]), "predict"),
    ],
)
def test_arrays_alone_are_inputs(data, role):
    (x,) = next(make_source(data, role=role).epoch(0))
    assert x.shape == (2, 3)


def test_jax_sparse_batches_stay_and_scipys_become_dense():
    from jax.experimental import sparse

    matrix = sparse.BCOO.fromdense(jnp.eye(2))
    assert next(make_source(iter([(matrix, np.ones(2))])).epoch(0))[0] is matrix
    scipy_sparse = pytest.importorskip("scipy.sparse")
    assert next(make_source(iter([(scipy_sparse.random(2, 4, 0.5), np.ones(2))])).epoch(0))[
        0
    ].shape == (2, 4)


BAD = [
    (
        [np.ones((16, 4))],
        r"batch 0 of `x` \(a generator\) is a ndarray of shape \(16, 4\).*yield x, y",
    ),
    ([(np.ones((2, 3)),) * 4], "batch 0 .* has 4 entries"),
    ([batch(0), None], "batch 1 .* is None"),
    ([()], "has 0 entries"),
    ([batch(0), (np.ones((2, 3)), np.ones(3))], "(?s)ambiguous.*batch 1 .*: x: 2, .*y: 3"),
    ([(np.zeros((0, 3)), np.zeros(0))], "0 samples"),
    ([(np.float32(1), np.float32(2))], "batch 0 .*: x is a single number.*batches first"),
    ([{"text": "a", "label": 1}], r"batch 0 .*: x\['text'\] must be an array.*type str"),
    (
        [batch(0), (np.ones((2, 3, 1)), np.arange(2))],
        "batch 1 .*First: x with 2 axes, y with 1 axes. Now: x with 3 axes",
    ),
    ([batch(0), ({"a": np.ones(2)}, np.arange(2))], r"batch 1 .*Now: x\['a'\]"),
    ([(np.array([2**40]), np.zeros(1))], "batch 0 .*: x holds 1099511627776"),
    ([(np.array([1, None], object), np.zeros(2))], "batch 0 .*: x has 1 missing value"),
]


@pytest.mark.parametrize("items, words", BAD, ids=range(len(BAD)))
def test_a_bad_batch_is_named_and_not_printed(items, words):
    with pytest.raises(UserInputError, match=words) as caught:
        list(make_source(iter(items)).epoch(0))
    assert "[[" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ((np.ones((2, 3)), np.ones(3)), "samples"),
        ((np.ones((2, 3, 1)), np.ones(2)), "not like the first batch"),
        ((np.ones((2, 3)),), "not like the first batch"),
        ((np.ones((0, 3)), np.ones(0)), "0 samples"),
    ],
    ids=["lengths", "rank", "entries", "empty"],
)
def test_a_bad_batch_behind_good_ones_is_seen(bad, told):
    def batches():
        for _ in range(3):
            yield np.ones((2, 3), "float32"), np.ones(2, "float32")
        yield bad

    passed = make_source(batches()).epoch(0)
    for _ in range(3):
        next(passed)
    with pytest.raises((ValueError, TypeError), match=told):
        next(passed)


def test_batches_of_other_dtypes_behind_plain_ones_are_converted():
    def batches():
        yield from [(np.ones((2, 3), "float32"), np.ones(2, "int32"))] * 2
        yield np.ones((2, 3)), np.ones(2, "int64")

    assert [(x.dtype.name, y.dtype.name) for x, y in make_source(batches()).epoch(0)] == [
        ("float32", "int32")
    ] * 3


def test_plain_batches_are_handed_on_as_they_are():
    checks = BatchChecks("x", "generator")
    first, second = ((np.ones((2, 3), "float32"), np.ones(2, "int32")) for _ in range(2))
    assert checks.check(first, 0)[0] is first[0]
    assert checks.check(second, 1) is second


def test_class_weights_multiply_those_of_the_samples():
    checks = BatchChecks("x", "generator", class_weight={0: 1.0, 1: 3.0})
    x, y = np.ones((2, 3)), np.array([0, 1])
    assert checks.check((x, y), 0)[2].tolist() == [1, 3]
    checks = BatchChecks("x", "generator", class_weight={0: 1.0, 1: 3.0})
    assert checks.check((x, y, np.array([2.0, 2.0])), 0)[2].tolist() == [2, 6]


@pytest.mark.parametrize("item, count", [((np.ones(2),), 0), ((np.ones(2), [np.ones(2)] * 2), 2)])
def test_class_weights_need_one_array_of_targets(item, count):
    checks = BatchChecks("x", "generator", class_weight={0: 1.0})
    with pytest.raises(UserInputError, match=f"needs one array of targets. Received {count}"):
        checks.check(item, 0)
