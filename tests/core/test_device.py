"""Arrays are made where `device` says."""

import jax
import pytest

import fkeras
from fkeras.errors import UserInputError


@pytest.mark.parametrize("name", ["cpu", "cpu:0", "CPU:0", jax.devices()[0]])
def test_device_places_arrays_and_variables(name):
    with fkeras.device(name):
        array, variable = fkeras.ops.ones((2,)), fkeras.Variable([1.0])
    assert array.device == variable.value.device == jax.devices("cpu")[0]


def test_the_default_device_comes_back_after_an_error():
    before = jax.config.jax_default_device
    with pytest.raises(KeyError), fkeras.device("cpu"):
        raise KeyError
    assert jax.config.jax_default_device == before


@pytest.mark.parametrize("name", ["gpu:99", "cuda:0", "quantum", "cpu:first", "cpu:-99"])
def test_a_device_that_is_not_there_is_explained(name):
    with pytest.raises(UserInputError, match=f"there is no '{name}' in this process.*: cpu:0"):
        fkeras.device(name)


def test_what_is_no_name_of_a_device_is_refused():
    with pytest.raises(UserInputError, match="Expected a string like 'gpu:0'.*device_name=3"):
        fkeras.device(3)
