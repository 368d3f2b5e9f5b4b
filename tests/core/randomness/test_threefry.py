import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core.randomness import threefry

SEEDS = (0, 1, 7, 2**31 - 1, 2**31, 2**32 - 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_of_ints_are_those_of_jax(seed):
    expected = jax.random.key_data(jax.random.key(seed, impl="threefry2x32"))
    data = threefry.key_data_of_int(seed)
    assert data.dtype == np.uint32
    np.testing.assert_array_equal(data, expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_folded_key_is_that_of_jax(seed):
    key = jax.random.key(seed, impl="threefry2x32")
    for word in (0, 1, 12345, 2**32 - 1):
        expected = jax.random.key_data(jax.random.fold_in(key, np.uint32(word)))
        np.testing.assert_array_equal(
            threefry.fold_in(threefry.key_data_of_int(seed), word), expected
        )


@pytest.mark.parametrize("key", [(0, 0), (2**32 - 1, 2**32 - 1), (0x1BD11BDA, 5), (3, 2**31)])
def test_words_are_those_of_jax(key):
    from jax.extend.random import threefry_2x32

    random = np.random.default_rng(0)
    pair = random.integers(0, 2**32, (2, 1000), dtype=np.uint32)
    before = pair.copy()
    data = np.array(key, np.uint32)
    words = threefry.words(data, *pair)
    expected = threefry_2x32(jnp.asarray(data), jnp.asarray(pair.reshape(-1)))
    np.testing.assert_array_equal(np.concatenate(words), expected)
    np.testing.assert_array_equal(pair, before, "what was given stays")
