"""Who holds the values while a loop runs."""

import weakref

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.errors import StateLostError
from fkeras.training import loan as loan_module
from fkeras.training.loan import Loan


@pytest.fixture
def variable():
    return fkeras.Variable(jnp.arange(3.0))


def test_the_loop_has_copies_and_the_caller_keeps_what_was_there(variable):
    before = variable.value
    loan = Loan(([variable], []))
    (held,), empty = loan.take_over()
    assert held is before and empty == []
    assert loan.values[0][0] is not before
    np.testing.assert_array_equal(loan.values[0][0], before)
    loan.finish()


def test_a_reader_gets_the_loops_values_which_are_then_never_donated(variable):
    loan = Loan(([variable],))
    loan.take_over()
    loan.values = ([jnp.full(3, 7.0)],)
    first = loan.values_to_donate()
    assert first is loan.values  # not read: they may be consumed
    read = variable.value
    np.testing.assert_array_equal(read, [7, 7, 7])
    donated = loan.values_to_donate()
    assert donated[0][0] is not read
    donated[0][0].delete()
    np.testing.assert_array_equal(read, [7, 7, 7])


def test_what_is_written_during_the_loan_is_taken_up(variable):
    loan = Loan(([variable],))
    loan.take_over()
    loan.values = ([jnp.full(3, 7.0)],)
    variable.assign([1.0, 2.0, 3.0])
    assert variable.value.tolist() == [1, 2, 3]


def test_the_variables_have_the_last_values_at_the_end(variable):
    loan = Loan(([variable],))
    loan.take_over()
    loan.values = ([jnp.full(3, 5.0)],)
    loan.finish()
    assert variable.value.tolist() == [5, 5, 5] and loan.values is None
    loan.finish()  # once more changes nothing
    assert variable.value.tolist() == [5, 5, 5]


def test_a_read_while_a_call_is_traced_leaves_no_consumed_array(variable):
    loan = Loan(([variable],))
    loan.take_over()
    donated = loan.values_to_donate()
    np.testing.assert_array_equal(variable.value, [0, 1, 2])  # as tracing may read it
    donated[0][0].delete()
    loan.values = ([jnp.full(3, 7.0)],)
    np.testing.assert_array_equal(variable.value, [7, 7, 7])
    loan.finish()
    np.testing.assert_array_equal(variable.value, [7, 7, 7])


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(loan_module, "LARGE_STATE", 100)


def test_of_a_large_state_each_original_goes_before_the_next_copy_is_made(large, monkeypatch):
    variables = [fkeras.Variable(jnp.full(10, float(i))) for i in range(4)]
    originals = [weakref.ref(v.value) for v in variables]
    alive = []
    real = loan_module.jax.device_put

    def counting(value, **options):
        alive.append(sum(original() is not None for original in originals))
        return real(value, **options)

    monkeypatch.setattr(loan_module.jax, "device_put", counting)
    monkeypatch.setattr(loan_module, "copy_tree", lambda tree: pytest.fail("all at once"))
    loan = Loan((variables[:1], variables[1:]))
    assert loan.take_over() is None and loan.is_large()
    assert alive == [4, 3, 2, 1]
    assert all(original() is None for original in originals)
    loan.finish()
    assert [v.value[0].item() for v in variables] == [0, 1, 2, 3]


def test_a_large_state_that_is_held_elsewhere_is_copied_all_the_same(large):
    variable = fkeras.Variable(jnp.arange(30.0))
    held = variable.value
    loan = Loan(([variable],))
    loan.take_over()
    loan.values[0][0].delete()
    np.testing.assert_array_equal(held, np.arange(30))


def test_copies_of_a_large_state_that_fail_leave_the_variables_readable(large, monkeypatch):
    variables = [fkeras.Variable(jnp.full(20, float(i))) for i in range(3)]
    real, calls = loan_module.jax.device_put, []

    def failing(value, **options):
        calls.append(value)
        if len(calls) == 3:
            raise MemoryError("full")
        return real(value, **options)

    monkeypatch.setattr(loan_module.jax, "device_put", failing)
    with pytest.raises(MemoryError, match="full"):
        Loan((variables,)).take_over()
    assert [v.value[0].item() for v in variables] == [0, 1, 2]


def test_consumed_is_between_a_call_and_its_results(variable):
    loan = Loan(([variable],))
    assert not loan.is_consumed()
    loan.take_over()
    assert not loan.is_consumed()
    loan.values[0][0].delete()
    assert loan.is_consumed()
    loan.values = ([jnp.ones(3)],)
    assert not loan.is_consumed()


def test_lost_values_say_so_to_readers_and_can_be_assigned(variable):
    loan = Loan(([variable],))
    loan.take_over()
    loan.values[0][0].delete()
    loan.lose("it is gone")
    loan.finish()
    assert variable.shape == (3,) and variable.dtype == "float32"
    with pytest.raises(StateLostError, match="it is gone"):
        variable.numpy()
    variable.assign([1.0, 2.0, 3.0])
    assert variable.numpy().tolist() == [1, 2, 3]
