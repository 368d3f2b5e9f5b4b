import random

import jax
import numpy as np
import pytest

import fkeras
from fkeras.core.randomness import process_generator
from fkeras.errors import UserInputError


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
            process_generator.next_root_key().data.tolist(),
        )

    assert everything() == everything()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", True, None])
def test_a_process_seed_out_of_range_is_an_error(seed):
    with pytest.raises(UserInputError, match=r"integer in \[0, 2\*\*32\)"):
        process_generator.set_random_seed(seed)


def test_without_a_seed_the_operating_system_gives_one_that_stays():
    process_generator.reset(None)
    first = process_generator.process_seed()
    assert 0 <= first < 2**32 and process_generator.process_seed() == first


def test_root_keys_are_counted_when_made_and_are_values_inside_a_trace():
    process_generator.reset(0)
    a, b = process_generator.next_root_key(), process_generator.next_root_key()
    jax.jit(lambda x: x + a.data.sum())(1)
    assert isinstance(a.data, np.ndarray) and a.data.tolist() != b.data.tolist()
    expected = jax.random.key_data(jax.random.fold_in(jax.random.key(0), 2))
    assert b.data.tolist() == expected.tolist()
    assert jax.random.key_data(b.key).tolist() == b.data.tolist()
    held = process_generator.RootKey.from_data(b.data)
    assert held.data.tolist() == b.data.tolist() == b.__getstate__()["_data"].tolist()


def test_resets_are_counted():
    before = process_generator.reset_count()
    process_generator.reset(5)
    process_generator.reset(5)
    assert process_generator.reset_count() == before + 2
