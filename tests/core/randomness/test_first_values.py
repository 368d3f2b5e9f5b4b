import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core.randomness import blocks, first_values


class Plain(first_values.BlockDrawn):
    def __init__(self, kind="uniform", seed=None):
        self.kind, self.seed = kind, seed

    def finish(self, numbers, shape, dtype):
        return numbers.reshape(shape).astype(dtype)


KEY = jax.random.key(7)
DATA = np.asarray(jax.random.key_data(KEY))


@pytest.mark.parametrize("kind", sorted(blocks.KINDS))
def test_a_traced_init_gives_the_facades_numbers_bit_for_bit(kind):
    rows = [
        (Plain(kind), "a/kernel", (300, 300), "float32"),
        (Plain(kind, seed=3), "b", (5,), "float32"),
        (Plain(kind), "c", (), "float32"),
    ]
    traced = jax.jit(lambda key: first_values.draw_all(key, rows))(KEY)
    for (initializer, path, shape, dtype), value in zip(rows, traced):
        np.testing.assert_array_equal(
            value, first_values.draw(initializer, DATA, path, shape, dtype)
        )


def test_vmap_over_keys_gives_each_keys_numbers():
    keys = jax.random.split(KEY, 3)
    rows = [(Plain(), "w", (4, 2), "float32")]
    many = jax.vmap(lambda key: first_values.draw_all(key, rows)[0])(keys)
    for key, value in zip(keys, many):
        np.testing.assert_array_equal(
            value,
            first_values.draw(
                *rows[0][:1], np.asarray(jax.random.key_data(key)), "w", (4, 2), "float32"
            ),
        )


def test_path_and_key_decide_and_a_seed_of_its_own_wins():
    draw = lambda initializer, path: np.asarray(
        first_values.draw(initializer, DATA, path, (8,), "float32")
    )
    assert not np.array_equal(draw(Plain(), "a"), draw(Plain(), "b"))
    assert np.array_equal(draw(Plain(seed=1), "a"), draw(Plain(seed=1), "b"))


def test_the_numbers_have_the_moments_they_should():
    uniform = blocks.numbers("uniform", DATA, "u", 200_000)
    normal = blocks.numbers("normal", DATA, "n", 200_000)
    cut = blocks.numbers("truncated_normal", DATA, "t", 200_000)
    assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1) < 0.01
    assert np.abs(cut).max() <= 2 and abs(cut.mean()) < 0.01 and abs(cut.std() - 0.8796) < 0.01
    low, high = (-1, 1) if uniform.min() < 0 else (0, 1)
    assert (
        low <= uniform.min()
        and uniform.max() < high
        and abs(uniform.mean() - (low + high) / 2) < 0.01
    )


def test_a_users_function_is_drawn_by_the_weights_place_too():
    def noisy(shape, dtype=None):
        from fkeras.core.randomness import seeds

        return jax.random.normal(jax.random.wrap_key_data(seeds.draw_seed(None)), shape, dtype)

    rows = [(noisy, "x", (3,), "float32")]
    traced = jax.jit(lambda key: first_values.draw_all(key, rows))(KEY)[0]
    np.testing.assert_array_equal(traced, first_values.draw(noisy, DATA, "x", (3,), "float32"))
    assert not np.array_equal(traced, first_values.draw(noisy, DATA, "y", (3,), "float32"))


def test_an_initializer_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"returned shape \(2,\) for a weight of shape \(3,\)"):
        first_values.draw(lambda shape, dtype=None: jnp.ones(2), DATA, "x", (3,), "float32")


def test_an_initializer_called_by_itself_draws_by_its_seed():
    assert Plain(seed=3)((2, 2)).tolist() == Plain(seed=3)((2, 2)).tolist()
    unseeded = Plain()
    assert unseeded((3,)).tolist() == unseeded((3,)).tolist(), "one object keeps its seed"
    assert Plain()((3,)).tolist() != unseeded((3,)).tolist()
    assert Plain(seed=3)(4).shape == (4,) and Plain(seed=3)((2,), "bfloat16").dtype == jnp.bfloat16


def test_a_seed_generator_gives_others_at_each_call_and_each_place():
    from fkeras.random import SeedGenerator

    initializer = Plain(seed=SeedGenerator(5))
    assert initializer((3,)).tolist() != initializer((3,)).tolist()
    draw = lambda path: first_values.draw(initializer, DATA, path, (3,), "float32").tolist()
    assert draw("a") == draw("a") != draw("b")


def test_inside_a_scope_an_unseeded_call_follows_the_calls_key():
    from fkeras.core.randomness import key_scopes

    initializer, values = Plain(), []
    for key in (KEY, KEY, jax.random.key(8)):
        with key_scopes.scope(key):
            values.append(initializer((3,)).tolist())
    assert values[0] == values[1] != values[2]


def test_a_subclass_without_finish_says_so():
    with pytest.raises(TypeError, match="Unfinished must define `finish"):

        class Unfinished(first_values.BlockDrawn):
            pass

        Unfinished()((2,))


def test_a_function_without_a_dtype_is_called_with_the_shape_alone():
    draw = lambda fn: first_values.draw(fn, DATA, "x", (3,), "float16")
    assert draw(lambda shape: np.ones(shape)).dtype == np.float16
    with pytest.raises(TypeError, match="mine"):

        def fails(shape, dtype=None):
            raise TypeError("mine")

        draw(fails)


@pytest.mark.parametrize("value", [0, 1.5, jnp.float32(2.0), True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_constants_are_equal_on_host_and_in_a_trace(value, dtype):
    host = first_values.filled((2, 3), value, dtype)
    traced = jax.jit(lambda: first_values.filled((2, 3), value, dtype))()
    assert host.dtype == traced.dtype == dtype and (host == traced).all()


@pytest.mark.parametrize(
    ("shape", "expected"), [(3, (3,)), (np.int64(3), (3,)), ([2, 3], (2, 3)), ((), ())]
)
def test_shapes_in_any_form(shape, expected):
    assert first_values.as_shape(shape) == expected


def test_a_variable_of_no_root_is_a_root_of_its_own():
    from fkeras import Variable

    a, b = (Variable(Plain(), shape=(3,), name="same") for _ in range(2))
    assert a.numpy().tolist() != b.numpy().tolist()


def test_the_outermost_root_places_what_has_no_place():
    from fkeras import Variable
    from fkeras.core.randomness import process_generator

    v, asked = Variable(Plain(), shape=(3,), name="w"), []

    def place():
        asked.append("outer")
        v.handle.origin.place(process_generator.RootKey.from_data(DATA), "net/w")

    with first_values.placing(place), first_values.placing(lambda: asked.append("inner")):
        value = v.numpy()
    assert asked == ["outer"]
    np.testing.assert_array_equal(value, first_values.draw(Plain(), DATA, "net/w", (3,), "float32"))
