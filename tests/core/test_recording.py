import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core import jax_private
from fkeras.core.recording import Recording
from fkeras.errors import UserInputError


def gradient_of(f, x):
    recording = Recording()
    with recording.opened():
        y = f(x)
    return recording.gradient([y], [[x]], [jnp.ones_like(y)])[0]


@jax.custom_jvp
def sine(x):
    return jnp.sin(x)


sine.defjvp(lambda primals, tangents: (sine(*primals), jnp.cos(primals[0]) * tangents[0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jnp.tanh(x) @ x,
        lambda x: jnp.sum(jax.nn.softmax(x) ** 2),
        lambda x: jnp.linalg.norm(jnp.outer(x, x) + jnp.eye(3)),
        lambda x: jnp.max(jnp.sort(x)) * x[1],
        lambda x: jnp.sum(jax.lax.map(lambda a: a * x[0], x)),
        lambda x: jax.lax.fori_loop(0, 2, lambda i, a: a * x[i], x[2]),
        lambda x: sum(jax.random.normal(jax.random.key(1), (3,)) * x),
        lambda x: jnp.sum(jax.vmap(jax.grad(lambda a: jnp.sin(a) * x[0]))(x)),
        lambda x: jnp.sum(sine(jnp.concatenate([x, x]))),
        lambda x: jnp.sum(jax.lax.stop_gradient(x) * x),
    ],
)
def test_a_derivative_of_the_record_is_that_of_the_function(f):
    x = jnp.asarray([0.3, 0.5, 0.8])
    np.testing.assert_allclose(gradient_of(f, x), jax.grad(f)(x), rtol=1e-5)
    # inside of a program that is traced, and of a derivative
    np.testing.assert_allclose(jax.jit(lambda x: gradient_of(f, x))(x), jax.grad(f)(x), rtol=1e-5)
    second = jax.grad(lambda x: jnp.sum(gradient_of(f, x) ** 2))(x)
    right = jax.grad(lambda x: jnp.sum(jax.grad(f)(x) ** 2))(x)
    np.testing.assert_allclose(second, right, rtol=1e-4, atol=1e-6)


def test_several_values_of_one_source_are_summed_and_jacobians_have_rows():
    a, b = jnp.asarray(2.0), jnp.asarray(5.0)
    recording = Recording()
    with recording.opened():
        y = jnp.stack([a * 3, b * 4])
    assert [float(g) for g in recording.gradient([y], [[a, b], [b]], [jnp.ones(2)])] == [7.0, 4.0]
    rows = recording.jacobian(y, [[a], [b]], jnp.eye(2))
    np.testing.assert_array_equal(rows, [[3, 0], [0, 4]])


def test_other_threads_and_what_runs_afterwards_are_not_recorded():
    x = jnp.asarray(2.0)
    recording, results = Recording(), []
    with recording.opened():
        thread = threading.Thread(target=lambda: results.append(x * x))
        thread.start()
        thread.join()
    results.append(x * x)
    assert not any(recording.has_made(y) for y in results) and not recording.has_used(x)


def test_the_current_trace_is_the_one_that_computes():
    recording = Recording()
    outside = jax_private.current_trace()
    with recording.opened():
        assert jax_private.current_trace() is outside
        assert jax_private.innermost_trace() is not outside
    assert jax_private.innermost_trace() is outside


def test_a_gradient_through_what_an_inner_function_hides_is_an_error():
    x = jnp.asarray(2.0)

    @jax.custom_vjp
    def f(a):
        return a * x

    f.defvjp(lambda a: (f(a), None), lambda _, g: (g * x,))
    with pytest.raises(UserInputError, match="custom_vjp_call.*as an argument"):
        gradient_of(lambda x: f(x + 1), x)
    assert float(gradient_of(f, jnp.asarray(3.0))) == 2.0
