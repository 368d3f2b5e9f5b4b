import pytest

from fkeras import dtype_policies
from fkeras.core import dtype_policy
from fkeras.errors import UserInputError, UserTypeError

ALL = [
    ("QuantizedDTypePolicy", "int8", {}),
    ("QuantizedDTypePolicy", "int4", {}),
    ("QuantizedFloat8DTypePolicy", "float8", {"amax_history_length": 1024}),
    ("Int4DTypePolicy", "int4/128", {"block_size": 128, "mode": "int4"}),
    ("Int4DTypePolicy", "int4/-1", {"block_size": -1, "mode": "int4"}),
    ("GPTQDTypePolicy", "gptq/4/128", {"weight_bits": 4, "group_size": 128, "mode": "gptq"}),
    ("GPTQDTypePolicy", "gptq/8/-1", {"weight_bits": 8, "group_size": -1}),
    ("AWQDTypePolicy", "awq/4/64", {"weight_bits": 4, "group_size": 64, "mode": "awq"}),
    ("TernaryDTypePolicy", "ternary", {}),
]


@pytest.mark.parametrize(("class_name", "mode", "attributes"), ALL)
@pytest.mark.parametrize("source", ["float32", "mixed_bfloat16"])
def test_a_policy_is_what_its_mode_says(class_name, mode, attributes, source):
    policy = getattr(dtype_policies, class_name)(mode, source)
    assert policy.name == f"{mode}_from_{source}"
    assert policy.quantization_mode == mode.split("/")[0]
    assert policy.compute_dtype == ("float32" if source == "float32" else "bfloat16")
    assert policy.variable_dtype == "float32"
    for name, value in attributes.items():
        assert getattr(policy, name) == value


@pytest.mark.parametrize(("class_name", "mode", "attributes"), ALL)
def test_it_comes_back_from_its_name_and_from_its_config(class_name, mode, attributes):
    policy = getattr(dtype_policies, class_name)(mode, "mixed_bfloat16")
    for back in (dtype_policy.get(policy.name), dtype_policy.get(dtype_policy.serialize(policy))):
        assert type(back) is type(policy) and back == policy and hash(back) == hash(policy)
        assert back.get_config() == policy.get_config()


@pytest.mark.parametrize(
    "name",
    [
        "int8_from_float32",
        "float8_from_mixed_bfloat16",
        "int4_from_bfloat16",
        "gptq/4/128_from_float32",
    ],
)
def test_names_are_those_of_keras(name, keras):
    ours, theirs = dtype_policy.get(name), keras.dtype_policies.get(name)
    assert type(ours).__name__ == type(theirs).__name__ and ours.name == theirs.name
    assert ours.compute_dtype == theirs.compute_dtype
    assert ours.variable_dtype == theirs.variable_dtype
    assert ours.quantization_mode == theirs.quantization_mode


def test_without_a_source_it_follows_the_global_policy():
    dtype_policy.set_dtype_policy("mixed_bfloat16")
    assert dtype_policies.QuantizedDTypePolicy("int8").name == "int8_from_mixed_bfloat16"


def test_older_files_write_no_block_size_as_none():
    assert dtype_policies.Int4DTypePolicy("int4/None", "float32").block_size == -1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.QuantizedDTypePolicy("int7", "float32"), "Invalid quantization mode"),
        (lambda p: p.QuantizedDTypePolicy("int8", "mixed_float16"), "compute_dtype='float16'"),
        (lambda p: p.QuantizedFloat8DTypePolicy("float8", "float32", 1.5), "must be an integer"),
        (lambda p: p.Int4DTypePolicy("int4", "float32"), "Expected format 'int4/<block_size>'"),
        (lambda p: p.Int4DTypePolicy("int4/0", "float32"), "Invalid block_size in mode"),
        (lambda p: p.Int4DTypePolicy("int4/-2", "float32"), "-1 or a positive integer"),
        (lambda p: p.GPTQDTypePolicy("gptq/4", "float32"), "<weight_bits>/<group_size>"),
        (lambda p: p.GPTQDTypePolicy("gptq/5/128", "float32"), r"\(2, 3, 4, 8\), but got 5"),
        (lambda p: p.GPTQDTypePolicy("gptq/a/128", "float32"), "must be integers"),
        (lambda p: p.GPTQDTypePolicy("gptq/4/0", "float32"), "Invalid group_size"),
        (lambda p: p.AWQDTypePolicy("awq/8/128", "float32"), r"\(4,\), but got 8"),
        (lambda p: p.AWQDTypePolicy("gptq/4/128", "float32"), "for AWQDTypePolicy"),
        (lambda p: p.QuantizedDTypePolicy("int8", "float33"), "Cannot convert 'float33'"),
    ],
)
def test_modes_that_cannot_be_are_errors(make, message):
    with pytest.raises(UserInputError, match=message):
        make(dtype_policies)


def test_a_length_that_is_no_int_is_a_type_error_too():
    with pytest.raises(UserTypeError):
        dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", "long")
