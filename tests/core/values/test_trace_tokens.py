"""Inner functions that JAX keeps traces of never serve values that are not lent now."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import Variable
from fkeras.core.values import lending, trace_tokens


class Kept:
    """An object that keeps compiled functions of its own Variable, as user code does."""

    def __init__(self):
        self.v = Variable(jnp.ones(2), name="v")
        self.jitted = jax.jit(lambda x: x * self.v)
        self.checkpointed = jax.checkpoint(lambda x: x * self.v)
        self.scan = lambda x: jax.lax.scan(self.body, x, jnp.arange(2.0))[0]

    def body(self, carry, _):
        return carry * self.v, None

    def lend(self, value, function):
        return lending.call(lambda: function(jnp.ones(2)), [self.v], [value])[0]


@pytest.mark.parametrize("form", ["jitted", "checkpointed", "scan"])
@pytest.mark.parametrize("outer", [lambda f: f, jax.jit])
def test_a_kept_function_sees_the_values_of_each_call(form, outer):
    kept = Kept()
    power = 2 if form == "scan" else 1
    run = outer(lambda value: kept.lend(value, getattr(kept, form)))
    for value in (2.0, 3.0, 2.0, 5.0):
        assert run(jnp.full((2,), value)).tolist() == [value**power] * 2


@pytest.mark.parametrize("form", ["jitted", "checkpointed", "scan"])
def test_gradients_go_through_kept_functions(form):
    kept = Kept()
    loss = lambda value: kept.lend(value, getattr(kept, form)).sum()
    expected = (lambda x: 2 * x) if form == "scan" else (lambda x: 1.0)
    for value in (2.0, 3.0):
        gradient = jax.grad(loss)(jnp.full((2,), value))
        np.testing.assert_allclose(gradient, [expected(value)] * 2)


def test_the_facade_sees_what_was_assigned_since():
    kept = Kept()
    results = []
    for value in (1.0, 4.0):
        kept.v.assign(jnp.full((2,), value))
        run = lambda: kept.jitted(jnp.ones(2)).tolist()
        if lending.needs_own_scope([kept.v]):
            results.append(lending.call_on_own_values(run, [kept.v]))
        else:
            results.append(run())
    assert results == [[1, 1], [4, 4]]


def test_no_token_where_no_inner_trace_read_anything():
    v = Variable(jnp.ones(2))
    assert trace_tokens.choose_token([v], [jnp.ones(2)]) is None
    lending.call(lambda: v + 1, [v], [jnp.ones(2)])
    assert not lending.needs_own_scope([v])


def test_the_same_values_keep_their_token_and_others_get_a_new_one():
    v = Variable(jnp.ones(2))
    trace_tokens.mark_read_deeply(v)
    first, second = jnp.ones(2), jnp.zeros(2)
    token = trace_tokens.choose_token([v], [first])
    assert trace_tokens.choose_token([v], [first]) == token
    assert trace_tokens.choose_token([v], [second]) != token
    assert trace_tokens.choose_token([v], [first]) != token, "an old trace must not come back"


def test_values_that_are_no_longer_held_elsewhere_are_not_kept_alive():
    v = Variable(jnp.ones(2))
    trace_tokens.mark_read_deeply(v)
    token = trace_tokens.choose_token([v], [jnp.full((2,), 3.0)])
    assert trace_tokens.choose_token([v], [jnp.full((2,), 3.0)]) != token
    scalar = np.float32(1)  # takes no weak reference
    assert trace_tokens.choose_token([v], [scalar]) == trace_tokens.choose_token([v], [scalar])


def test_staged_values_always_get_a_fresh_token():
    v = Variable(jnp.ones(2))
    tokens = []

    def run(value):
        tokens.append(trace_tokens.choose_token([v], [value]))
        tokens.append(trace_tokens.choose_token([v], [value]))
        return value

    jax.jit(run)(jnp.ones(2))
    assert None not in tokens and len(set(tokens)) == 2


def test_tracers_of_an_eager_gradient_need_a_token_only_after_a_deep_read():
    v = Variable(jnp.ones(2))
    tokens = []

    def run(value):
        tokens.append(trace_tokens.choose_token([v], [value]))
        return value.sum()

    jax.grad(run)(jnp.ones(2))
    trace_tokens.mark_read_deeply(v)
    jax.grad(run)(jnp.ones(2))
    assert tokens[0] is None and tokens[1] is not None


def test_a_kept_function_is_traced_once_for_the_same_values():
    kept, traces = Kept(), []

    @jax.jit
    def counting(x):
        traces.append(1)
        return x * kept.v

    value, other = jnp.full((2,), 2.0), jnp.full((2,), 3.0)
    kept.lend(value, counting)  # the first deep read is met here
    for _ in range(3):
        kept.lend(value, counting)
    once_marked = len(traces)
    kept.lend(other, counting)
    assert once_marked <= 2 and len(traces) == once_marked + 1
