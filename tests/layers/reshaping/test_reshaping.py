"""Layers that move values about: against NumPy, and inverse to each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
FIRST = "channels_first"
quick = settings(max_examples=8, deadline=None)


def counted(*shape):
    return np.arange(np.prod(shape), dtype="int32").reshape(shape)


# -- Flatten, Reshape, Permute, RepeatVector -----------------------------------


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 4), (2, 3, 1, 2, 2), (2, 0, 3), (0, 3)])
def test_flatten_puts_all_axes_but_the_batch_in_one(shape):
    x = counted(*shape)
    y = layers.Flatten()(x)
    np.testing.assert_array_equal(y, x.reshape(shape[0], int(np.prod(shape[1:]))))
    assert layers.Flatten().compute_output_shape(shape) == y.shape


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (1, 2, 3, 2, 2)])
def test_flatten_gives_one_order_for_both_data_formats(shape):
    x = counted(*shape)
    first = np.moveaxis(x, -1, 1)
    np.testing.assert_array_equal(layers.Flatten(FIRST)(first), layers.Flatten()(x))


@pytest.mark.parametrize(
    ("target", "given_shape", "expected"),
    [
        ((6,), (2, 2, 3), (2, 6)),
        ((-1,), (2, 2, 3), (2, 6)),
        ((3, -1), (None, 6), (None, 3, 2)),
        ((-1, 2), (None, None, 4), (None, None, 2)),
        ((3, 2), (None, None), (None, 3, 2)),
        ((), (4, 1), (4,)),
        ((1, 1), (4,), (4, 1, 1)),
        ((0, 3), (4, 0), (4, 0, 3)),
        ((-1,), (4, 0), (4, 0)),
    ],
)
def test_reshape_finds_what_is_left(target, given_shape, expected):
    layer = layers.Reshape(target)
    assert layer.compute_output_shape(given_shape) == expected
    assert layer(fkeras.KerasTensor(given_shape, "int32")).shape == expected
    if None not in given_shape:
        np.testing.assert_array_equal(layer(counted(*given_shape)), counted(*expected))


@pytest.mark.parametrize(
    ("target", "shape", "message"),
    [
        ((4,), (2, 3), r"must be unchanged. Received: input_shape=\(3,\), target_shape=\(4,\)"),
        ((2, -1), (2, 3), "cannot be divided by the specified dimensions"),
        ((0, -1), (2, 3), "cannot be divided"),
        ((), (2, 3), "must be unchanged"),
    ],
)
def test_reshape_refuses_another_number_of_values(target, shape, message):
    with pytest.raises(ValueError, match=message):
        layers.Reshape(target)(counted(*shape))
    with pytest.raises(ValueError, match="must be a non-negative integer, or `-1`"):
        layers.Reshape((-2,))


@quick
@given(st.permutations([1, 2, 3]))
def test_permute_is_undone_by_its_inverse(dims):
    x = counted(2, 3, 4, 5)
    y = layers.Permute(dims)(x)
    np.testing.assert_array_equal(y, x.transpose(0, *dims))
    inverse = [1 + i for i in np.argsort(dims)]
    np.testing.assert_array_equal(layers.Permute(inverse)(y), x)
    symbol = layers.Permute(dims)(fkeras.KerasTensor((None, None, 4, 5)))
    assert symbol.shape == tuple((None, None, 4, 5)[i] for i in (0, *dims))


@pytest.mark.parametrize("dims", [(0, 1), (1, 1), (2, 3), (1, 3)])
def test_permute_takes_each_axis_once(dims):
    with pytest.raises(ValueError, match="must be consecutive and start from 1"):
        layers.Permute(dims)


@pytest.mark.parametrize(("n", "width"), [(1, 3), (4, 1), (2, 0)])
def test_repeat_vector_repeats(n, width):
    x = counted(2, width)
    np.testing.assert_array_equal(layers.RepeatVector(n)(x), np.repeat(x[:, None], n, axis=1))
    assert layers.RepeatVector(n)(fkeras.KerasTensor((None, width))).shape == (None, n, width)
    with pytest.raises(ValueError, match="`n` should be a positive integer"):
        layers.RepeatVector(0)


# -- Cropping, ZeroPadding -----------------------------------------------------

amounts = st.tuples(st.integers(0, 2), st.integers(0, 2))


@quick
@given(amounts, amounts, st.booleans())
def test_cropping_undoes_zero_padding(rows, columns, first):
    data_format = FIRST if first else "channels_last"
    x = counted(1, 2, 3, 2) + 1
    padded = layers.ZeroPadding2D((rows, columns), data_format)(x)
    around = [(0, 0), (0, 0), rows, columns] if first else [(0, 0), rows, columns, (0, 0)]
    np.testing.assert_array_equal(padded, np.pad(x, around))
    np.testing.assert_array_equal(layers.Cropping2D((rows, columns), data_format)(padded), x)


@pytest.mark.parametrize("data_format", [FIRST, "channels_last"])
def test_volumes_are_padded_and_cropped_along_their_axes(data_format):
    pairs = ((1, 0), (0, 2), (1, 1))
    x = counted(1, 2, 3, 2, 2)
    spatial = [*pairs]
    around = [(0, 0), (0, 0), *spatial] if data_format == FIRST else [(0, 0), *spatial, (0, 0)]
    padded = layers.ZeroPadding3D(pairs, data_format)(x)
    np.testing.assert_array_equal(padded, np.pad(x, around))
    np.testing.assert_array_equal(layers.Cropping3D(pairs, data_format)(padded), x)


def test_sequences_are_padded_and_cropped():
    x = counted(2, 4, 3)
    np.testing.assert_array_equal(layers.ZeroPadding1D(2)(x), np.pad(x, [(0, 0), (2, 2), (0, 0)]))
    first = layers.ZeroPadding1D((1, 0), data_format=FIRST)(x)
    np.testing.assert_array_equal(first, np.pad(x, [(0, 0), (0, 0), (1, 0)]))
    np.testing.assert_array_equal(layers.Cropping1D((1, 2))(x), x[:, 1:2])
    np.testing.assert_array_equal(layers.Cropping1D(0)(x), x)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Cropping1D((1, 2)), (None, None, 3), (None, None, 3)),
        (layers.Cropping2D(1), (None, None, 5, 3), (None, None, 3, 3)),
        (layers.Cropping2D(1, FIRST), (None, 3, None, 5), (None, 3, None, 3)),
        (layers.ZeroPadding1D(2), (None, None, 3), (None, None, 3)),
        (layers.ZeroPadding2D((1, 2)), (None, None, 5, 3), (None, None, 9, 3)),
        (layers.ZeroPadding3D(1), (2, 3, None, 5, 1), (2, 5, None, 7, 1)),
        (layers.UpSampling1D(3), (None, 2, None), (None, 6, None)),
        (layers.UpSampling2D((2, 3), FIRST), (None, 3, None, 5), (None, 3, None, 15)),
        (layers.UpSampling3D(2), (None, 1, None, 3, 4), (None, 2, None, 6, 4)),
    ],
)
def test_unknown_sizes_stay_unknown(layer, shape, expected):
    assert layer.compute_output_shape(shape) == expected
    assert layer(fkeras.KerasTensor(shape)).shape == expected


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Cropping1D((2, 2)), (1, 4, 1)),
        (layers.Cropping2D(((0, 0), (1, 2))), (1, 5, 3, 1)),
        (layers.Cropping2D(2, FIRST), (1, 9, 4, 9)),
        (layers.Cropping3D(1), (1, 3, 2, 3, 1)),
    ],
)
def test_cropping_leaves_something(layer, shape):
    with pytest.raises(ValueError, match=r"smaller than the .*Received: input_shape="):
        layer(np.ones(shape, "float32"))
    with pytest.raises(ValueError, match="smaller than the"):
        layer.compute_output_shape((None, *shape[1:]))


# -- UpSampling ----------------------------------------------------------------


@quick
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_nearest_up_sampling_repeats(one, two, three):
    x = counted(1, 2, 1, 3, 2)
    expected = x.repeat(one, 1).repeat(two, 2).repeat(three, 3)
    np.testing.assert_array_equal(layers.UpSampling3D((one, two, three))(x), expected)
    image = x[:, :, 0]
    expected = image.repeat(one, 1).repeat(two, 2)
    np.testing.assert_array_equal(layers.UpSampling2D((one, two))(image), expected)


@pytest.mark.parametrize(
    "interpolation", ["bilinear", "bicubic", "lanczos3", "lanczos5", "NEAREST"]
)
@pytest.mark.parametrize("data_format", [FIRST, "channels_last"])
def test_interpolations_are_kerass(keras, interpolation, data_format):
    x = rng.normal(size=(1, 3, 4, 2)).astype("float32")
    options = {"size": (2, 3), "data_format": data_format, "interpolation": interpolation}
    ours = layers.UpSampling2D(**options)(x)
    np.testing.assert_allclose(ours, keras.layers.UpSampling2D(**options)(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("interpolation", [None, "cubic", 3])
def test_another_interpolation_is_refused(interpolation):
    with pytest.raises(
        ValueError, match=f"should be one of .*Received: interpolation={interpolation}"
    ):
        layers.UpSampling2D(interpolation=interpolation)


def test_the_gradient_of_up_sampling_sums_over_the_copies():
    layer = layers.UpSampling1D(3)
    weights = jnp.arange(6.0).reshape(1, 6, 1)
    gradient = jax.grad(lambda x: (layer.apply({"params": {}}, x)[0] * weights).sum())(
        jnp.ones((1, 2, 1))
    )
    assert gradient[0, :, 0].tolist() == [0 + 1 + 2, 3 + 4 + 5]


@pytest.mark.parametrize(
    ("layer", "ndim"),
    [
        (layers.RepeatVector(2), 2),
        (layers.Permute((1, 2)), 3),
        (layers.Cropping1D(), 3),
        (layers.ZeroPadding2D(), 4),
        (layers.UpSampling3D(), 5),
    ],
    ids=lambda value: getattr(type(value), "__name__", value),
)
def test_another_rank_is_refused(layer, ndim):
    with pytest.raises(ValueError, match=f"expected ndim={ndim}, found ndim={ndim + 1}"):
        layer(np.ones((1,) * (ndim + 1), "float32"))
