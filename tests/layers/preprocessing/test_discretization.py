"""Discretization against Keras: bins, encodings, what `adapt` finds, files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import data, layers

VALUES = np.random.default_rng(0).gamma(2.0, size=(40, 3)).astype("float32")
LIMITS = [0.5, 1.0, 2.5]


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 1), (2, 3, 5)], ids=str)
def test_it_encodes_as_keras(keras, mode, shape):
    values = VALUES.ravel()[: np.prod(shape)].reshape(shape)
    layer = layers.Discretization(LIMITS, output_mode=mode)
    theirs = keras.layers.Discretization(LIMITS, output_mode=mode)
    expected = np.asarray(theirs(values))
    found = layer(values)
    np.testing.assert_array_equal(found, expected)
    assert str(found.dtype) == str(expected.dtype)
    assert layer.compute_output_shape(shape) == expected.shape
    np.testing.assert_array_equal(jax.jit(lambda x: layer(x))(values), expected)
    if mode != "int":
        sparse = layers.Discretization(LIMITS, output_mode=mode, sparse=True)(values)
        np.testing.assert_array_equal(sparse.todense(), expected)


def test_a_boundary_begins_the_bin_above():
    layer = layers.Discretization([0, 1])
    assert layer([-0.1, 0.0, 0.9, 1.0, np.inf, -np.inf]).tolist() == [0, 1, 1, 2, 2, 0]
    assert layers.Discretization([])([3.0]).tolist() == [0]
    half = layers.Discretization([256.0, 257.0], dtype="bfloat16")
    assert half([256.5]).tolist() == [1]  # in bfloat16 it would be 256


@pytest.mark.parametrize("bins", [2, 5, 30])
@pytest.mark.parametrize("epsilon", [0.01, 0.2])
def test_adapt_finds_kerass_bins(keras, bins, epsilon):
    batches = [VALUES[:7], VALUES[7:30], VALUES[30:]]
    ours = layers.Discretization(num_bins=bins, epsilon=epsilon)
    theirs = keras.layers.Discretization(num_bins=bins, epsilon=epsilon)
    ours.adapt(VALUES)
    theirs.update_state(VALUES)  # its `adapt` needs TensorFlow
    theirs.finalize_state()
    np.testing.assert_array_equal(ours.bin_boundaries, theirs.bin_boundaries)
    for layer in (ours, theirs):
        layer.reset_state()
        for batch in batches:
            layer.update_state(batch)
        layer.finalize_state()
    np.testing.assert_array_equal(ours.bin_boundaries, theirs.bin_boundaries)
    again = layers.Discretization(num_bins=bins, epsilon=epsilon)
    again.adapt(batches)
    assert again.bin_boundaries == ours.bin_boundaries


def test_bins_hold_about_equally_many_values():
    layer = layers.Discretization(num_bins=4, epsilon=0.001)
    values = np.random.default_rng(1).normal(size=8000)
    layer.adapt(data.Dataset.from_tensor_slices(values).batch(500))
    counts = np.bincount(np.asarray(layer(values.astype("float32"))))
    np.testing.assert_allclose(counts, 2000, atol=40)
    np.testing.assert_allclose(
        layer.bin_boundaries, np.quantile(values, [0.25, 0.5, 0.75]), atol=0.02
    )


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_files_and_configs_keep_the_bins(keras, tmp_path):
    layer = layers.Discretization(num_bins=4, output_mode="one_hot")
    model = fkeras.Sequential([fkeras.Input((3,)), layer, layers.Flatten(), layers.Dense(1)])
    assert layers.Discretization.from_config(layer.get_config()).bin_boundaries is None
    layer.adapt(VALUES)
    again = layers.Discretization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    path = str(tmp_path / "model.keras")
    model.save(path)
    expected = model.predict(VALUES, verbose=0)
    for library in (fkeras, keras):
        read = library.saving.load_model(path)
        np.testing.assert_allclose(read.predict(VALUES, verbose=0), expected, rtol=1e-5, atol=1e-6)
    read.save(path)  # by Keras
    read = fkeras.saving.load_model(path)
    np.testing.assert_allclose(read.predict(VALUES, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_other_bins_count_after_the_next_compile():
    layer = layers.Discretization(num_bins=3)
    x = np.arange(12.0)[:, None]
    layer.adapt(x)
    model = fkeras.Sequential([fkeras.Input((1,)), layer])
    model.compile()
    before = model.predict(x, verbose=0)
    layer.adapt(x)  # the same
    with pytest.warns(UserWarning, match=r"has other bins now.*`compile\(\)` again"):
        layer.adapt(x * 10)
    model.compile()
    np.testing.assert_array_equal(model.predict(x * 10, verbose=0), before)


def test_steps_end_an_endless_stream():
    def endless():
        while True:
            yield VALUES[:10]

    layer = layers.Discretization(num_bins=3)
    layer.adapt(endless(), steps=2)
    assert len(layer.bin_boundaries) == 2


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Discretization(), "either `num_bins` or `bin_boundaries`"),
        (lambda: layers.Discretization([0.0], 3), "Both `num_bins` and `bin_boundaries`"),
        (lambda: layers.Discretization([1.0, 0.0]), r"must ascend.*sorted"),
        (lambda: layers.Discretization([0.0, np.nan]), "must ascend"),
        (lambda: layers.Discretization(["a"]), "must be a list of numbers"),
        (lambda: layers.Discretization(0.5), "must be a list of numbers"),
        (lambda: layers.Discretization(num_bins=0), "`num_bins` must be a positive"),
        (lambda: layers.Discretization([0.0], output_mode="bins"), "output_mode='bins'"),
        (lambda: layers.Discretization([0.0], sparse=True), "`sparse=True` may only"),
        (lambda: layers.Discretization([0.0], epsilon=1.0), "`epsilon`"),
        (lambda: layers.Discretization(num_bins=3)([0.0]), "You need to .* call `adapt"),
        (lambda: layers.Discretization([0.0]).adapt(VALUES), "nothing to adapt"),
        (lambda: layers.Discretization(num_bins=3).adapt([]), "empty iterable"),
        (lambda: layers.Discretization(num_bins=3).adapt([1.0, np.nan]), "NaN or infinity"),
        (lambda: layers.Discretization(num_bins=3).adapt(["a", "b"]), "StringLookup"),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_bins_are_the_same_in_a_trace_of_floats_and_integers():
    layer = layers.Discretization([10.0, 20.0])
    assert jax.jit(lambda x: layer(x))(jnp.array([5, 10, 25])).tolist() == [0, 1, 2]
