import jax
import numpy as np
import pytest

import fkeras
from fkeras.core.randomness import process_generator, seeds
from fkeras.core.values import lending
from fkeras.errors import PureCallError, UserInputError

KEY = jax.random.key(3)


def test_an_unseeded_draw_inside_jit_is_an_error_and_outside_counts_on():
    with pytest.raises(PureCallError, match="one set of numbers for ever"):
        jax.jit(lambda x: x + fkeras.random.normal((2,)))(1.0)
    process_generator.reset(5)
    first, second = (np.asarray(seeds.draw_seed(None)).tolist() for _ in range(2))
    assert first == [5, 1] and second == [5, 2]


def test_an_abstract_call_draws_nothing():
    process_generator.reset(5)
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
