"""Who holds the values while a loop runs."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
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
