import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import Variable
from fkeras.core.values import lending, stand_ins
from fkeras.errors import PureCallError, UserInputError


def variable(value=1.0, **kwargs):
    return Variable(jnp.full((2,), value), **kwargs)


def test_a_call_reads_what_it_was_lent_and_returns_what_was_written():
    v = variable(name="v")

    def double():
        v.assign(v * 2)
        return v.value.sum()

    total, (after,) = lending.call(double, [v], [jnp.full((2,), 3.0)])
    assert float(total) == 12 and after.tolist() == [6, 6]
    assert v.numpy().tolist() == [1, 1], "the object's own value must not change"


def test_lending_nests_and_the_innermost_wins():
    v = variable()
    inner = lambda: lending.call(lambda: v.value, [v], [jnp.full((2,), 5.0)])[0]
    outer, _ = lending.call(lambda: (inner(), v.value), [v], [jnp.full((2,), 4.0)])
    assert outer[0].tolist() == [5, 5] and outer[1].tolist() == [4, 4]


def test_a_write_from_an_inner_scan_is_an_error_that_names_the_state():
    v = variable(name="moving", trainable=False)

    def body(carry, x):
        v.assign(v + x)
        return carry, x

    def run(value):
        return lending.call(lambda: jax.lax.scan(body, 0.0, jnp.ones((3, 2)))[1], [v], [value])

    with pytest.raises(PureCallError, match="'moving' is written inside an inner scan"):
        jax.jit(run)(jnp.ones(2))


def test_writing_a_tracer_into_an_unlent_variable_is_an_error():
    v = variable(name="count")
    with pytest.raises(PureCallError, match="'count' would be written inside a JAX transformation"):
        jax.jit(lambda x: v.assign(x))(jnp.ones(2))


def test_a_strict_call_refuses_trainable_variables_that_it_was_not_given():
    v, frozen = variable(name="kernel"), variable(name="frozen", trainable=False)
    with pytest.raises(PureCallError, match="'kernel', which is not among the variables"):
        lending.call(lambda: v.value, [], [], strict=True)
    assert lending.call(lambda: frozen.value, [], [], strict=True)[0].tolist() == [1, 1]


def test_an_abstract_call_draws_nothing_and_keeps_nothing():
    drawn = []
    lazy = Variable(
        lambda shape, dtype: drawn.append(1) or jnp.ones(shape, dtype), shape=(3,), name="lazy"
    )
    kept = variable()

    def run(x):
        kept.assign(kept + 1)
        return x + lazy

    assert jax.eval_shape(lambda x: lending.call_abstractly(run, x), jnp.ones(3)).shape == (3,)
    assert not drawn and kept.numpy().tolist() == [1, 1]
    assert lazy.numpy().tolist() == [1, 1, 1] and drawn == [1]


def test_stand_ins_are_brought_back_by_the_first_read():
    v = variable()
    asked = []

    def bring():
        asked.append(1)
        stand_ins.put_value(v, jnp.full((2,), 9.0))

    stand_ins.put_value(v, stand_ins.HeldByLoop(bring))
    assert v.numpy().tolist() == [9, 9] and asked == [1]


def test_autocast_changes_what_is_read_and_not_what_is_kept():
    v, plain = variable(), variable(autocast=False)
    with lending.autocast("bfloat16"):
        assert (
            v.value.dtype == jnp.bfloat16
            and plain.value.dtype == jnp.float32
            and v.dtype == "bfloat16"
        )
        v.assign(jnp.full((2,), 1 / 3))
    assert v.numpy().dtype == np.float32 and v.numpy()[0] == np.float32(1 / 3)


def test_eager_gradients_through_a_call_compile_nothing_after_the_first(compilations):
    v = variable()

    def loss(value):
        return (lending.call(lambda: jnp.tanh(v * 2), [v], [value])[0] ** 2).sum()

    first, second = jnp.ones(2), jnp.full((2,), 3.0)
    for value in (first, second):
        jax.grad(loss)(value)
    with compilations() as compiled:
        jax.grad(loss)(first)
    assert not compiled


def test_variables_copy_and_pickle_with_their_names():
    v = variable(2.0, name="w")
    for made in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (
            made is not v
            and made.name == "w"
            and made.path == "w"
            and made.numpy().tolist() == [2, 2]
        )


def test_copying_a_lent_variable_is_an_error():
    v = variable()
    with pytest.raises(UserInputError, match="inside a pure call"):
        lending.call(lambda: copy.deepcopy(v), [v], [jnp.ones(2)])


def test_assigning_another_shape_names_both():
    with pytest.raises(
        UserInputError, match=r"variable.shape=\(2,\), Received: value.shape=\(3,\)"
    ):
        variable().assign(jnp.ones(3))
