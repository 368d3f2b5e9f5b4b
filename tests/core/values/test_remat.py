import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values import remat
from fkeras.errors import UserInputError


def remat_count(layer, x):
    """How many rematerialised calls stand in the layer's program."""
    variables = layer.init(jax.random.key(0), x)
    program = jax.make_jaxpr(lambda v: layer.apply(v, x)[0])(variables)
    return str(program).count("remat") + str(program).count("checkpoint[")


def made_inside(**options):
    with fkeras.RematScope(**options):
        return layers.Dense(8, name="inside")


X = jnp.linspace(-1.0, 1.0, 8).reshape(2, 4)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"mode": "full"}, True),
        ({"mode": "activations"}, True),
        ({"mode": None}, False),
        ({"mode": "larger_than", "output_size_threshold": 7}, True),
        ({"mode": "larger_than", "output_size_threshold": 16}, False),  # 2 x 8 is not larger
        ({"mode": "list_of_layers", "layer_names": ["inside"]}, True),
        ({"mode": "list_of_layers", "layer_names": ["other"]}, False),
        ({"mode": "list_of_layers"}, False),
    ],
)
def test_each_mode_chooses_its_layers(options, expected):
    assert (remat_count(made_inside(**options), X) > 0) is expected


def test_layers_made_outside_are_left_alone():
    with fkeras.RematScope():
        pass
    assert remat_count(layers.Dense(2), X) == 0 and remat.current() is None


def test_scopes_nest_and_none_switches_off():
    with fkeras.RematScope("full") as outer:
        assert remat.current() is outer
        with fkeras.RematScope(None):
            assert remat.current() is None
        with fkeras.RematScope("activations") as inner:
            assert remat.current() is inner
        assert remat.current() is outer
    assert remat.current() is None


def test_an_unknown_mode_is_an_error():
    with pytest.raises(UserInputError, match="Invalid mode 'some'. Supported modes are"):
        fkeras.RematScope("some")


def test_values_and_gradients_are_those_without():
    plain, rematerialised = layers.Dense(3, activation="tanh"), made_inside(mode="full")
    rematerialised.units, rematerialised.activation = 3, plain.activation
    variables = plain.init(jax.random.key(1), X)
    rematerialised.init(jax.random.key(2), X)
    loss = lambda layer: lambda v, x: (layer.apply(v, x)[0] ** 2).sum()
    for argument in (0, 1):
        ours = jax.grad(loss(rematerialised), argument)(variables, X)
        expected = jax.grad(loss(plain), argument)(variables, X)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, expected)


def test_state_written_in_a_rematerialised_call_comes_out():
    with fkeras.RematScope("full"):
        layer = layers.BatchNormalization(momentum=0.5)
    variables = layer.init(jax.random.key(0), X)
    _, state = layer.apply(variables, X, training=True)
    np.testing.assert_allclose(state["moving_mean"], 0.5 * X.mean(0), rtol=1e-6)
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.5 * X.mean(0), rtol=1e-6)


def test_a_function_keeps_its_name_and_its_derivative():
    def cube(x):
        """Cubes."""
        return x**3

    again = fkeras.remat(cube)
    assert (again.__name__, again.__doc__) == ("cube", "Cubes.")
    assert float(again(2.0)) == 8 and float(jax.grad(again)(2.0)) == 12
    assert float(fkeras.remat(jax.tree_util.Partial(cube))(2.0)) == 8
