import jax.numpy as jnp
import pytest

import fkeras
from fkeras import KerasTensor, Operation
from fkeras.errors import UserInputError


class Power(Operation):
    def __init__(self, exponent, base=None, name=None):
        super().__init__(name)
        self.exponent = exponent
        self.base = base

    def call(self, x, scale=1.0):
        return scale * x**self.exponent


class Nothing(Operation):
    pass


def test_arrays_are_computed_and_symbolic_tensors_recorded():
    power = Power(2)
    assert power(jnp.array([3.0])).tolist() == [9]
    x = KerasTensor((None, 2))
    y = power(x, scale=2.0)
    assert y.shape == (None, 2) and power.input is x and power.output is y
    assert power(jnp.ones(1), scale=KerasTensor((1,))).shape == (1,)


def test_names_are_automatic_or_ones_own():
    assert (Power(1).name, Power(1).name, Power(1, name="p").name) == ("power", "power_1", "p")
    assert repr(Power(1, name="p")) == "<Operation name=p>"
    for name in ("a/b", 3):
        with pytest.raises(UserInputError, match="cannot contain character `/`"):
            Power(1, name=name)


def test_a_config_makes_it_again():
    power = Power(3, base=slice(1, 2), name="cube")
    config = power.get_config()
    assert config["name"] == "cube" and config["exponent"] == 3
    back = Power.from_config(config)
    assert (back.name, back.exponent, back.base) == ("cube", 3, slice(1, 2))


def test_an_automatic_name_is_in_the_config():
    assert Power(2).get_config()["name"] == "power"


def test_a_single_input_needs_a_single_call():
    power = Power(2)
    with pytest.raises(AttributeError, match="'power' was called 0 times: it has no single input"):
        _ = power.input
    x = KerasTensor((2,))
    power(x)
    power(x)
    with pytest.raises(AttributeError, match="called 2 times: it has no single output"):
        _ = power.output


def test_several_inputs_are_a_list():
    power, x, y = Power(2), KerasTensor((2,)), KerasTensor((2,))
    power(x, scale=y)
    assert [tensor.name for tensor in power.input] == [x.name, y.name]


def test_without_a_call_method_it_says_so():
    with pytest.raises(TypeError, match="'Nothing' does not have a `call"):
        Nothing()(1)


def test_layers_are_operations():
    assert isinstance(fkeras.layers.Dense(1), Operation)
