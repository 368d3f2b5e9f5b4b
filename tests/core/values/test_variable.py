import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import fkeras
from fkeras import Variable
from fkeras.core.values import stand_ins
from fkeras.core.values.variable import on_creation
from fkeras.errors import UserInputError, UserTypeError


def test_a_trainable_variable_is_an_nnx_param_and_state_is_not():
    assert isinstance(Variable(1.0), nnx.Param)
    assert not isinstance(Variable(1.0, trainable=False), nnx.Param)
    assert not isinstance(Variable(1.0, None, None, False), nnx.Param)


def test_a_value_is_drawn_once_and_when_first_needed():
    drawn = []

    def initializer(shape, dtype):
        drawn.append((shape, dtype))
        return jnp.full(shape, 7.0, dtype)

    v = Variable(initializer, shape=(2,), dtype="float16", name="lazy")
    assert "value=" not in repr(v) and not drawn, "to print a Variable must not draw it"
    assert v.numpy().tolist() == [7, 7] and float(v[0]) == 7
    assert drawn == [((2,), "float16")]


def test_what_is_drawn_inside_a_trace_is_a_value_and_not_a_tracer():
    v = Variable("ones", shape=(2,))
    assert jax.jit(lambda x: x + v)(jnp.ones(2)).tolist() == [2, 2]
    assert not isinstance(stand_ins.private_value(v), jax.core.Tracer)
    assert v.numpy().tolist() == [1, 1]


def test_assignment_casts_and_returns_what_is_kept():
    v = Variable(np.zeros(2, np.float16))
    new = v.assign([1, 2.5])
    assert new is v.value and new.dtype == np.float16
    assert v.assign_add(np.ones(2)).tolist() == [2, 3.5]
    assert v.assign_sub(Variable([1.0, 1.0])).tolist() == [1, 2.5]
    v.value = 2 * v
    assert v.numpy().tolist() == [2, 5]


@pytest.mark.parametrize("value", [np.ones(3), 1.0, np.ones((2, 1))])
def test_another_shape_is_never_broadcast_into_a_variable(value):
    v = Variable(np.zeros(2), name="moving")
    with pytest.raises(UserInputError, match=r"must match. variable.shape=\(2,\).*moving"):
        v.assign(value)
    assert v.numpy().tolist() == [0, 0]


def test_operators_numpy_and_jax_take_it_as_an_array():
    v = Variable(np.array([1.0, -2.0], np.float32))
    assert (v + 1).tolist() == [2, -1] and (2 - v).tolist() == [1, 4] and (-v).tolist() == [-1, 2]
    assert (v @ v) == 5 and abs(v).tolist() == [1, 2] and (v**2).tolist() == [1, 4]
    assert (v > 0).tolist() == [True, False] == (0 < v).tolist() == (v >= 1).tolist()
    assert (v < v).tolist() == [False, False] and (v <= v).all()
    assert np.sum(v) == -1 and jnp.max(v) == 1 and np.asarray(v, np.int32).tolist() == [1, -2]
    assert fkeras.ops.relu(v).tolist() == [1, 0]


def test_an_operator_in_place_makes_a_new_value_of_the_name():
    v = x = Variable([1.0, 2.0])
    x += 1
    x *= 2
    assert x.tolist() == [4, 6] and v.numpy().tolist() == [1, 2]
    y = v
    y @= v
    assert float(y) == 5


def test_operators_take_lists_as_in_keras(keras):
    own, other = (
        module.Variable(np.array([[1.0, 2.0], [3.0, 5.0]], "float32")) for module in (fkeras, keras)
    )
    cases = [
        lambda v: v + [1.0, 2.0],
        lambda v: [1, 2] - v,
        lambda v: v * (2, 3),
        lambda v: [[6.0], [15.0]] / v,
        lambda v: v // [2.0, 2.0],
        lambda v: v ** [2, 3],
        lambda v: [[1.0, 2.0]] @ v,
        lambda v: v @ [1.0, 2.0],
    ]
    for case in cases:
        np.testing.assert_allclose(np.asarray(case(own)), np.asarray(case(other)), rtol=1e-6)
    assert (own == [1.0, 5.0]).tolist() == [[True, False], [False, True]]
    assert jax.grad(lambda x: ([[1.0, 2.0]] @ Variable(x)).sum())(jnp.ones((2, 1))).tolist() == [
        [1.0],
        [2.0],
    ]


def test_scalars_convert_to_python():
    v = Variable(3, trainable=False)
    assert (float(v), int(v), bool(v)) == (3.0, 3, True)
    assert [10, 11, 12, 13][v] == 13


def test_it_compares_by_elements_and_is_found_by_identity():
    v, w = Variable([1.0, 2.0]), Variable([1.0, 3.0])
    assert (v == w).tolist() == [True, False] and (v != w).tolist() == [False, True]
    assert (v == np.array([0.0, 2.0])).tolist() == [False, True]
    assert {v: "v", w: "w"}[v] == "v" and len({v, v, w}) == 2


@pytest.mark.parametrize("trainable", [True, False])
def test_copies_and_pickles_keep_everything_but_share_nothing(trainable):
    v = Variable([1.0, 2.0], name="w", trainable=trainable, autocast=False, regularizer=abs)
    for copied in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert type(copied) is type(v) and copied.path == "w" and not copied.autocast
        assert copied.regularizer is abs
        copied.assign([5.0, 5.0])
        copied.trainable = not trainable
    assert v.numpy().tolist() == [1, 2] and v.trainable is trainable


def test_a_structure_that_holds_it_twice_holds_one_copy_twice():
    v = Variable(1.0)
    first, second = copy.deepcopy([v, v])
    assert first is second and first is not v


def test_nnx_sees_its_value_and_gives_it_back():
    v = Variable([1.0, 2.0])
    _, state = nnx.split(v)
    assert jax.tree.leaves(state)[0].tolist() == [1, 2]
    nnx.update(v, jax.tree.map(lambda x: x * 10, state))
    assert v.numpy().tolist() == [10, 20]


def test_the_innermost_listener_is_told_of_new_variables():
    outer, inner = [], []
    with on_creation(outer.append):
        a = Variable(1.0)
        with on_creation(inner.append):
            b = Variable(2.0)
    Variable(3.0)
    assert outer == [a] and inner == [b]


def test_a_type_error_where_a_regularizer_is_wrong_stays_a_value_error():
    assert issubclass(UserTypeError, ValueError) and issubclass(UserTypeError, TypeError)
