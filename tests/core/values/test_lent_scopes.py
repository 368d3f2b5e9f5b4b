import jax
import jax.numpy as jnp
import pytest

from fkeras import Variable
from fkeras.core.values import lending, stand_ins
from fkeras.core.values.lent_scopes import AbstractScope, OpenScope, Scope


def test_a_scope_answers_for_its_variables_alone():
    v, other = Variable(1.0), Variable(2.0)
    scope = Scope([v], [jnp.asarray(5.0)])
    assert scope.has(v) and not scope.has(other)
    scope.write(v, jnp.asarray(6.0))
    assert float(scope.read(v)) == 6 and [float(x) for x in scope.collect()] == [6]


def test_there_is_one_value_for_each_variable():
    with pytest.raises(ValueError, match="shorter"):
        Scope([Variable(1.0)], [])


def test_an_open_scope_keeps_what_is_written_to_others():
    v = Variable(1.0)
    scope = OpenScope([], [])
    scope.write(v, 2.0)
    scope.write(v, 3.0)
    assert scope.collect() == [3.0] and scope.variables == [v]


def test_an_abstract_scope_reads_zeros_values_and_what_was_written():
    drawn = []
    lazy = Variable(lambda shape, dtype: drawn.append(1) or jnp.ones(shape), shape=(2,))
    held, plain = Variable(jnp.zeros(2)), Variable(jnp.full(2, 4.0))
    bring = lambda: stand_ins.put_value(held, jnp.full(2, 9.0))
    stand_ins.put_value(held, stand_ins.HeldByLoop(bring))
    scope = AbstractScope()
    assert [scope.read(v).tolist() for v in (lazy, held, plain)] == [[0, 0], [9, 9], [4, 4]]
    scope.write(plain, jnp.ones(2))
    assert scope.read(plain).tolist() == [1, 1] and not drawn


def test_an_abstract_scope_leaves_the_arguments_of_an_inner_trace_alone():
    v = Variable(jnp.ones(2))

    def inner(value):
        copied = object.__new__(type(v))  # as JAX copies a Variable that is an argument
        stand_ins.put_value(copied, value)
        return AbstractScope().has(copied), lending.scope_of(copied)

    seen = []
    jax.jit(lambda value: seen.append(inner(value)) or value)(jnp.ones(2))
    assert seen == [(False, None)]
