import numpy as np

import fkeras
from fkeras.core.randomness import element_draws
from fkeras.core.randomness.element_draws import ElementDraws


def _draws(run, place, seed=3, count=2):
    generator = fkeras.random.SeedGenerator(seed)
    with element_draws.drawing(ElementDraws(run, place)):
        drawn = [tuple(np.asarray(generator.next())) for _ in range(count)]
    np.testing.assert_array_equal(generator.state, [seed, 0])  # nothing is counted on
    return drawn


def test_a_draw_follows_from_seed_pass_place_and_count():
    assert _draws(0, 5) == _draws(0, 5)
    places = [(0, 5), (0, 6), (1, 5)]
    drawn = [word for place in places for word in _draws(*place)] + _draws(0, 5, seed=4)
    assert len(set(drawn)) == len(drawn) == 8


def test_generators_do_not_count_each_others_draws():
    one, other = fkeras.random.SeedGenerator(1), fkeras.random.SeedGenerator(1)
    with element_draws.drawing(ElementDraws(0, 0)):
        np.testing.assert_array_equal(one.next(), other.next())


def test_outside_of_elements_generators_count():
    assert element_draws.present() is None
    generator = fkeras.random.SeedGenerator(3)
    with element_draws.drawing(ElementDraws(0, 0)) as draws:
        assert draws is element_draws.present() or element_draws.present() is not None
    generator.next()
    np.testing.assert_array_equal(generator.state, [3, 1])
