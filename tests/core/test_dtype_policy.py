import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import config
from fkeras.core import dtype_policy, settings
from fkeras.dtype_policies import DTypePolicy, DTypePolicyMap
from fkeras.errors import UserInputError, UserTypeError


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        (None, "float32"),
        ("mixed_float16", "mixed_float16"),
        (np.float16, "float16"),
        (jnp.bfloat16, "bfloat16"),
        (DTypePolicy("float16"), "float16"),
        ({"class_name": "DTypePolicy", "config": {"name": "bfloat16"}}, "bfloat16"),
        ({"class_name": "FloatDTypePolicy", "config": {"name": "float16"}}, "float16"),
        ("int8_from_float32", "int8_from_float32"),
        ("float8_e4m3fn", "float8_e4m3fn"),
    ],
)
def test_a_policy_from_whatever_names_it(identifier, name):
    assert dtype_policy.get(identifier).name == name


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("mixed_int8", "Cannot convert 'mixed_int8' to a mixed precision"),
        ({"class_name": "Other", "config": {}}, "Expected a config of one of"),
        (object(), "Expected a string or an instance of DTypePolicy"),
        ("int8_from_", "Cannot convert '' to"),
        ("int8_", "valid pair"),
    ],
)
def test_what_names_no_policy_is_an_error(identifier, message):
    with pytest.raises(UserInputError, match=message):
        dtype_policy.get(identifier)
    with pytest.raises(UserTypeError, match="'name' must be a string"):
        DTypePolicy(3)


# -- by path -------------------------------------------------------------------


def filled():
    policies = DTypePolicyMap("float32")
    policies["encoder/dense"] = "bfloat16"
    policies["decoder/.*"] = "mixed_bfloat16"
    return policies


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("encoder/dense", "bfloat16"),
        ("encoder/dense_1", "float32"),
        ("decoder/dense/inner", "mixed_bfloat16"),
        ("head", "float32"),
        ("my/decoder/x", "float32"),
    ],
)
def test_a_path_finds_its_policy_or_the_default(path, name):
    assert filled()[path].name == name


def test_a_map_is_a_mapping():
    policies = filled()
    assert list(policies) == list(policies.keys()) == ["encoder/dense", "decoder/.*"]
    assert len(policies) == 2 and "encoder/dense" in policies and "decoder/x" not in policies
    assert [p.name for p in policies.values()] == ["bfloat16", "mixed_bfloat16"]
    assert dict(policies.items())["encoder/dense"].name == "bfloat16"
    assert policies.get("nothing") is None and policies.get("decoder/.*").name == "mixed_bfloat16"
    assert policies.pop("decoder/.*").name == "mixed_bfloat16" and policies.pop("x", 1) == 1
    del policies["encoder/dense"]
    assert len(policies) == 0 and policies["encoder/dense"].name == "float32"


def test_a_map_stands_for_its_default_elsewhere():
    policies = DTypePolicyMap("mixed_bfloat16")
    assert (policies.name, policies.compute_dtype, policies.variable_dtype) == (
        "map_mixed_bfloat16",
        "bfloat16",
        "float32",
    )
    assert policies.quantization_mode is None
    assert policies.convert_input(jnp.ones(1), True, "bfloat16").dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda p: DTypePolicyMap(p), "`default_policy` cannot be a `DTypePolicyMap`"),
        (lambda p: DTypePolicyMap("float32", [1]), "`policy_map` must be a dict"),
        (
            lambda p: p.__setitem__("encoder/dense", "float16"),
            "already exist in the DTypePolicyMap",
        ),
        (lambda p: p.__setitem__("x", "float33"), "Cannot interpret the assigned value"),
        (lambda p: (p.__setitem__(".*/x", "float16"), p["decoder/x"]), "matches multiple"),
    ],
)
def test_maps_that_cannot_be_are_errors(use, message):
    with pytest.raises(UserInputError, match=message):
        use(filled())


@pytest.mark.parametrize("default", ["float32", DTypePolicy("mixed_bfloat16"), None])
def test_a_map_comes_back_from_its_config(default):
    policies = DTypePolicyMap(default)
    policies["a"] = "int8_from_float32"
    policies["b/.*"] = "bfloat16"
    back = dtype_policy.get(dtype_policy.serialize(policies))
    assert isinstance(back, DTypePolicyMap) and list(back) == ["a", "b/.*"]
    assert back.default_policy == policies.default_policy
    assert back == policies and hash(back) == hash(policies)
    assert "mapping=[('a', 'int8_from_float32')" in repr(back)


def test_without_a_default_the_policies_follow_the_program_that_loads_them():
    policies = DTypePolicyMap()
    policies["a"] = "float32"
    config_of_map = policies.get_config()
    settings.set_floatx("bfloat16")
    assert DTypePolicyMap.from_config(config_of_map)["a"].name == "bfloat16"


def test_layers_take_the_policy_of_their_path():
    policies = DTypePolicyMap("float32")
    policies["model/head"] = "mixed_bfloat16"
    config.set_dtype_policy(policies)
    model = fkeras.Sequential(
        [
            fkeras.Input((2,)),
            fkeras.layers.Dense(2, name="body"),
            fkeras.layers.Dense(1, name="head"),
        ],
        name="model",
    )
    assert [layer.compute_dtype for layer in model.layers] == ["float32", "bfloat16"]


def test_a_custom_policy_class_is_read_by_name():
    class Mine(DTypePolicy):
        pass

    described = dtype_policy.serialize(Mine("float16"))
    assert type(dtype_policy.deserialize(described, {"Mine": Mine})) is Mine
    assert dtype_policy.deserialize(None).name == "float32"
