import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

X = KerasTensor((None, 3))


def test_a_symbolic_tensor_says_what_it_is():
    x = KerasTensor([None, 3], dtype="int8", sparse=True, name="x")
    assert (x.shape, x.dtype, x.ndim, x.rank, x.sparse, x.ragged) == (
        (None, 3),
        "int8",
        2,
        2,
        True,
        False,
    )
    assert repr(x) == "<KerasTensor shape=(None, 3), dtype=int8, sparse=True, name=x>"
    assert KerasTensor(()).name.startswith("keras_tensor")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KerasTensor(3), "`shape` must be a tuple or list"),
        (lambda: KerasTensor((3,), colour=1), r"unexpected arguments \['colour'\]"),
    ],
)
def test_arguments_that_cannot_be_right(make, message):
    with pytest.raises(UserTypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (len, TypeError, "has no length"),
        (list, TypeError, "Cannot iterate"),
        (bool, TypeError, "no truth value. Use `fkeras.ops.cond`"),
        (np.asarray, UserInputError, "NumPy cannot compute with it"),
        (jnp.sin, UserInputError, "a jax.numpy function cannot compute with it"),
        (lambda x: setattr(x, "shape", (1,)), AttributeError, "cannot be changed"),
        (lambda x: x.nothing, AttributeError, "has no attribute 'nothing'"),
    ],
)
def test_what_needs_values_is_an_error_that_says_what_to_do(use, error, message):
    with pytest.raises(error, match=message):
        use(X)


@pytest.mark.parametrize(
    "op",
    ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne"],
)
def test_operators_record_on_both_sides(op):
    function = getattr(operator, op)
    concrete = function(np.ones((2, 3), np.float32), 2.0)
    row = np.ones(3, np.float32)
    for result in (function(X, 2.0), function(2.0, X), function(X, row), function(row, X)):
        assert result.shape == (None, 3) and result.dtype == concrete.dtype
        assert result._keras_history is not None


@pytest.mark.parametrize("op", ["add", "sub", "mul", "truediv", "pow", "lt", "ge", "eq", "ne"])
@pytest.mark.parametrize("make", [jnp.ones, lambda n: fkeras.Variable(jnp.ones(n))])
def test_arrays_of_jax_and_variables_on_the_left_are_operands(op, make):
    result = getattr(operator, op)(make(3), X)
    assert result.shape == (None, 3) and result._keras_history is not None


def test_a_variable_on_the_left_is_read_when_the_graph_runs():
    x, variable = fkeras.Input((1,)), fkeras.Variable(1.0, trainable=False)
    run = fkeras.Function([x], [variable - x, variable > x])
    assert [value.item() for value in run([jnp.full((1, 1), 3.0)])] == [-2.0, False]
    variable.assign(5.0)
    assert [value.item() for value in run([jnp.full((1, 1), 3.0)])] == [2.0, True]


def test_a_value_of_a_trace_on_the_left_is_none():
    with pytest.raises(UserInputError, match="is symbolic"):
        jax.eval_shape(lambda y: (y + X).shape, jnp.ones(3))


@pytest.mark.parametrize("op", ["and_", "or_", "xor", "invert"])
def test_bit_operators_work_on_integers(op):
    x = KerasTensor((2,), dtype="int32")
    arguments = (x,) if op == "invert" else (x, 1)
    assert getattr(operator, op)(*arguments).dtype == "int32"


def test_unary_operators_products_and_indices():
    assert (-X).shape == (+X).shape == abs(X).shape == round(X, 1).shape == (None, 3)
    assert (X @ np.ones((3, 4), np.float32)).shape == (None, 4)
    assert X[:, 0].shape == (None,) and X[..., None].shape == (None, 3, 1)


def test_methods_of_arrays():
    assert X.T.shape == (3, None)
    assert X.reshape((-1, 1)).shape == X.reshape(-1, 1).shape == (None, 1)
    assert KerasTensor((None, 1)).squeeze(1).shape == (None,)


def test_operators_are_seen_by_tools():
    assert {"__add__", "__rmatmul__", "__getitem__"} <= set(vars(KerasTensor))


def test_a_symbolic_tensor_is_found_by_identity():
    other = KerasTensor((None, 3))
    assert {X: 1, other: 2}[X] == 1 and {X: 1, other: 2}[other] == 2


def test_a_list_tells_whether_it_holds_a_tensor():
    x, y = KerasTensor((None, 3)), KerasTensor((None, 3))
    assert x in [y, x] and [y, x].index(x) == 1
    assert x not in [y]
    assert (x == y).shape == (None, 3)
    with pytest.raises(UserTypeError, match="has no truth value"):
        bool(x == 0)
