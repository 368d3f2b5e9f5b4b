import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

import fkeras
from fkeras import KerasTensor, Variable
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError


@op
def scale(x, factor=2.0, *, others=()):
    """Scales."""
    return jax.lax.mul(x, jnp.asarray(factor, x.dtype)) + sum(others)


def test_an_op_on_arrays_is_the_function():
    assert scale(jnp.ones(2)).tolist() == [2, 2]
    assert scale.__name__ == "scale" and scale.__doc__ == "Scales."
    assert list(inspect.signature(scale).parameters) == ["x", "factor", "others"]


def test_variables_are_read_wherever_they_stand():
    v = Variable(np.array([1.0, 2.0]))
    assert scale(v).tolist() == [2, 4]  # jax.lax takes no Variable
    assert scale(jnp.ones(2), factor=3.0, others=[v, (v,)][:1]).tolist() == [4, 5]
    assert jax.jit(lambda x: scale(x, others=[v]))(jnp.ones(2)).tolist() == [3, 4]


def test_on_symbolic_tensors_it_is_recorded():
    x = KerasTensor((None, 3))
    y = scale(x, factor=3.0)
    operation, node_index, tensor_index = y._keras_history
    node = operation._inbound_nodes[node_index]
    assert (y.shape, tensor_index) == ((None, 3), 0)
    assert node.args == (x,) and node.kwargs == {"factor": 3.0} and node.input_tensors == [x]
    assert operation(jnp.ones(1)).tolist() == [2] and "scale" in repr(operation)
    assert scale.compute_output_spec(x).shape == (None, 3)


def test_a_spec_tells_the_shape_where_evaluation_cannot():
    counted = op(lambda x: x[x > 0], spec=lambda x: KerasTensor((None,), dtype=x.dtype))
    assert counted(KerasTensor((5,))).shape == (None,)
    assert counted.compute_output_spec(KerasTensor((5,))).shape == (None,)
    assert counted(jnp.array([1.0, -1.0])).tolist() == [1]


def test_sparse_arguments_are_made_dense_or_computed_sparsely():
    x = sparse.BCOO.fromdense(jnp.array([[1.0, 0.0]]))
    assert scale(x).tolist() == [[2, 0]]
    kept = op(lambda x: x * 2, sparse=lambda fn, x: "sparse")
    assert kept(x) == "sparse" and kept(jnp.ones(1)).tolist() == [2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fkeras.ops.add(jnp.ones((2, 3)), jnp.ones((2, 4))),
            UserInputError,
            r"add: shapes \(2, 3\) .* and \(2, 4\) .* do not fit together at axis -1: 3 against 4",
        ),
        (
            lambda: fkeras.ops.concatenate([jnp.ones((2, 3)), jnp.ones((3, 4))], 1),
            UserInputError,
            r"concatenate: shapes must be equal except along axis=1",
        ),
        (
            lambda: scale(KerasTensor((None, 2)), factor=KerasTensor((3,))),
            UserInputError,
            "scale",
        ),
        (lambda: scale(), UserTypeError, r"scale: .*missing 1 required positional"),
        (lambda: scale(jnp.ones(1), colour=1), UserTypeError, r"(?s)scale: .*colour=1"),
    ],
)
def test_errors_name_the_op_and_what_it_was_given(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_unknown_dimensions_are_told_where_they_were_tried():
    product = op(lambda x, y: jax.lax.dot(x, y))
    with pytest.raises(UserInputError, match=r"Unknown dimensions \(None\) were tried as 840"):
        product(KerasTensor((None, 3)), KerasTensor((4, 5)))


def test_errors_of_the_users_own_functions_pass_as_they_are():
    def fails(x):
        raise KeyError("mine")

    def wrong(x):
        raise ValueError("mine")

    with pytest.raises(KeyError):
        op(fails)(1)
    with pytest.raises(ValueError, match="^mine$"):
        op(wrong, explained=False)(1)
    with pytest.raises(UserInputError, match="wrong: mine"):
        op(wrong)(1)


def test_jaxs_own_errors_about_tracers_are_left_alone():
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(op(lambda x: x if x > 0 else -x))(1.0)
