"""Which weights devices draw themselves. (Their numbers: `distribution/eight_devices`.)"""

import types

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import fkeras
from fkeras.core import placement
from fkeras.core.randomness import blocks, first_values, sharded_draws


def info(initializer, shape=(4, 8), number_of_blocks=()):
    return types.SimpleNamespace(
        initializer=fkeras.initializers.get(initializer),
        shape=(*number_of_blocks, *shape),
        blocks=number_of_blocks,
        dtype="float32",
    )


class Cut:
    def __init__(self, is_fully_replicated=False, platform="gpu"):
        self.is_fully_replicated = is_fully_replicated
        self.device_set = [types.SimpleNamespace(platform=platform)]


class OwnCall(fkeras.initializers.HeNormal):
    def __call__(self, shape, dtype=None):
        return jax.numpy.ones(shape, dtype)


@pytest.mark.parametrize(
    ("row", "sharding", "expected"),
    [
        (info("he_normal"), Cut(), True),
        (info("random_uniform", number_of_blocks=(3,)), Cut(), True),
        (info("he_normal"), Cut(platform="cpu"), False),
        (info("he_normal"), Cut(is_fully_replicated=True), False),
        (info("zeros"), Cut(), False),
        (info("orthogonal"), Cut(), False),
        (info(OwnCall()), Cut(), False),
        (info(lambda shape, dtype: np.zeros(shape, dtype)), Cut(), False),
        (info("he_normal", shape=(1 << 16, 1 << 16)), Cut(), False),
        (info("he_normal", shape=(1 << 15, 1 << 16), number_of_blocks=(8,)), Cut(), True),
    ],
)
def test_devices_draw_where_each_element_is_by_itself(row, sharding, expected):
    assert sharded_draws.is_possible(row, sharding) is expected


@pytest.mark.parametrize("kind", blocks.KINDS)
@pytest.mark.parametrize("shape", [(), (3,), (300, 500), (2, 65536), (7, 1, 5)])
def test_numbers_in_place_are_those_of_the_blocks(kind, shape):
    key = np.array([3, 5], np.uint32)
    run = jax.jit(lambda key: blocks.numbers_in_place(kind, key, blocks.path_hash("a/b"), shape))
    expected = blocks.numbers(kind, key, "a/b", int(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(run(key), expected)


def test_weights_of_one_kind_share_a_program_and_differ():
    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = NamedSharding(mesh, PartitionSpec("x"))
    key = np.array([1, 2], np.uint32)
    sharded_draws._compiled.cache_clear()
    drawn = [sharded_draws.draw(info("he_normal"), key, [path], sharding) for path in ("a", "b")]
    assert sharded_draws._compiled.cache_info().currsize == 1
    for value, path in zip(drawn, ("a", "b")):
        expected = first_values.draw(info("he_normal").initializer, key, path, (4, 8), "float32")
        np.testing.assert_array_equal(value, expected)


def test_a_weight_that_is_part_of_another_stays_on_the_host():
    draw = lambda name: first_values.draw(
        fkeras.initializers.get(name), np.zeros(2, np.uint32), "w", (4, 4), "float32"
    )
    names = ["he_normal", "zeros", "identity", "orthogonal"]
    expected = [np.asarray(draw(name)) for name in names]
    with placement.kept_on_host((4, 4)):
        found = [draw(name) for name in names]
    assert all(isinstance(value, np.ndarray) for value in found)
    np.testing.assert_array_equal(found, expected)
    assert isinstance(draw("zeros"), jax.Array)
