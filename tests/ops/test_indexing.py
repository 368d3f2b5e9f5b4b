"""Reading and writing at indices: NumPy's keys, negative and unknown indices, segments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
CUBE = np.arange(60, dtype="float32").reshape(3, 4, 5)

bounds = st.none() | st.integers(-6, 6)
one_key = (
    st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 2, -1, -3]))
    | st.integers(-3, 2)
    | st.none()
)


@settings(max_examples=40, deadline=None, database=None)
@given(st.lists(one_key, max_size=4), st.booleans())
def test_the_symbolic_shape_of_an_item_is_numpys(keys, ellipsis):
    keys = keys[: 3 + keys.count(None)]
    while sum(k is not None for k in keys) > 3:
        keys.pop()
    key = (*keys, Ellipsis) if ellipsis else tuple(keys)
    assert ops.get_item(KerasTensor((3, 4, 5)), key).shape == CUBE[key].shape
    unknown = ops.get_item(KerasTensor((None, 4, None)), key).shape
    assert len(unknown) == CUBE[key].ndim
    assert all(m in (None, n) for m, n in zip(unknown, CUBE[key].shape, strict=True))


KEYS = [
    -1,
    (slice(None, None, -1), 2),
    (Ellipsis, None, slice(1, -1)),
    (slice(5, 9),),
    np.array([2, -3]),
    [0, 2],
    (slice(None), [1, -1], 0),
    (np.array([[0], [2]]), np.array([1, -1])),
    CUBE[:, :, 0] > 20,
    (slice(None), np.array([True, False, True, False])),
    (),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_an_item_is_numpys(key):
    np.testing.assert_array_equal(ops.get_item(CUBE, key), CUBE[key])


BAD_KEYS = [
    ((0, 0, 0, 0), "too many indices: 4 for an array with 3 axes"),
    ((Ellipsis, Ellipsis), "only have one ellipsis"),
    (3, "index 3 .* axis 0 of size 3"),
    ((0, slice(None), -6), "index -6 .* axis 2 of size 5"),
    ((slice(None), [0, 4]), r"index 4 \(at position \(1,\)"),
]


@pytest.mark.parametrize(("key", "words"), BAD_KEYS)
def test_a_key_that_does_not_fit_is_explained(key, words):
    with pytest.raises(UserInputError, match=words):
        ops.get_item(CUBE, key)
    with pytest.raises(UserInputError, match=words):
        ops.get_item(KerasTensor(CUBE.shape), key)


def test_under_jit_an_index_out_of_range_reads_nan_and_writes_nothing():
    read = jax.jit(lambda i: ops.take(np.arange(3.0), i))(jnp.array([0, 3, -4, -1]))
    np.testing.assert_array_equal(read, [0, np.nan, np.nan, 2])
    written = jax.jit(lambda i: ops.scatter_update(jnp.zeros(3), i, jnp.array([5.0, 7.0])))(
        jnp.array([[3], [-1]])
    )
    np.testing.assert_array_equal(written, [0, 0, 7])
    added = jax.jit(lambda i: ops.scatter(i, jnp.ones(2), (3,)))(jnp.array([[9], [-3]]))
    np.testing.assert_array_equal(added, [1, 0, 0])
    moved = jax.jit(lambda i: ops.slice(jnp.arange(5), [i], (2,)))(9)
    np.testing.assert_array_equal(moved, [3, 4])


def test_reading_and_writing_have_the_gradients_of_each_other():
    index = np.array([[0, 1], [2, -1], [0, 1]])
    weights = rng.normal(size=(3, 5)).astype("float32")
    read = jax.grad(lambda x: jnp.sum(ops.get_item(x, tuple(index.T)) * weights))(CUBE)
    np.testing.assert_allclose(read, ops.scatter(index, weights, CUBE.shape), rtol=1e-6)
    replaced = np.array([[0, 1], [2, -1]])  # places that differ
    updates = weights[:2]
    by_input, by_update = jax.grad(
        lambda x, u: jnp.sum(ops.scatter_update(x, replaced, u) * CUBE), argnums=(0, 1)
    )(jnp.zeros_like(CUBE), updates)
    np.testing.assert_allclose(by_update, CUBE[tuple(replaced.T)])
    expected = CUBE.copy()
    expected[tuple(replaced.T)] = 0
    np.testing.assert_allclose(by_input, expected)


@pytest.mark.parametrize("reduction", ["add", "max", "min", "mul", "ADD"])
def test_scatter_update_combines_repeated_indices_as_numpy_does(reduction):
    base = rng.normal(size=(4, 3)).astype("float32")
    indices = np.array([[1], [-1], [1], [0]])
    updates = rng.normal(size=(4, 3)).astype("float32")
    ufunc = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}
    expected = base.copy()
    ufunc[reduction.lower()].at(expected, indices[:, 0], updates)
    out = ops.scatter_update(base, indices, updates, reduction)
    np.testing.assert_allclose(out, expected, rtol=1e-5)
    assert ops.scatter_update(KerasTensor((None, 3)), indices, updates, reduction).shape == (
        None,
        3,
    )


WRONG_WRITES = [
    (lambda: ops.scatter_update(CUBE, [[0]], [1.0], "mean"), "invalid reduction: 'mean'"),
    (
        lambda: ops.scatter([[0, 0, 0, 0]], [1.0], (3, 4)),
        "indices of length 4 into an array with 2",
    ),
    (lambda: ops.slice(CUBE, (0, 0), (1, 1)), "number of dimensions in `inputs` must match"),
    (lambda: ops.slice(CUBE, (0, 0), (1, 1, 1)), "number of dimensions in `start_indices`"),
    (lambda: ops.slice_update(CUBE, (0, 0), CUBE), "2 starts and a block with 3 axes"),
    (lambda: ops.slice_update(CUBE, (2, 0, 0), CUBE[:2]), "2 values from 2 do not fit into axis 0"),
]


@pytest.mark.parametrize(("call", "words"), WRONG_WRITES, ids=range(len(WRONG_WRITES)))
def test_a_write_that_does_not_fit_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


SEGMENTS = {
    "segment_sum": (np.add, 0),
    "segment_prod": (np.multiply, 1),
    "segment_max": (np.maximum, -np.inf),
    "segment_min": (np.minimum, np.inf),
}


@pytest.mark.parametrize("ids", [[0, 0, 1, 3], [3, 0, -1, 3], [-1, -1, -1, -1]], ids=str)
@pytest.mark.parametrize("name", SEGMENTS)
def test_segments_are_those_of_numpy(name, ids):
    ufunc, empty = SEGMENTS[name]
    data = rng.normal(size=(4, 2)).astype("float32")
    expected = np.full((5, 2), empty, "float32")
    for row, i in zip(data, ids, strict=True):
        if i >= 0:
            expected[i] = ufunc(expected[i], row)
    out = getattr(ops, name)(data, np.array(ids), 5)
    np.testing.assert_allclose(out, expected, rtol=1e-6)
    in_order = ids == sorted(ids) and min(ids) >= 0
    if in_order:
        np.testing.assert_allclose(
            getattr(ops, name)(data, np.array(ids), 5, sorted=True), expected, rtol=1e-6
        )


def test_segments_of_nothing_and_of_integers():
    assert ops.segment_sum(np.zeros((0, 2), "float32"), np.zeros(0, "int32"), 3).shape == (3, 2)
    largest = ops.segment_max(np.array([5, 7], "int32"), [0, 0], 2)
    assert largest.tolist() == [7, np.iinfo("int32").min]


def test_the_gradient_of_a_segment_maximum_goes_to_the_largest_row():
    data = np.array([1.0, 3.0, 2.0], "float32")
    gradient = jax.grad(lambda x: ops.segment_max(x, np.array([0, 0, 1]), 2).sum())(data)
    assert gradient.tolist() == [0, 1, 1]
