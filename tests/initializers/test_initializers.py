"""A row for each initializer: the facade's numbers are those of a traced init, configs travel to
Keras and back.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import initializers
from fkeras.core.randomness import first_values, process_generator
from fkeras.core.randomness.seed_generator import SeedGenerator

KEY = jax.random.key(7)
DATA = np.asarray(jax.random.key_data(KEY))

# class, arguments that are not the defaults
CONSTANT = [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 0.3}),
    ("Identity", {"gain": 0.7}),
]
RANDOM = [
    ("RandomNormal", {"mean": 0.5, "stddev": 0.3}),
    ("RandomNormal", {"mean": 0.0, "stddev": 0.3}),
    ("TruncatedNormal", {"mean": -1.3, "stddev": 0.7}),
    ("RandomUniform", {"minval": -0.3, "maxval": 1.1}),
    ("RandomUniform", {"minval": 0.0, "maxval": 1.0}),
    ("VarianceScaling", {"scale": 0.3, "mode": "fan_out", "distribution": "uniform"}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_avg", "distribution": "untruncated_normal"}),
    ("VarianceScaling", {"input_axes": [0], "output_axes": [1]}),
    ("GlorotUniform", {}),
    ("GlorotNormal", {}),
    ("HeUniform", {}),
    ("HeNormal", {}),
    ("LecunUniform", {}),
    ("LecunNormal", {}),
    ("Orthogonal", {"gain": 0.7}),
]


def made(row, **more):
    name, arguments = row
    return getattr(initializers, name)(**arguments, **more)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_traced_init_gives_the_facades_numbers_bit_for_bit(dtype):
    several_blocks = [("GlorotUniform", {}), ("RandomNormal", {"mean": 0.5, "stddev": 0.3})]
    rows = [(made(row), f"{i}/kernel", (7, 5), dtype) for i, row in enumerate(CONSTANT + RANDOM)]
    rows += [(made(row), f"{i}/large", (300, 310), dtype) for i, row in enumerate(several_blocks)]
    rows += [(made(row, seed=3), f"{i}/seeded", (3, 4), dtype) for i, row in enumerate(RANDOM)]
    rows += [
        (made(row, seed=SeedGenerator(4)), f"{i}/drawn", (4, 3), dtype)
        for i, row in enumerate(RANDOM[:2])
    ]
    traced = jax.jit(lambda key: first_values.draw_all(key, rows))(KEY)
    many = jax.jit(jax.vmap(lambda key: first_values.draw_all(key, rows)))(
        jnp.stack([jax.random.key(1), KEY])
    )
    for (initializer, path, shape, _), one, both in zip(rows, traced, many):
        facade = first_values.draw(initializer, DATA, path, shape, dtype)
        assert facade.dtype == dtype and facade.shape == shape
        np.testing.assert_array_equal(one, facade, err_msg=f"{initializer} at {path}")
        np.testing.assert_array_equal(both[1], facade, err_msg=f"{initializer} at {path}, vmap")


@pytest.mark.parametrize("row", RANDOM, ids=lambda row: row[0])
def test_the_distribution_is_kerass(row, keras):
    shape = (64, 48)
    ours = np.asarray(made(row, seed=1)(shape))
    theirs = np.asarray(getattr(keras.initializers, row[0])(**row[1], seed=1)(shape))
    spread = theirs.std()
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=5 * spread / np.sqrt(ours.size))
    np.testing.assert_allclose(ours.std(), spread, rtol=0.05)
    middle = np.linspace(0.1, 0.9, 9)
    np.testing.assert_allclose(
        np.quantile(ours, middle), np.quantile(theirs, middle), atol=0.15 * spread
    )
    assert abs(ours).max() <= abs(theirs).max() * 1.5


@pytest.mark.parametrize("row", CONSTANT + RANDOM, ids=lambda row: row[0])
def test_configs_travel_to_keras_and_back(row, keras):
    ours = made(row)
    config = initializers.serialize(ours)
    theirs = keras.initializers.deserialize(config)
    assert type(theirs).__name__ == row[0]
    if row[0] == "Identity":  # Keras forgets `gain` when it saves
        assert theirs.gain == row[1]["gain"]
    else:
        assert keras.initializers.serialize(theirs) == config
    again = initializers.deserialize(config)
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    assert initializers.get(config).get_config() == ours.clone().get_config() == ours.get_config()
    assert repr(ours).startswith(row[0])


@pytest.mark.parametrize(
    "row",
    [*CONSTANT[:3], ("Constant", {"value": 2}), ("Identity", {"gain": 2.0})],
    ids=lambda row: row[0],
)
@pytest.mark.parametrize("dtype", [None, "bfloat16", "float16", "int32", "bool"])
def test_constants_are_kerass(row, dtype, keras):
    shape = (2, 3)
    ours = made(row)(shape, dtype=dtype)
    assert ours.dtype == (dtype or "float32")
    theirs = getattr(keras.initializers, row[0])(**row[1])(shape, dtype=dtype)
    np.testing.assert_array_equal(ours, np.asarray(theirs).astype(ours.dtype))


def test_every_name_of_keras_finds_the_class_of_keras(keras):
    from keras.src.initializers import ALL_OBJECTS_DICT

    for name, cls in ALL_OBJECTS_DICT.items():
        found = initializers.get(name)
        assert type(found).__name__ == cls.__name__
        assert name == "initializer" or vars(initializers).get(name, type(found)) is type(found)


def test_get_takes_classes_arrays_callables_and_none():
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    assert initializers.get(None) is None
    assert initializers.get(jnp.ones) is jnp.ones
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    for given in (array, jnp.asarray(array)):
        initializer = initializers.get(given)
        np.testing.assert_array_equal(initializer((2, 2)), array)
        again = initializers.get(initializers.serialize(initializer))
        np.testing.assert_array_equal(again((2, 2)), array)
        with pytest.raises(ValueError, match=r"Expected `shape` to be \(2, 2\).*shape=\(4,\)"):
            initializer((4,))


@pytest.mark.parametrize(
    "shape, fans",
    [
        ((), (1, 1)),
        ((5,), (5, 5)),
        ((3, 4), (3, 4)),
        ((5, 3, 4), (15, 20)),
        ((2, 3, 4, 5), (24, 30)),
        ((2, 2, 2, 3, 4), (24, 32)),
    ],
)
def test_fans_of_kernels(shape, fans, keras):
    from keras.src.initializers.random_initializers import compute_fans

    from fkeras.initializers.scaling import compute_fans as ours

    assert ours(shape) == fans == compute_fans(shape)


def test_an_int_seed_repeats_in_every_place_and_a_generator_does_not():
    seeded, drawn = (
        initializers.RandomNormal(seed=5),
        initializers.RandomNormal(seed=SeedGenerator(5)),
    )
    place = lambda initializer, path: np.asarray(
        first_values.draw(initializer, DATA, path, (4,), "float32")
    )
    np.testing.assert_array_equal(place(seeded, "a"), place(seeded, "b"))
    np.testing.assert_array_equal(place(seeded, "a"), seeded((4,)))
    assert not np.array_equal(place(drawn, "a"), place(drawn, "b"))
    np.testing.assert_array_equal(place(drawn, "a"), place(drawn, "a"))
    assert not np.array_equal(drawn((4,)), drawn((4,)))


def test_without_a_seed_an_object_repeats_its_own_values_and_its_clone_draws_others():
    initializer = initializers.RandomNormal()
    np.testing.assert_array_equal(initializer((4,)), initializer((4,)))
    assert not np.array_equal(initializer((4,)), initializer.clone()((4,)))
    process_generator.reset(3)
    first = initializers.RandomNormal()((4,))
    process_generator.reset(3)
    np.testing.assert_array_equal(first, initializers.RandomNormal()((4,)))


def test_an_initializer_inside_a_users_own_is_keyed_by_the_weights_place():
    def halved(shape, dtype=None):
        return 0.5 * initializers.HeNormal()(shape, dtype)

    place = lambda path: np.asarray(first_values.draw(halved, DATA, path, (4, 4), "float32"))
    assert not np.array_equal(place("a"), place("b"))
    traced = jax.jit(lambda key: first_values.draw_all(key, [(halved, "a", (4, 4), "float32")]))(
        KEY
    )[0]
    np.testing.assert_array_equal(traced, place("a"))


def test_inside_jit_a_seeded_initializer_gives_the_same_numbers():
    initializer = initializers.TruncatedNormal(mean=0.1, seed=2)
    np.testing.assert_array_equal(
        jax.jit(lambda: initializer((300, 300)))(), initializer((300, 300))
    )


def test_uniform_stays_below_its_upper_bound_in_every_dtype():
    for dtype in ("float32", "bfloat16", "float16"):
        for low, high in ((0.0, 1.0), (-1.0, 1.0), (1000.0, 1001.0), (0.3, 0.3)):
            x = np.asarray(
                initializers.RandomUniform(low, high, seed=0)((50_000,), dtype), np.float64
            )
            as_dtype = float(np.asarray(low).astype(jnp.dtype(dtype)))
            assert x.min() >= min(low, as_dtype), (dtype, low, high)
            assert x.max() < high or x.max() == as_dtype, (dtype, low, high)


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize(
    "window, scaling, periodic",
    [
        ("hann", "density", False),
        ("hamming", "spectrum", True),
        (None, None, False),
        (tuple(range(1, 17)), "density", False),
    ],
)
def test_stft_kernels_are_kerass(side, window, scaling, periodic, keras):
    window = np.array(window, "float32") if isinstance(window, tuple) else window
    arguments = {"side": side, "window": window, "scaling": scaling, "periodic": periodic}
    ours, theirs = initializers.STFT(**arguments), keras.initializers.STFT(**arguments)
    np.testing.assert_allclose(ours((16, 1, 9)), theirs((16, 1, 9)), atol=1e-5)
    again = initializers.get(initializers.serialize(ours))
    np.testing.assert_array_equal(again((16, 1, 9)), ours((16, 1, 9)))


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: initializers.get("glorot_unifrom"),
            "Unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform'",
        ),
        (
            lambda: initializers.get({"class_name": "Nothing", "config": {}}),
            "Unknown class 'Nothing'",
        ),
        (lambda: initializers.get(3), "Could not interpret initializer identifier: 3"),
        (
            lambda: initializers.RandomNormal(seed="x"),
            "RandomNormal: `seed` argument should be.*'x'",
        ),
        (lambda: initializers.RandomUniform(1.0, 0.0), "minval <= maxval"),
        (
            lambda: initializers.VarianceScaling(scale=-1.0),
            "Argument `scale` must be positive float.*-1.0",
        ),
        (lambda: initializers.VarianceScaling(mode="fan"), "Invalid `mode` argument: fan"),
        (
            lambda: initializers.VarianceScaling(distribution="x"),
            "Invalid `distribution` argument: x",
        ),
        (
            lambda: initializers.VarianceScaling(input_axes=[0]),
            "both of `input_axes` and `output_axes`",
        ),
        (lambda: initializers.Identity()((3,)), r"2D matrices.*shape=\(3,\) of rank 1"),
        (lambda: initializers.Orthogonal()((3,)), r"at least two-dimensional.*shape=\(3,\)"),
        (lambda: initializers.HeNormal()((3, 3), "int32"), "HeNormal draws real numbers.*int32"),
        (lambda: initializers.STFT("both"), "'real' or 'imag'"),
        (lambda: initializers.STFT(window="nothing"), "unknown window 'nothing'"),
        (lambda: initializers.STFT(scaling="l2"), "scaling='l2'"),
        (lambda: initializers.STFT()((4, 3)), r"\(frame length, 1, bins\).*\(4, 3\)"),
        (
            lambda: initializers.STFT(window=np.ones(3))((4, 1, 3)),
            r"window of shape \(4,\).*\(3,\)",
        ),
    ],
)
def test_what_cannot_be_right_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_base_asks_for_a_call():
    with pytest.raises(NotImplementedError, match="Initializer must define `__call__"):
        initializers.Initializer()((2,))


def test_orthogonal_rows_or_columns():
    for shape in ((3, 5), (5, 3), (2, 3, 4)):
        q = np.asarray(initializers.Orthogonal(gain=2.0, seed=0)(shape)).reshape(-1, shape[-1])
        small = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_another_shape_compiles_nothing_in_the_facade(compilations):
    for row in CONSTANT + RANDOM[:-1]:  # QR is a program for each shape
        made(row, **({"seed": 0} if row in RANDOM else {}))((3, 5), "bfloat16")
    with compilations() as found:
        for row in CONSTANT + RANDOM[:-1]:
            made(row, **({"seed": 0} if row in RANDOM else {}))((11, 13), "bfloat16")
    assert not found
