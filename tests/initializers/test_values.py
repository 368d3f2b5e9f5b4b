"""Values of initializers: moments and bounds by formula, odd shapes, dtypes, layers' kernels."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import fkeras
from fkeras import initializers
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.initializers.scaling import compute_fans

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
# shape -> (inputs, outputs)
FANS = {(400, 100): (400, 100), (3, 3, 40, 60): (360, 540), (5000,): (5000, 5000)}
RANDOM = [
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "GlorotNormal",
    "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
]  # fmt: skip


@pytest.mark.parametrize("shape", FANS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_variance_scaling_has_the_variance_and_the_bounds_of_its_formula(shape, mode, distribution):
    fan_in, fan_out = FANS[shape]
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    stddev = math.sqrt(1.7 / n)
    x = np.asarray(initializers.VarianceScaling(1.7, mode, distribution, seed=2)(shape))
    error = stddev / math.sqrt(x.size)
    assert abs(x.mean()) < 5 * error and abs(x.std() - stddev) < 5 * error
    bound = {
        "truncated_normal": 2 * stddev / stats.truncnorm(-2, 2).std(),
        "untruncated_normal": 6 * stddev,
        "uniform": math.sqrt(3) * stddev,
    }[distribution]
    assert abs(x).max() <= bound * 1.0001
    assert abs(x).max() > 0.5 * bound


@pytest.mark.parametrize(
    ("name", "scale", "mode", "distribution"),
    [
        ("GlorotUniform", 1.0, "fan_avg", "uniform"),
        ("GlorotNormal", 1.0, "fan_avg", "truncated_normal"),
        ("HeUniform", 2.0, "fan_in", "uniform"),
        ("HeNormal", 2.0, "fan_in", "truncated_normal"),
        ("LecunUniform", 1.0, "fan_in", "uniform"),
        ("LecunNormal", 1.0, "fan_in", "truncated_normal"),
    ],
)
def test_named_scalings_are_variance_scaling_at_their_setting(name, scale, mode, distribution):
    named = getattr(initializers, name)(seed=4)
    general = initializers.VarianceScaling(scale, mode, distribution, seed=4)
    for shape in ((6, 5), (3, 2, 5), (7,), ()):
        np.testing.assert_array_equal(named(shape), general(shape))
    assert "scale" not in named.get_config() and named.clone().get_config() == named.get_config()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("RandomNormal", stats.norm(0.5, 0.3)),
        ("TruncatedNormal", stats.truncnorm(-2, 2, loc=0.5, scale=0.3)),
        ("RandomUniform", stats.uniform(0.5, 0.3)),
    ],
)
def test_numbers_have_the_distribution_that_scipy_describes(name, reference):
    arguments = {"minval": 0.5, "maxval": 0.8} if name == "RandomUniform" else {}
    arguments = arguments or {"mean": 0.5, "stddev": 0.3}
    x = np.asarray(getattr(initializers, name)(**arguments, seed=11)((4000,)), "float64")
    assert stats.kstest(x, reference.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (2, 1, 3, 1, 2)])
def test_shapes_of_every_rank_are_filled_with_finite_numbers(name, shape):
    initializer = getattr(initializers, name)(seed=1)
    for dtype in ("float32", "bfloat16"):
        x = initializer(shape, dtype)
        assert x.shape == shape and x.dtype == dtype
        assert np.isfinite(np.asarray(x, "float32")).all()
    if shape == ():
        assert initializer(()).tolist() == initializer((1,)).tolist()[0]


def test_shapes_may_be_lists_and_single_numbers():
    ones = initializers.Ones()
    assert ones([2, 3]).shape == (2, 3) and ones(4).shape == (4,)
    assert initializers.HeNormal(seed=0)([2, 3]).shape == (2, 3)


@pytest.mark.parametrize("name", RANDOM[:4])
def test_half_precision_is_the_rounded_float32(name):
    initializer = getattr(initializers, name)(seed=3)
    full = np.asarray(initializer((16, 4)))
    for dtype in ("bfloat16", "float16"):
        half = initializer((16, 4), dtype)
        expected = full.astype(jnp.dtype(dtype))
        # A uniform number may be moved below its excluded bound.
        np.testing.assert_allclose(
            np.asarray(half, "float32"), np.asarray(expected, "float32"), rtol=0.01
        )


def test_seeds_differ_repeat_and_generators_advance():
    one, same, other = (initializers.HeNormal(seed=s)((50,)) for s in (1, np.int64(1), 2))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5
    generator = SeedGenerator(1)
    drawn = initializers.HeNormal(seed=generator)
    assert not np.array_equal(drawn((50,)), drawn((50,)))
    config = initializers.serialize(drawn)
    again = initializers.deserialize(config)
    assert isinstance(again.seed, SeedGenerator) and again.get_config() == drawn.get_config()
    for seed in (True, 1.5, "1"):
        with pytest.raises(ValueError, match="HeNormal: `seed` argument should be"):
            initializers.HeNormal(seed=seed)


@pytest.mark.parametrize(
    ("make", "shape", "fans"),
    [
        (lambda init: fkeras.layers.Dense(60, kernel_initializer=init), (1, 80), (80, 60)),
        (lambda init: fkeras.layers.Conv1D(20, 5, kernel_initializer=init), (1, 9, 30), (150, 100)),
        (
            lambda init: fkeras.layers.Conv2D(20, (3, 2), kernel_initializer=init),
            (1, 8, 8, 30),
            (180, 120),
        ),
        (
            lambda init: fkeras.layers.Conv3D(8, 3, kernel_initializer=init),
            (1, 4, 4, 4, 10),
            (270, 216),
        ),
        (
            # The last axes are (outputs, inputs), as in Keras.
            lambda init: fkeras.layers.Conv2DTranspose(20, 3, kernel_initializer=init),
            (1, 4, 4, 30),
            (180, 270),
        ),
    ],
)
def test_kernels_of_layers_have_the_variance_of_their_fans(make, shape, fans):
    for mode, n in zip(("fan_in", "fan_out"), fans):
        layer = make(initializers.VarianceScaling(1.0, mode, "uniform", seed=0))
        layer.build(shape)
        kernel = layer.kernel.numpy()
        limit = math.sqrt(3 / n)
        assert 0.98 * limit < abs(kernel).max() <= limit


def test_named_axes_give_the_fans():
    assert compute_fans((4, 5, 6), [0, 1], [2]) == (20, 6)
    assert compute_fans((4, 5, 6), [-1], [0]) == (6, 4)
    assert compute_fans((4, 5, 6), [0], None) == (20, 24)  # both or none
    with pytest.raises(ValueError, match=r"must name axes.*shape=\(4, 5\), input_axes=\[2\]"):
        compute_fans((4, 5), [2], [0])
    x = initializers.HeUniform(seed=0, input_axes=[0], output_axes=[1, 2])((50, 4, 4))
    assert 0.98 * math.sqrt(6 / 50) < abs(np.asarray(x)).max() <= math.sqrt(6 / 50)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 7), (7, 2), (3, 2, 4), (1, 5), (5, 1)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_orthogonal_matrices_of_every_shape(shape, dtype):
    q = np.asarray(initializers.Orthogonal(gain=0.5, seed=3)(shape, dtype), "float32")
    matrix = q.reshape(-1, shape[-1])
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    tolerance = 1e-5 if dtype == "float32" else 2e-2
    np.testing.assert_allclose(small, 0.25 * np.eye(len(small)), atol=tolerance)
    assert initializers.Orthogonal(seed=0)((0, 3)).shape == (0, 3)


def test_both_signs_of_a_rotation_are_drawn():
    signs = {round(float(np.linalg.det(initializers.Orthogonal(seed=s)((2, 2))))) for s in range(8)}
    assert signs == {-1, 1}


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 4), (4, 2), (0, 3)])
def test_identities_of_every_shape(shape):
    for dtype in ("float32", "bfloat16", "int32"):
        x = initializers.Identity(gain=2)(shape, dtype)
        assert x.dtype == dtype
        np.testing.assert_array_equal(np.asarray(x, "float32"), 2 * np.eye(*shape))
    with pytest.raises(ValueError, match="2D matrices"):
        initializers.Identity()((2, 2, 2))


@pytest.mark.parametrize("value", [True, 3, -0.5, np.float64(2.5), [[1, 2], [3, 4]]])
def test_constants_of_every_kind_fill_and_are_saved(value):
    initializer = initializers.Constant(value)
    x = initializer((2, 2))
    assert x.dtype == "float32"
    np.testing.assert_array_equal(x, np.broadcast_to(np.asarray(value, "float32"), (2, 2)))
    again = initializers.get(initializers.serialize(initializer))
    np.testing.assert_array_equal(again((2, 2)), x)


def test_a_bound_that_is_one_point_gives_that_point():
    assert set(initializers.RandomUniform(0.5, 0.5, seed=0)((9,)).tolist()) == {0.5}
