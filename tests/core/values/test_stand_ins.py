import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import Variable
from fkeras.core.values import stand_ins


def held(value=1.0):
    """A Variable whose value a loop holds, and the list of times it was asked for."""
    v, asked = Variable(jnp.full((2,), value), name="w"), []

    def bring():
        asked.append(1)
        stand_ins.put_value(v, jnp.full((2,), 9.0))

    stand_ins.put_value(v, stand_ins.HeldByLoop(bring))
    return v, asked


@pytest.mark.parametrize(
    "read",
    [lambda v: v.value, lambda v: v.numpy(), lambda v: v + 0, stand_ins.own_value, jnp.asarray],
)
def test_any_read_brings_the_loops_value_back_once(read):
    v, asked = held()
    assert read(v).tolist() == read(v).tolist() == [9, 9] and asked == [1]


def test_a_write_brings_the_others_back_first_and_then_stays():
    v, asked = held()
    v.assign(jnp.zeros(2))
    assert asked == [1] and v.numpy().tolist() == [0, 0]


def test_to_print_a_held_variable_brings_nothing_back():
    v, asked = held()
    assert repr(v) == "<Variable path=w, shape=(2,), dtype=float32>" and not asked


def test_a_private_value_is_what_stands_there():
    v, asked = held()
    assert isinstance(stand_ins.private_value(v), stand_ins.HeldByLoop) and not asked
    stand_ins.put_value(v, jnp.ones(2))
    assert stand_ins.private_value(v).tolist() == [1, 1]
    assert stand_ins.private_value(object.__new__(type(v))) is None, "an empty slot"


def test_a_value_that_is_not_drawn_yet_is_drawn_past_open_traces():
    v = Variable(lambda shape, dtype: jnp.full(shape, 2.0, dtype), shape=(2,))
    content = stand_ins.private_value(v)
    assert (content.shape, content.dtype) == ((2,), "float32")
    jax.jit(lambda x: stand_ins.own_value(v) * x)(1.0)
    assert stand_ins.private_value(v).tolist() == [2, 2]


def test_which_contents_are_no_values():
    yet = stand_ins.NotDrawnYet((1,), "float32", lambda: None)
    assert stand_ins.is_stand_in(yet) and stand_ins.is_stand_in(stand_ins.HeldByLoop(None))
    assert not stand_ins.is_stand_in(None) and not stand_ins.is_stand_in(jnp.ones(1))


def test_values_of_several_variables_are_those_of_one_moment():
    """While they are read, the loop cannot go on."""
    variables = [Variable(np.zeros(1)) for _ in range(2)]
    lock = threading.RLock()

    def bring():
        for variable in variables:
            stand_ins.put_value(variable, np.ones(1))

    held = stand_ins.HeldByLoop(bring, lock)
    for variable in variables:
        stand_ins.put_value(variable, held)
    with stand_ins.held_still(variables):
        taken = []
        thread = threading.Thread(target=lambda: taken.append(lock.acquire(blocking=False)))
        thread.start()
        thread.join()
        assert taken == [False]
        assert [stand_ins.own_value(v).tolist() for v in variables] == [[1], [1]]
    assert lock.acquire(blocking=False)
    assert stand_ins.own_values([variables, []]) == ([np.ones(1)] * 2, [])


def test_a_reader_inside_of_the_step_that_it_waits_for_is_told(monkeypatch):
    monkeypatch.setattr(stand_ins, "_PATIENCE", 0.01)
    lock = threading.Lock()
    lock.acquire()
    variable = Variable(np.zeros(1))
    stand_ins.put_value(variable, stand_ins.HeldByLoop(lambda: None, lock))
    with pytest.raises(RuntimeError, match="has not come back.*host callback"):
        stand_ins.own_value(variable)
    stand_ins.put_value(variable, np.zeros(1))
