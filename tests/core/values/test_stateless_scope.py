import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import StatelessScope, SymbolicScope, Variable
from fkeras.errors import UserInputError


def test_mapped_variables_read_the_mapping_and_others_their_own():
    a, b = Variable(1.0), Variable(2.0)
    with StatelessScope(state_mapping=[(a, jnp.asarray(10.0))]) as scope:
        assert float(a) == 10 and float(b) == 2
        assert scope.get_current_value(b) is None
    assert float(a) == 1


def test_nothing_that_is_written_reaches_the_variables():
    a, b = Variable(1.0), Variable(2.0)
    with StatelessScope([(a, jnp.asarray(10.0))]) as scope:
        a.assign_add(1.0)
        b.assign(5.0)
        assert float(a) == 11 and float(b) == 5
    assert float(scope.get_current_value(a)) == 11 and float(scope.get_current_value(b)) == 5
    assert {key: float(x) for key, x in scope.state_mapping.items()} == {id(a): 11, id(b): 5}
    assert float(a) == 1 and float(b) == 2


def test_updates_and_losses_are_collected():
    v = Variable(0.0)
    with StatelessScope(collect_losses=True) as scope:
        scope.add_update((v, jnp.asarray(3.0)))
        scope.add_loss(0.5)
        assert float(v) == 3
    assert scope.losses == [0.5] and float(v) == 0


def test_a_scope_works_inside_jit_and_grad():
    v = Variable(jnp.ones(2))

    @jax.jit
    def loss(value):
        with StatelessScope([(v, value)]):
            return (v * v).sum()

    np.testing.assert_allclose(jax.grad(loss)(jnp.array([2.0, 3.0])), [4, 6])
    assert v.numpy().tolist() == [1, 1]


def test_a_scope_can_be_entered_twice_and_starts_anew():
    v = Variable(0.0)
    scope = StatelessScope([(v, jnp.asarray(1.0))])
    for _ in range(2):
        with scope:
            v.assign_add(1.0)
        assert float(scope.get_current_value(v)) == 2


def test_a_variable_without_a_value_is_drawn_for_good():
    v = Variable("ones", shape=(2,))
    with StatelessScope():
        assert v.value.tolist() == [1, 1]
    assert v.numpy().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ([("v", jnp.ones(()))], "all keys in argument `mapping` must be Variable instances"),
        ([(Variable(np.ones(2)), jnp.ones(3))], r"expected \(2,\), received \(3,\)"),
    ],
)
def test_a_mapping_that_cannot_be_right_is_an_error(mapping, message):
    with pytest.raises(UserInputError, match=message):
        StatelessScope(mapping)


def test_results_are_those_of_keras(keras):
    def run(module):
        v = module.Variable(np.array([1.0, 2.0], "float32"))
        with module.StatelessScope(state_mapping=[(v, module.ops.ones(2))]) as scope:
            v.assign(v * 3)
        return np.asarray(scope.get_current_value(v)), np.asarray(v.value)

    for ours, theirs in zip(run(fkeras), run(keras)):
        np.testing.assert_array_equal(ours, theirs)


def test_a_symbolic_scope_draws_nothing_and_keeps_nothing():
    drawn = []
    lazy = Variable(lambda shape, dtype: drawn.append(1) or jnp.ones(shape), shape=(2,))
    count = Variable(0.0)
    with SymbolicScope():
        assert jax.eval_shape(lambda: lazy + 1).shape == (2,)
        count.assign_add(1.0)
    assert not drawn and float(count) == 0
