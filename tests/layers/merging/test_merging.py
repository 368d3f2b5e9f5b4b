"""Merging layers: broadcasting, masks, half precision, sparse and wrong inputs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.experimental import sparse

import fkeras
from fkeras import layers
from fkeras.core.values.masks import get_mask, set_mask
from fkeras.layers.merging.merge import Merge

rng = np.random.default_rng(0)
FUNCTIONS = {
    "Add": np.add,
    "Multiply": np.multiply,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def with_mask(x, mask):
    x = jnp.asarray(x) + 0
    set_mask(x, jnp.asarray(mask))
    return x


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_number_of_tensors_is_reduced(name, count):
    inputs = [normal(2, 3) for _ in range(count)]
    y = getattr(layers, name)()(inputs)
    np.testing.assert_allclose(y, functools.reduce(FUNCTIONS[name], inputs), rtol=1e-6)


sizes = st.lists(st.sampled_from([1, 3]), min_size=0, max_size=3)


@settings(max_examples=20, deadline=None)
@given(sizes, sizes, st.booleans())
def test_shapes_broadcast_behind_the_batch_axis(one, other, unknown_batch):
    batch = None if unknown_batch else 2
    shape = layers.Add().compute_output_shape([(batch, *one), (batch, *other)])
    assert shape == (batch, *np.broadcast_shapes(tuple(one), tuple(other)))
    if not unknown_batch:
        assert layers.Add()([np.zeros((2, *one)), np.zeros((2, *other))]).shape == shape


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(None, 3), (None, 3)], (None, 3)),
        ([(2, 3), (None, 3)], (2, 3)),
        ([(None, None), (None, 3)], (None, 3)),
        ([(None, None), (None, 1)], (None, None)),
        ([(None, None, 1), (None, 4, None)], (None, 4, None)),
        ([(None, 5, 4), (None, 4)], (None, 5, 4)),
        ([(None,), (None, 4)], (None, 4)),
    ],
)
def test_unknown_sizes_are_those_of_the_others_where_they_can_be(shapes, expected):
    assert layers.Add().compute_output_shape(shapes) == expected
    assert layers.Add()([fkeras.KerasTensor(shape) for shape in shapes]).shape == expected


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("Add", [(2, 3), (2, 4)], "incompatible shapes.*3 against 4"),
        ("Average", [(2, 3), (3, 3)], "different batch sizes"),
        ("Maximum", [(1, 3), (2, 3)], "different batch sizes"),
        ("Add", [(2, 3), (2, 3, 1)], "each value of one would meet all values of the other"),
        ("Add", [(2, 3, 1), (2, 3)], "both the same number of axes"),
        ("Subtract", [(2, 3), (2, 3, 1)], "each value of one would meet all"),
        ("Multiply", [(2, 4, 3), (2, 4, 3), (2, 4, 3, 1)], "incompatible shapes"),
        ("Multiply", [(2, 3, 3), (2, 3, 3, 1)], "each value of one would meet all"),
        ("Maximum", [(2, 3), (2, 3), (2, 3, 1)], "each value of one would meet all"),
        ("Minimum", [(2, 3, 1), (2, 3)], "each value of one would meet all"),
        ("Average", [(2, 3), (2, 3, 1)], "each value of one would meet all"),
        ("Subtract", [(2, 3)], "exactly 2 inputs"),
        ("Subtract", [(2, 3)] * 3, "exactly 2 inputs"),
        ("Multiply", [], "list of at least 1 input"),
        ("Concatenate", [(2, 3), (2, 3, 1)], "matching shapes except for the concatenation axis"),
        ("Concatenate", [], "list of at least 1 input"),
        ("Dot", [(2, 3)], "list of 2 inputs"),
        ("Dot", [(2, 3), (2, 4)], r"axis values 3 \(at axis 1\) != 4"),
        ("Dot", [(2, 3), (1, 3)], r"different batch sizes. Received shapes: \(2, 3\), \(1, 3\)"),
    ],
)
def test_what_does_not_go_together_is_named(name, inputs, message):
    layer = layers.Dot(1) if name == "Dot" else getattr(layers, name)()
    with pytest.raises(ValueError, match=message):
        layer([np.ones(shape, "float32") for shape in inputs])


def test_a_column_beside_a_row_is_refused_symbolically_and_in_later_calls():
    inputs = [fkeras.Input((None,)), fkeras.Input((None, 1))]
    layer = layers.Add()
    with pytest.raises(ValueError, match="each value of one would meet all"):
        layer(inputs)
    row, column = np.ones((2, 3), "float32"), np.ones((2, 3, 1), "float32")
    assert layer([row, row]).shape == (2, 3)
    with pytest.raises(ValueError, match="each value of one would meet all"):
        layer([row, column])
    # All pairs, on purpose.
    assert layer([row[:, None], column]).shape == (2, 3, 3)


def test_a_dot_that_is_built_still_checks_its_inputs():
    layer = layers.Dot(1, name="d")
    layer([normal(2, 3), normal(2, 3)])
    with pytest.raises(ValueError, match="'d': cannot multiply inputs with different batch"):
        layer([normal(2, 3), normal(4, 3)])
    with pytest.raises(ValueError, match="Incompatible input shapes"):
        layer([normal(2, 3), normal(2, 4)])


@pytest.mark.parametrize(
    "name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Concatenate"]
)
@pytest.mark.parametrize("dtype", ["int32", "float16", "bfloat16"])
def test_dtypes_come_out_as_in_keras(keras, name, dtype):
    inputs = [np.array([[1, 2], [3, 5]]).astype(dtype), np.array([[2, 2], [0, 1]]).astype(dtype)]
    policy = None if dtype == "int32" else dtype
    ours = getattr(layers, name)(dtype=policy)(inputs)
    theirs = getattr(keras.layers, name)(dtype=policy)(inputs)
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_array_equal(np.asarray(ours, "float32"), np.asarray(theirs, "float32"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sums_and_means_of_half_precision_are_rounded_once(dtype):
    inputs = [jnp.full((1, 2), value, dtype) for value in (256.0, 0.75, 0.75, 0.75, 0.75)]
    exact = jnp.asarray(259.0, dtype)
    np.testing.assert_array_equal(layers.Add(dtype=dtype)(inputs), jnp.full((1, 2), exact))
    mean = layers.Average(dtype=dtype)(inputs)
    assert mean.dtype == jnp.dtype(dtype)
    np.testing.assert_array_equal(mean, jnp.full((1, 2), 259.0 / 5).astype(dtype))


def test_a_mean_of_large_float16_numbers_does_not_overflow():
    y = layers.Average(dtype="float16")([jnp.full((1, 1), 60000.0, "float16")] * 3)
    np.testing.assert_array_equal(y, [[60000.0]])


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"])
def test_gradients_are_numerics(name):
    layer = getattr(layers, name)()
    x, y = normal(2, 3), normal(2, 3)
    score = lambda x, y: (layer.apply({"params": {}}, [x, y])[0] ** 2).sum()
    by_x, by_y = jax.grad(score, argnums=(0, 1))(x, y)
    expected = {
        "Add": (2 * (x + y), 2 * (x + y)),
        "Subtract": (2 * (x - y), 2 * (y - x)),
        "Multiply": (2 * x * y**2, 2 * y * x**2),
        "Average": ((x + y) / 2, (x + y) / 2),
        "Maximum": (np.where(x > y, 2 * x, 0), np.where(y > x, 2 * y, 0)),
        "Minimum": (np.where(x < y, 2 * x, 0), np.where(y < x, 2 * y, 0)),
    }[name]
    np.testing.assert_allclose(by_x, expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_y, expected[1], rtol=1e-5, atol=1e-6)


# -- masks ---------------------------------------------------------------------

MASKS = [np.array([[True, True, False]]), np.array([[False, True, False]]), None]


@pytest.mark.parametrize("name", ["Multiply", "Maximum", "Minimum"])
@pytest.mark.parametrize("masks", [(0, 1, 0), (0, 1, 2), (2, 0, 1), (1, 2, 2)], ids=str)
def test_three_masked_tensors_are_merged_as_in_keras(keras, name, masks):
    values = [normal(1, 3, 2) for _ in masks]
    ours = getattr(layers, name)()(
        [x if MASKS[m] is None else with_mask(x, MASKS[m]) for x, m in zip(values, masks)]
    )
    theirs = []
    for x, m in zip(values, masks):
        x = keras.ops.convert_to_tensor(x) + 0
        if MASKS[m] is not None:
            x._keras_mask = jnp.asarray(MASKS[m])
        theirs.append(x)
    expected = getattr(keras.layers, name)()(theirs)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    expected_mask = getattr(expected, "_keras_mask", None)
    assert (get_mask(ours) is None) is (expected_mask is None)
    if expected_mask is not None:
        np.testing.assert_array_equal(get_mask(ours), expected_mask)


def test_nan_behind_a_mask_stays_behind_it():
    x = np.array([[[1.0], [np.nan]]], "float32")
    mask = np.array([[True, False]])
    y = layers.Maximum()([with_mask(x, mask), np.zeros((1, 2, 1), "float32")])
    np.testing.assert_array_equal(y, [[[1.0], [0.0]]])
    y = layers.Multiply()([with_mask(x, mask), np.full((1, 2, 1), 3, "float32")])
    np.testing.assert_array_equal(y, [[[3.0], [3.0]]])


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_masks_are_concatenated_along_steps_and_joined_along_features(axis):
    one = with_mask(normal(1, 3, 2), MASKS[0])
    other = with_mask(normal(1, 3, 2), MASKS[1])
    mask = get_mask(layers.Concatenate(axis)([one, other]))
    expected = np.concatenate(MASKS[:2], 1) if axis == 1 else MASKS[0] | MASKS[1]
    np.testing.assert_array_equal(mask, expected)


def test_masks_that_are_no_list_are_refused():
    layer = layers.Add()
    x = [jnp.ones((1, 3)), jnp.ones((1, 3))]
    with pytest.raises(ValueError, match="`mask` should be a list"):
        layer.compute_mask(x, jnp.ones((1, 3)))
    with pytest.raises(ValueError, match="`inputs` should be a list"):
        layer.compute_mask(x[0], [None, None])
    with pytest.raises(ValueError, match="should have the same length"):
        layer.compute_mask(x, [None])
    assert layer.compute_mask(x, None) is None and layer.compute_mask(x, [None, x[0]]) is None
    assert layers.Dot(1).compute_mask(x, [x[0], x[1]]) is None


# -- Concatenate and Dot -------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_concatenate_works_along_any_axis(axis):
    shapes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
    for i, shape in enumerate(shapes):
        shape[axis] = i + 1
    inputs = [normal(*shape) for shape in shapes]
    y = layers.Concatenate(axis)(inputs)
    np.testing.assert_array_equal(y, np.concatenate(inputs, axis))
    assert layers.Concatenate(axis).compute_output_shape([tuple(s) for s in shapes]) == y.shape


@pytest.mark.parametrize(
    ("axis", "shapes", "expected"),
    [
        (-1, [(None, 3), (None, None)], (None, None)),
        (1, [(None, None, 4), (None, 2, None)], (None, None, 4)),
        (2, [(None, None, 4), (None, 2, 3)], (None, 2, 7)),
    ],
)
def test_concatenate_knows_what_any_input_knows(axis, shapes, expected):
    assert layers.Concatenate(axis).compute_output_shape(shapes) == expected


@pytest.mark.parametrize(
    ("axes", "one", "other", "equation"),
    [
        (1, (2, 3), (2, 3), "bi,bi->b"),
        (-1, (2, 3, 4), (2, 5, 4), "bxi,byi->bxy"),
        ((2, 1), (2, 3, 4), (2, 4, 5), "bxi,biy->bxy"),
        ((1, 1), (2, 3, 4), (2, 3), "bix,bi->bx"),
        ((1, 3), (2, 3, 4), (2, 5, 2, 3), "bix,byzi->bxyz"),
    ],
)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot_is_an_einsum_for_each_example(axes, one, other, equation, normalize):
    x, y = normal(*one), normal(*other)
    out = layers.Dot(axes, normalize=normalize)([x, y])
    if normalize:
        i, j = (axes, axes) if isinstance(axes, int) else axes
        x = x / np.linalg.norm(x, axis=i, keepdims=True)
        y = y / np.linalg.norm(y, axis=j, keepdims=True)
    expected = np.einsum(equation, x, y)
    np.testing.assert_allclose(out, expected if expected.ndim > 1 else expected[:, None], rtol=1e-5)
    assert layers.Dot(axes).compute_output_shape([one, other]) == out.shape


def test_dot_normalizes_float16_vectors_whose_squares_overflow():
    x = jnp.asarray([[300.0, 400.0]], "float16")
    y = layers.Dot(1, normalize=True, dtype="float16")([x, x])
    assert y.dtype == jnp.float16 and float(y[0, 0]) == pytest.approx(1, abs=2e-3)
    zero = layers.Dot(1, normalize=True, dtype="float16")([0 * x, x])
    assert float(zero[0, 0]) == 0


@pytest.mark.parametrize(
    ("axes", "error", "message"),
    [
        ("1", TypeError, "should be a list or an int"),
        ((1,), ValueError, "should contain two elements"),
        ((1, None), ValueError, "list elements should be integers"),
    ],
)
def test_axes_of_a_dot_are_one_or_two_ints(axes, error, message):
    with pytest.raises(error, match=message):
        layers.Dot(axes)


@pytest.mark.parametrize("axes", [0, 2, -2, (1, 0)])
def test_axes_of_a_dot_are_axes_of_its_inputs(axes):
    with pytest.raises(ValueError, match="other than the batch axis 0"):
        layers.Dot(axes)([normal(2, 3), normal(2, 3)])


def test_sparse_tensors_are_merged():
    x = np.array([[0, 2, 0], [1, 0, 0]], "float32")
    other = normal(2, 3)
    as_sparse = sparse.BCOO.fromdense(x)
    total = layers.Add()([as_sparse, sparse.BCOO.fromdense(x)])
    np.testing.assert_allclose(total.todense() if hasattr(total, "todense") else total, 2 * x)
    np.testing.assert_allclose(layers.Add()([as_sparse, other]), x + other, rtol=1e-6)
    batched = sparse.BCOO.fromdense(x, n_batch=1)
    np.testing.assert_allclose(
        layers.Dot(1)([batched, other]), (x * other).sum(1, keepdims=True), rtol=1e-5
    )
    symbols = [fkeras.KerasTensor((None, 3), sparse=True)] * 2
    assert layers.Add()(symbols).sparse
    assert not layers.Add()([symbols[0], fkeras.KerasTensor((None, 3))]).sparse


# -- layers of one's own -------------------------------------------------------


def test_a_merge_of_ones_own_gives_a_function():
    class Difference(Merge):
        def merge(self, inputs):
            return jnp.abs(inputs[0] - inputs[1])

    y = Difference()([np.array([[1.0, 5.0]]), np.array([[2.0, 2.0]])])
    np.testing.assert_array_equal(y, [[1, 3]])

    class Nothing(Merge):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing must define `merge\(inputs\)`"):
        Nothing()([np.ones((1, 2)), np.ones((1, 2))])
