import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core import jax_private, shared_programs


@pytest.fixture(autouse=True)
def empty():
    jax_private.wrap_compilation(shared_programs.shared)
    shared_programs.clear()
    yield
    shared_programs.clear()


def run(function, *args, **options):
    with shared_programs.sharing():
        return jax.jit(function, **options)(*args)


def test_equal_programs_share_one_executable():
    for _ in range(3):
        assert float(run(lambda x: x * 3 + 1, 2.0)) == 7
    assert shared_programs.count() == 1


def test_nothing_is_shared_or_kept_outside():
    jax.jit(lambda x: x * 3 + 1)(2.0)
    assert shared_programs.count() == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: [lambda x: x * 3, lambda x: x * 4],
        lambda: [functools.partial(jnp.add, np.float32(c)) for c in (3, 4)],
        lambda: [functools.partial(jnp.dot, np.arange(c, c + 4.0, dtype="f")) for c in (3, 4)],
    ],
    ids=["operations", "scalars", "constants"],
)
def test_other_programs_are_others(make):
    results = [np.asarray(run(function, 2.0)) for function in make()]
    for result, function in zip(results, make()):
        np.testing.assert_array_equal(result, function(2.0))
    assert np.any(results[0] != results[1])


def test_shapes_dtypes_donation_and_options_make_others():
    double = lambda x: x * 2
    assert run(double, jnp.ones(2)).shape == (2,)
    assert run(double, jnp.ones(3)).shape == (3,)
    assert run(double, jnp.ones(2, int)).dtype == jnp.int32
    kept, given = jnp.ones(2), jnp.ones(2)
    run(double, given, donate_argnums=0)
    run(double, kept)
    assert given.is_deleted() and not kept.is_deleted()
    with jax.default_matmul_precision("highest"):
        run(lambda x: x @ x, jnp.ones((2, 2)))
    run(lambda x: x @ x, jnp.ones((2, 2)))
    assert shared_programs.count() == 6


def test_programs_that_call_back_are_never_shared():
    def calling(number):
        return lambda x: jax.pure_callback(
            lambda x: np.asarray(x) + np.float32(number), jax.ShapeDtypeStruct((), "float32"), x
        )

    assert [float(run(calling(number), 1.0)) for number in (1, 2)] == [2, 3]
    assert shared_programs.count() == 0


def test_a_table_is_bounded_and_keeps_what_was_used_last(monkeypatch):
    monkeypatch.setattr(shared_programs._executables, "most", 2)
    compiled = []
    with shared_programs.sharing():
        for key in (0, 1, 0, 2, 0, 1):
            shared_programs.shared(lambda key=key: key, lambda key=key: compiled.append(key) or 0)
    assert compiled == [0, 1, 2, 1] and shared_programs.count() == 2


def test_a_check_compiles_both_and_compares(monkeypatch):
    run(lambda x: x * 5, 1.0)
    with shared_programs.checked():
        run(lambda x: x * 5, 1.0)
    monkeypatch.setattr(shared_programs, "_code", lambda executable: [object()])
    with shared_programs.checked(), pytest.raises(shared_programs.WrongSharingError):
        run(lambda x: x * 5, 1.0)


def test_another_function_of_jax_is_left_alone(monkeypatch):
    other = lambda computation, devices: None
    monkeypatch.setattr(jax_private._compiler, "compile_or_get_cached", other)
    assert not jax_private.wrap_compilation(lambda key, compile: compile())
    assert jax_private._compiler.compile_or_get_cached is other
