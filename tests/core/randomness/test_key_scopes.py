import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.core.randomness import key_scopes, seeds
from fkeras.errors import PureCallError

KEY = jax.random.key(3)


def draws(count=1, *, path="", seed=None, **options):
    """Key data of draws by the layer at a path in a fresh scope."""
    with key_scopes.scope(options.pop("key", KEY), **options), key_scopes.located(path):
        return [np.asarray(seeds.draw_seed(seed)).tolist() for _ in range(count)]


def test_numbers_are_a_function_of_key_path_and_count():
    assert draws(3, path="a") == draws(3, path="a")
    first, second, third = draws(3, path="a")
    assert len({tuple(x) for x in (first, second, third)}) == 3
    assert draws(1, path="b") != [first] and draws(1, path="a", key=jax.random.key(4)) != [first]


def test_each_path_counts_its_own_draws():
    with key_scopes.scope(KEY):
        with key_scopes.located("a"):
            first = np.asarray(seeds.draw_seed(None)).tolist()
        with key_scopes.located("b"):
            other = np.asarray(seeds.draw_seed(None)).tolist()
    assert [first] == draws(1, path="a") and [other] == draws(1, path="b")


def test_what_was_drawn_elsewhere_does_not_change_a_paths_numbers():
    with key_scopes.scope(KEY):
        for _ in range(5):
            with key_scopes.located("before"):
                seeds.draw_seed(None)
        with key_scopes.located("a"):
            assert np.asarray(seeds.draw_seed(None)).tolist() == draws(1, path="a")[0]


def test_a_traced_draw_is_the_eager_one():
    traced = jax.jit(lambda key: jnp.stack([jnp.asarray(d) for d in _two(key)]))(KEY)
    assert traced.tolist() == draws(2, path="a")


def _two(key):
    with key_scopes.scope(key), key_scopes.located("a"):
        return [seeds.draw_seed(None) for _ in range(2)]


def test_a_generator_draws_by_its_place_and_its_seed_inside_a_scope():
    generators = [fkeras.random.SeedGenerator(seed) for seed in (1, 1, 2)]
    paths = {id(g): path for g, path in zip(generators, ("p", "q", "p"))}
    state = generators[0].state.numpy().tolist()
    with key_scopes.scope(KEY, paths):
        drawn = [np.asarray(g.next()).tolist() for g in generators]
    assert len({tuple(x) for x in drawn}) == 3
    assert generators[0].state.numpy().tolist() == state, "a pure call writes no state"
    with key_scopes.scope(KEY, paths):
        assert np.asarray(generators[0].next()).tolist() == drawn[0]


def test_with_a_step_a_seeded_generator_follows_seed_and_step_whatever_the_key():
    g = fkeras.random.SeedGenerator(7)
    look = lambda key, step: np.asarray(_next_in(g, key, step)).tolist()
    assert look(KEY, 3) == look(jax.random.key(99), 3) != look(KEY, 4)


def _next_in(generator, key, step):
    with key_scopes.scope(key, {}, step):
        return generator.next()


def test_a_call_without_a_key_says_how_to_pass_one():
    with (
        key_scopes.scope(None),
        key_scopes.located("net/dropout"),
        pytest.raises(PureCallError, match="net/dropout draws random numbers.*rngs=jax.random.key"),
    ):
        seeds.draw_seed(None)


def test_keys_may_be_typed_or_plain():
    assert draws(2, key=jax.random.key_data(KEY)) == draws(2, key=KEY)


def test_runs_of_a_loop_draw_their_own_numbers_and_the_call_around_counts_on():
    def run(index):
        with key_scopes.iteration(index), key_scopes.located("a"):
            return jnp.asarray(seeds.draw_seed(None))

    with key_scopes.scope(KEY), key_scopes.located("a"):
        before = np.asarray(seeds.draw_seed(None)).tolist()
        with key_scopes.looped():
            inside = jax.lax.map(run, jnp.arange(3)).tolist()
        after = np.asarray(seeds.draw_seed(None)).tolist()
    assert [before] == draws(1, path="a")
    assert len({tuple(x) for x in (before, *inside, after)}) == 5


def test_drawing_where_it_makes_no_sense_is_an_error():
    with (
        key_scopes.scope(KEY),
        key_scopes.refused("ops.associative_scan"),
        pytest.raises(PureCallError, match="ops.associative_scan.*Draw outside"),
    ):
        seeds.draw_seed(None)
