import jax
import jax.numpy as jnp
import pytest

from fkeras.core.randomness import keys
from fkeras.errors import UserInputError


@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
def test_a_threefry_key_stays_the_same_typed_or_plain(make):
    key = keys.typed_key(make(3))
    assert jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    assert jax.random.key_data(key).tolist() == jax.random.key_data(jax.random.key(3)).tolist()


@pytest.mark.parametrize("implementation", ["rbg", "unsafe_rbg"])
def test_keys_of_other_implementations_are_folded_to_two_words(implementation):
    first, second = (keys.typed_key(jax.random.key(n, impl=implementation)) for n in (1, 2))
    assert jax.random.key_impl(first) == "threefry2x32"
    plain = keys.typed_key(jax.random.key_data(jax.random.key(1, impl=implementation)))
    words = [jax.random.key_data(key).tolist() for key in (first, second, plain)]
    assert words[0] == words[2] != words[1]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (7, "Expected a JAX key"),
        (jnp.zeros(2), "Expected a JAX key"),
        (jax.random.split(jax.random.key(0), 3), r"single JAX key.*\(3,\)"),
        (jnp.zeros((3, 2), jnp.uint32), r"single JAX key.*\(3, 2\)"),
    ],
)
def test_what_is_no_single_key_is_an_error(key, message):
    with pytest.raises(UserInputError, match=message):
        keys.typed_key(key)


def test_an_integer_counts_by_its_lower_31_bits():
    data = lambda seed: jax.random.key_data(keys.key_of_int(seed)).tolist()
    assert data(5) == data(5 + 2**31) != data(6)
    assert keys.key_from_data([1, 2]).shape == ()
