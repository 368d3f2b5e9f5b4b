"""Dense: ranks, dtypes, sizes, weights that add to the loss, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 3), (2, 4, 5, 3), (1, 2, 3, 2, 3), (0, 3)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_last_axis_is_multiplied_at_any_rank(shape, use_bias):
    layer = layers.Dense(4, use_bias=use_bias, bias_initializer="ones")
    x = normal(*shape)
    y = layer(x)
    np.testing.assert_allclose(y, x @ layer.kernel.numpy() + use_bias, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(shape) == y.shape
    assert (layer.bias is None) is not use_bias


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "bool"])
def test_integers_are_multiplied_as_floats(dtype):
    x = np.array([[1, 0, 3]]).astype(dtype)
    y = layers.Dense(2, kernel_initializer="ones")(x)
    assert y.dtype == jnp.float32
    np.testing.assert_array_equal(y, np.full((1, 2), x.astype("float32").sum()))


@pytest.mark.parametrize(
    ("policy", "compute", "variable"),
    [
        ("float16", "float16", "float16"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("mixed_float16", "float16", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
    ],
)
def test_policies_say_what_is_computed_in_and_what_is_kept(policy, compute, variable):
    layer = layers.Dense(2, dtype=policy)
    assert layer(normal(3, 4)).dtype == jnp.dtype(compute)
    assert {w.dtype for w in layer.weights} == {variable}
    gradient = jax.grad(
        lambda params: layer.apply({"params": params}, normal(3, 4))[0].astype("float32").sum()
    )(layer.init(jax.random.key(0), (3, 4))["params"])
    assert gradient["kernel"].dtype == jnp.dtype(variable)


def test_free_sizes_stay_free_but_not_the_last():
    layer = layers.Dense(4)
    assert layer(fkeras.KerasTensor((None, None, 3))).shape == (None, None, 4)
    assert layer.compute_output_shape((None, 7, 3)) == (None, 7, 4)
    with pytest.raises(ValueError, match="fully-defined"):
        layers.Dense(4)(fkeras.KerasTensor((None, None)))


def test_another_last_axis_than_it_was_built_for_is_an_error():
    layer = layers.Dense(4, name="head")
    layer.build((None, 3))
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
        layer(normal(2, 5))
    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1"):
        layer(normal(3))


def test_regularizers_and_constraints_work_on_the_weights():
    layer = layers.Dense(
        2,
        kernel_initializer="ones",
        bias_initializer="ones",
        kernel_regularizer=fkeras.regularizers.L1(0.5),
        bias_regularizer=fkeras.regularizers.L2(0.25),
        activity_regularizer=fkeras.regularizers.L1(0.1),
        kernel_constraint="non_neg",
    )
    y = layer(np.ones((4, 3), "float32"))
    # 6 ones of the kernel, 2 of the bias, 8 outputs of 4 in a batch of 4
    assert sorted(float(loss) for loss in layer.losses) == pytest.approx([0.5, 0.8, 3.0])
    np.testing.assert_array_equal(y, np.full((4, 2), 4))
    assert layer.kernel.constraint is layer.kernel_constraint


def test_sparse_inputs_give_what_dense_ones_give():
    layer = layers.Dense(3)
    x = np.array([[0, 2, 0, 0], [1, 0, 0, 3]], "float32")
    np.testing.assert_allclose(layer(sparse.BCOO.fromdense(x)), layer(x), rtol=1e-6)


def test_one_example_by_vmap_is_a_row_of_the_batch():
    layer = layers.Dense(3, activation="tanh")
    variables = layer.init(jax.random.key(0), (1, 4))
    x = normal(5, 4)
    batch = layer.apply(variables, x)[0]
    rows = jax.vmap(lambda row: layer.apply(variables, row[None])[0][0])(x)
    np.testing.assert_allclose(rows, batch, rtol=1e-6, atol=1e-6)
