import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fkeras.core.randomness import blocks

DATA = np.array([1, 2], np.uint32)


@pytest.mark.parametrize("kind", sorted(blocks.KINDS))
def test_an_element_depends_on_key_path_and_its_index_alone(kind):
    many = blocks.numbers(kind, DATA, "w", blocks.BLOCK + 10)
    for count in (0, 1, 10, blocks.BLOCK, blocks.BLOCK + 1):
        np.testing.assert_array_equal(blocks.numbers(kind, DATA, "w", count), many[:count])
    assert isinstance(many, np.ndarray) and many.dtype == np.float32
    assert not np.array_equal(many[:10], many[blocks.BLOCK :]), "blocks differ"


@pytest.mark.parametrize("kind", sorted(blocks.KINDS))
def test_traced_numbers_are_those_of_the_host(kind):
    count = blocks.BLOCK + 3
    traced = jax.jit(lambda data: blocks.numbers(kind, data, "w", count))(DATA)
    np.testing.assert_array_equal(traced, blocks.numbers(kind, DATA, "w", count))


@pytest.mark.parametrize("kind", sorted(blocks.KINDS))
def test_the_host_draws_what_one_program_would(kind):
    """From the key to the numbers: the form in which first values were always drawn."""
    program = jax.jit(lambda *row: blocks._body(kind, *row))
    for seed, path in ((0, "dense/kernel"), (2**32 - 1, ""), (77, "a/b/c")):
        data = np.array([seed, 2**32 - 1 - seed], np.uint32)
        whole = [program(data, blocks.path_hash(path), np.uint32(b)) for b in range(3)]
        for count in (1, 7, blocks.BLOCK // 2, blocks.BLOCK // 2 + 1, 2 * blocks.BLOCK + 9):
            drawn = blocks.numbers(kind, data, path, count)
            expected = np.concatenate(whole)[:count]
            np.testing.assert_array_equal(drawn.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize(
    ("kind", "mean", "std", "low", "high"),
    [
        ("uniform", 0.0, 1 / np.sqrt(3), -1, 1),
        ("normal", 0.0, 1.0, -6, 6),
        ("truncated_normal", 0.0, 0.87962566, -2, 2),
    ],
)
def test_the_distributions_are_what_they_say(kind, mean, std, low, high):
    from scipy import stats

    x = blocks.numbers(kind, DATA, "w", 100_000)
    assert abs(x.mean() - mean) < 0.01 and abs(x.std() - std) < 0.01
    assert x.min() >= low and x.max() <= high and np.isfinite(x).all()
    cdf = {
        "uniform": stats.uniform(-1, 2).cdf,
        "normal": stats.norm.cdf,
        "truncated_normal": stats.truncnorm(-2, 2).cdf,
    }[kind]
    assert stats.kstest(x[:20_000], cdf).pvalue > 1e-3


def test_paths_and_keys_give_independent_numbers():
    x = blocks.numbers("normal", DATA, "a", 20_000)
    for other in (
        blocks.numbers("normal", DATA, "b", 20_000),
        blocks.numbers("normal", DATA + 1, "a", 20_000),
        blocks.numbers("normal", DATA[::-1].copy(), "a", 20_000),
    ):
        assert abs(np.corrcoef(x, other)[0, 1]) < 0.03


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 1), (1, 1), (blocks.BLOCK, 1), (blocks.BLOCK + 1, 2)]
)
def test_blocks_hold_all_numbers(count, expected):
    assert blocks.block_count(count) == expected


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-100, 100, width=32).filter(lambda s: abs(s) > 1e-3),
    st.floats(-100, 100, width=32),
)
def test_a_product_and_a_sum_round_alike_on_host_and_device(scale, shift):
    x = blocks.numbers("normal", DATA, "w", 64)
    on_device = jax.jit(lambda x: blocks.affine(x, scale, shift))(jnp.asarray(x))
    np.testing.assert_array_equal(on_device, blocks.affine(x, scale, shift))
    np.testing.assert_array_equal(
        blocks.affine(x, scale, shift), (x * np.float32(scale)) + np.float32(shift)
    )


def test_a_scale_alone_adds_nothing():
    x = np.float32([1, 2])
    assert blocks.affine(x, 2.0).tolist() == [2, 4]


def test_the_host_makes_values_unless_a_program_is_recorded():
    seen = {}

    def look(name):
        def fn(x):
            seen[name] = blocks.on_host()
            return x * 1.0

        return fn

    look("eager")(1.0)
    jax.jit(look("jit"))(1.0)
    jax.grad(look("grad"))(1.0)
    assert seen == {"eager": True, "jit": False, "grad": True}
