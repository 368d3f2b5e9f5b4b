import jax
import numpy as np
import pytest

import fkeras
from fkeras.core.randomness import process_generator
from fkeras.errors import UserInputError
from fkeras.random import SeedGenerator


def test_each_draw_is_a_new_one_and_counts_in_the_state():
    g = SeedGenerator(7)
    assert [g.next().tolist() for _ in range(3)] == [[7, 0], [7, 1], [7, 2]]
    assert g.state.numpy().tolist() == [7, 3] and g.root == 7


def test_numbers_are_those_of_keras(keras):
    ours, theirs = SeedGenerator(42), keras.random.SeedGenerator(42)
    for _ in range(3):
        np.testing.assert_array_equal(ours.next(), theirs.next())
        np.testing.assert_allclose(
            fkeras.random.uniform((3,), seed=ours), keras.random.uniform((3,), seed=theirs)
        )


def test_without_a_seed_each_has_its_own_and_the_process_decides():
    process_generator.reset(1)
    a, b = SeedGenerator(), SeedGenerator()
    assert a.root != b.root
    process_generator.reset(1)
    assert SeedGenerator().root == a.root


def test_its_state_is_no_weight_and_named_by_it():
    g = SeedGenerator(1, name="noise")
    assert g.state.path == "noise/seed_generator_state" and not g.state.trainable
    assert g.state.handle.kind == "seed" and SeedGenerator(1).name == "seed_generator"


@pytest.mark.parametrize("seed", [-1, 2**63, "1", 1.5, True])
def test_a_seed_that_cannot_be_is_an_error(seed):
    with pytest.raises(UserInputError, match="Argument `seed` must be"):
        SeedGenerator(seed)


def test_further_arguments_are_errors():
    with pytest.raises(UserInputError, match="Unrecognized keyword arguments"):
        SeedGenerator(1, colour="red")


@pytest.mark.parametrize("seed", [None, 5, 2**40])
def test_a_config_holds_the_seed_it_was_given(seed):
    g = SeedGenerator(seed, name="g")
    assert g.get_config() == {"seed": seed, "name": "g"}
    back = SeedGenerator.from_config(g.get_config())
    assert back.name == "g" and (seed is None or back.root == g.root == seed & 0xFFFFFFFF)


def test_in_a_layer_it_draws_anew_at_each_pure_call_with_another_key():
    class Noise(fkeras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.generator = SeedGenerator(3)

        def call(self, x):
            return x + fkeras.random.normal(x.shape, seed=self.generator)

    layer, x = Noise(), np.zeros((2,), np.float32)
    run = lambda key: layer.apply(layer.init(jax.random.key(0), x), x, rngs=key)[0].tolist()
    assert run(jax.random.key(1)) == run(jax.random.key(1)) != run(jax.random.key(2))
    assert layer(x).tolist() != layer(x).tolist(), "the facade counts on"
