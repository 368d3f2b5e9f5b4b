"""Dtype policies by name, as objects and as configs, equal to Keras's."""

import numpy as np
import pytest

import fkeras
from fkeras import dtype_policies, layers
from fkeras.config import dtype_policy, set_dtype_policy
from fkeras.errors import UserInputError

NAMES = [
    "float32",
    "bfloat16",
    "float16",
    "mixed_bfloat16",
    "mixed_float16",
    "int8_from_float32",
    "int8_from_mixed_bfloat16",
    "float8_from_mixed_float16",
    "int4_from_float32",
    "int4/128_from_float32",
    "int4/-1_from_bfloat16",
    "gptq/4/128_from_float32",
    "gptq/2/-1_from_float32",
    "awq/4/128_from_mixed_bfloat16",
]


@pytest.mark.parametrize("name", NAMES)
def test_policy_by_name_equals_keras(keras, name):
    ours, theirs = dtype_policies.get(name), keras.dtype_policies.get(name)
    for attribute in ("name", "compute_dtype", "variable_dtype", "quantization_mode"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert type(ours).__name__ == type(theirs).__name__
    config = keras.dtype_policies.serialize(theirs)
    assert dtype_policies.serialize(ours) == config
    assert dtype_policies.deserialize(config) == ours


@pytest.mark.parametrize(
    "name, message",
    [
        ("mixed_float15", "Cannot convert 'mixed_float15'"),
        ("int8_from_", "Cannot convert ''"),
        ("int8_of_float32", "into a valid pair"),
        ("int8_from_float16", "doesn't work well"),
        ("int4/0_from_float32", "Invalid block_size"),
        ("int4/x_from_float32", "must be integers"),
        ("gptq/5/128_from_float32", r"Supported values are \(2, 3, 4, 8\)"),
        ("gptq/4_from_float32", "Expected format 'gptq/<weight_bits>/<group_size>'"),
        ("awq/8/128_from_float32", r"Supported values are \(4,\)"),
        (3.5, "Cannot interpret `dtype` argument"),
    ],
)
def test_what_is_no_policy_is_explained(name, message):
    with pytest.raises(UserInputError, match=message):
        dtype_policies.get(name)


def test_plain_dtypes_that_look_like_quantization_modes_are_dtypes():
    assert dtype_policies.get("int8").compute_dtype == "int8"
    assert dtype_policies.get("float8_e4m3fn").compute_dtype == "float8_e4m3fn"


def test_the_global_policy_is_what_unnamed_policies_follow():
    set_dtype_policy("mixed_bfloat16")
    assert dtype_policy() == dtype_policies.DTypePolicy() == dtype_policies.get(None)
    assert dtype_policies.QuantizedDTypePolicy("int8").name == "int8_from_mixed_bfloat16"
    with pytest.raises(UserInputError, match="Invalid `policy` argument"):
        set_dtype_policy(None)


def test_a_map_matches_whole_paths_only_and_follows_the_global_policy_when_loaded():
    policies = dtype_policies.DTypePolicyMap()
    policies["model/decoder/.*"] = "bfloat16"
    policies["model/dense"] = dtype_policies.QuantizedDTypePolicy("int8")
    assert policies["model/decoder/a"].name == "bfloat16"
    assert policies["model/dense_1"] == policies["model/decoder"] == policies.default_policy
    set_dtype_policy("mixed_bfloat16")
    again = dtype_policies.deserialize(dtype_policies.serialize(policies))
    assert again["model/dense"].name == "int8_from_mixed_bfloat16"
    assert again["elsewhere"].name == "mixed_bfloat16"
    assert policies["model/dense"].name == "int8_from_float32"
    policies["model/decoder/attention/.*"] = "float32"
    with pytest.raises(UserInputError, match="matches multiple"):
        _ = policies["model/decoder/attention/query"]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float16"])
def test_layers_of_different_policies_stand_in_one_functional_model(policy):
    inputs = fkeras.Input((3,))
    hidden = layers.Dense(2)(inputs)
    outputs = layers.Dense(1, dtype=policy)(hidden)
    model = fkeras.Model(inputs, [outputs, layers.Dense(1)(outputs)])
    x = np.ones((4, 3), "float32")
    by_hand = model.layers[2](model.layers[1](x))
    low, high = model(x)
    assert (str(low.dtype), str(high.dtype)) == (outputs.dtype, "float32")
    np.testing.assert_array_equal(np.asarray(low), np.asarray(by_hand))
    assert model.count_params() == 8 + 3 + 2
