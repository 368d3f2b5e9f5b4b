import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.core.randomness import seeds
from fkeras.core.values import lending
from fkeras.errors import PureCallError, UserInputError

KEY = jax.random.key(3)


def draws(count=1, *, path="", seed=None, **options):
    """Key data of draws by the layer at a path in a fresh scope."""
    with seeds.scope(options.pop("key", KEY), **options), seeds.located(path):
        return [np.asarray(seeds.draw_seed(seed)).tolist() for _ in range(count)]


def test_numbers_are_a_function_of_key_path_and_count():
    assert draws(3, path="a") == draws(3, path="a")
    first, second, third = draws(3, path="a")
    assert len({tuple(x) for x in (first, second, third)}) == 3
    assert draws(1, path="b") != [first] and draws(1, path="a", key=jax.random.key(4)) != [first]


def test_each_path_counts_its_own_draws():
    with seeds.scope(KEY):
        with seeds.located("a"):
            first = np.asarray(seeds.draw_seed(None)).tolist()
        with seeds.located("b"):
            other = np.asarray(seeds.draw_seed(None)).tolist()
    assert [first] == draws(1, path="a") and [other] == draws(1, path="b")


def test_what_was_drawn_elsewhere_does_not_change_a_paths_numbers():
    with seeds.scope(KEY):
        for _ in range(5):
            with seeds.located("before"):
                seeds.draw_seed(None)
        with seeds.located("a"):
            assert np.asarray(seeds.draw_seed(None)).tolist() == draws(1, path="a")[0]


def test_a_traced_draw_is_the_eager_one():
    traced = jax.jit(lambda key: jnp.stack([jnp.asarray(d) for d in _two(key)]))(KEY)
    assert traced.tolist() == draws(2, path="a")


def _two(key):
    with seeds.scope(key), seeds.located("a"):
        return [seeds.draw_seed(None) for _ in range(2)]


def test_keys_may_be_typed_or_plain():
    data = jax.random.key_data(KEY)
    assert draws(2, key=data) == draws(2, key=KEY)
    assert jnp.issubdtype(seeds.typed_key(data).dtype, jax.dtypes.prng_key)


def test_a_generator_draws_by_its_place_and_its_seed_inside_a_scope():
    generators = [fkeras.random.SeedGenerator(seed) for seed in (1, 1, 2)]
    paths = {id(g): path for g, path in zip(generators, ("p", "q", "p"))}
    state = generators[0].state.numpy().tolist()
    with seeds.scope(KEY, paths):
        drawn = [np.asarray(g.next()).tolist() for g in generators]
    assert len({tuple(x) for x in drawn}) == 3
    assert generators[0].state.numpy().tolist() == state, "a pure call writes no state"
    with seeds.scope(KEY, paths):
        assert np.asarray(generators[0].next()).tolist() == drawn[0]


def test_with_a_step_a_seeded_generator_follows_seed_and_step_whatever_the_key():
    g = fkeras.random.SeedGenerator(7)
    look = lambda key, step: np.asarray(_next_in(g, key, step)).tolist()
    assert look(KEY, 3) == look(jax.random.key(99), 3) != look(KEY, 4)


def _next_in(generator, key, step):
    with seeds.scope(key, {}, step):
        return generator.next()


def test_a_call_without_a_key_says_how_to_pass_one():
    with (
        seeds.scope(None),
        seeds.located("net/dropout"),
        pytest.raises(PureCallError, match="net/dropout draws random numbers.*rngs=jax.random.key"),
    ):
        seeds.draw_seed(None)


def test_an_unseeded_draw_inside_jit_is_an_error_and_outside_counts_on():
    with pytest.raises(PureCallError, match="one set of numbers for ever"):
        jax.jit(lambda x: x + fkeras.random.normal((2,)))(1.0)
    seeds.reset(5)
    first, second = (np.asarray(seeds.draw_seed(None)).tolist() for _ in range(2))
    assert first == [5, 1] and second == [5, 2]


def test_an_abstract_call_draws_nothing():
    seeds.reset(5)
    with lending.opened(lending.AbstractScope()):
        assert seeds.draw_seed(None).tolist() == [0, 0]
    assert seeds.draw_seed(None).tolist() == [5, 1]


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (7, [7, 0]),
        (np.int64(7), [7, 0]),
        (2**40 + 1, [1, 0]),
        (-1, [2**32 - 1, 0]),
        (jax.random.key(3), jax.random.key_data(KEY).tolist()),
        (np.array([1, 2]), [1, 2]),
    ],
)
def test_seeds_of_any_form(seed, expected):
    assert np.asarray(seeds.draw_seed(seed)).tolist() == expected
    assert seeds.key_data_of(seed).tolist() == expected


@pytest.mark.parametrize("seed", ["7", 1.5, True, np.zeros(3)])
def test_what_is_no_seed_is_an_error(seed):
    with pytest.raises(UserInputError, match="Argument `seed` must be either an integer"):
        seeds.draw_seed(seed)


def test_a_process_seed_makes_everything_the_same_again():
    def everything():
        fkeras.utils.set_random_seed(11)
        dense = fkeras.layers.Dense(3)
        dense.build((None, 2))
        return (
            dense.kernel.numpy().tolist(),
            random.random(),
            np.random.rand(),
            fkeras.random.normal((2,)).tolist(),
            fkeras.random.SeedGenerator().root,
            seeds.next_root_key().data.tolist(),
        )

    assert everything() == everything()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", True, None])
def test_a_process_seed_out_of_range_is_an_error(seed):
    with pytest.raises(UserInputError, match=r"integer in \[0, 2\*\*32\)"):
        seeds.set_random_seed(seed)


def test_without_a_seed_the_operating_system_gives_one_that_stays():
    seeds.reset(None)
    first = seeds.process_seed()
    assert 0 <= first < 2**32 and seeds.process_seed() == first


def test_root_keys_are_counted_when_made_and_are_values_inside_a_trace():
    seeds.reset(0)
    a, b = seeds.next_root_key(), seeds.next_root_key()
    jax.jit(lambda x: x + a.data.sum())(1)
    assert isinstance(a.data, np.ndarray) and a.data.tolist() != b.data.tolist()
    expected = jax.random.key_data(jax.random.fold_in(jax.random.key(0), 2))
    assert b.data.tolist() == expected.tolist()
    assert jax.random.key_data(b.key).tolist() == b.data.tolist()
    held = seeds.RootKey.from_data(b.data)
    assert held.data.tolist() == b.data.tolist() == b.__getstate__()["_data"].tolist()
