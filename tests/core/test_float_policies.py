import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import config
from fkeras.dtype_policies import DTypePolicy, DTypePolicyMap
from fkeras.errors import UserInputError


@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("float32", "float32", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("mixed_float16", "float16", "float32"),
        ("int8", "int8", "int8"),
        ("bfloat16", "bfloat16", "bfloat16"),
    ],
)
def test_a_name_gives_the_two_dtypes_of_keras(name, compute, variable, keras):
    policy, theirs = DTypePolicy(name), keras.dtype_policies.DTypePolicy(name)
    assert (policy.compute_dtype, policy.variable_dtype) == (compute, variable)
    assert (theirs.compute_dtype, theirs.variable_dtype) == (compute, variable)
    assert policy.quantization_mode is None and policy.name == name == theirs.name


def test_the_global_policy_follows_floatx_until_it_is_set():
    assert config.dtype_policy().name == "float32"
    config.set_floatx("bfloat16")
    assert config.dtype_policy().name == DTypePolicy().name == "bfloat16"
    config.set_dtype_policy("mixed_bfloat16")
    config.set_floatx("float32")
    assert DTypePolicy().name == fkeras.layers.Dense(1).dtype_policy.name == "mixed_bfloat16"
    config.set_dtype_policy(DTypePolicyMap("float16"))
    assert isinstance(config.dtype_policy(), DTypePolicyMap)
    with pytest.raises(UserInputError, match="Invalid `policy` argument"):
        config.set_dtype_policy(None)


@pytest.mark.parametrize(
    ("value", "autocast", "expected"),
    [
        (jnp.ones(1), True, "bfloat16"),
        (jnp.ones(1), False, "float32"),
        (jnp.ones(1, jnp.int32), True, "int32"),
        (np.ones(1), True, "bfloat16"),
        (fkeras.KerasTensor((1,)), True, "bfloat16"),
    ],
)
def test_inputs_are_cast_where_they_are_floats(value, autocast, expected):
    policy = DTypePolicy("mixed_bfloat16")
    converted = policy.convert_input(value, autocast, policy.compute_dtype)
    assert str(converted.dtype) == expected
    assert (converted is value) is (str(value.dtype) == expected)


def test_what_has_no_dtype_stays_and_a_cast_keeps_its_history():
    policy = DTypePolicy("bfloat16")
    assert policy.convert_input("text", True, "bfloat16") == "text"
    x = fkeras.Input((2,))
    assert policy.convert_input(x, True, "bfloat16")._keras_history == x._keras_history


def test_policies_compare_hash_and_print_by_what_they_are():
    assert DTypePolicy("float16") == DTypePolicy("float16") != DTypePolicy("float32")
    assert DTypePolicy("int8") != fkeras.dtype_policies.QuantizedDTypePolicy("int8", "float32")
    assert len({DTypePolicy("float16"), DTypePolicy("float16")}) == 1
    assert repr(DTypePolicy("float16")) == '<DTypePolicy "float16">'
