"""Configs of quantization: what they take, how they travel, and which one a call means."""

import numpy as np
import pytest

from fkeras import dtype_policies, quantizers
from fkeras.quantizers import resolving
from fkeras.quantizers.calibrated_configs import for_files

CONFIGS = [
    quantizers.Int8QuantizationConfig(),
    quantizers.Int8QuantizationConfig(quantizers.AbsMaxQuantizer(axis=0), None),
    quantizers.Int4QuantizationConfig(),
    quantizers.Int4QuantizationConfig(block_size=None),
    quantizers.Int4QuantizationConfig(
        quantizers.AbsMaxQuantizer(axis=0, value_range=(-8, 7)), block_size=-1
    ),
    quantizers.Float8QuantizationConfig(),
    quantizers.GPTQConfig(["a"], len, weight_bits=2, group_size=-1, activation_order=True),
    quantizers.AWQConfig(["a"], len, num_grid_points=3),
]


def plain(config):
    """What two configs of one meaning have in common."""
    values = dict(vars(config))
    for name in ("weight_quantizer", "activation_quantizer"):
        quantizer = values.pop(name)
        values[name] = None if quantizer is None else quantizer.get_config()
    return values


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: type(c).__name__)
def test_configs_travel_to_keras_and_back(keras, config):
    theirs = keras.saving.deserialize_keras_object(for_files(quantizers.serialize(config)))
    assert type(theirs).__name__ == type(config).__name__
    ours = quantizers.deserialize(keras.saving.serialize_keras_object(theirs))
    expected = plain(type(config).from_config(config.get_config()))
    assert plain(ours) == expected
    later = set(expected) - set(plain(theirs))
    assert later <= {"calibration_batch_size", "apply_clip"}
    assert plain(theirs) == {name: v for name, v in expected.items() if name not in later}


def test_values_that_keras_3_15_does_not_know_stay_where_they_were_chosen():
    config = quantizers.AWQConfig(None, None, apply_clip=False)
    assert quantizers.deserialize(for_files(quantizers.serialize(config))).apply_clip is False
    assert for_files(None) is None


def test_what_only_calibration_needs_is_not_in_a_config():
    config = quantizers.GPTQConfig(["a"], len, quantization_layer_structure={"pre": []})
    for name in ("dataset", "tokenizer", "quantization_layer_structure"):
        assert config.get_config()[name] is None


def test_configs_of_before_blocks_mean_one_scale_a_column():
    assert quantizers.Int4QuantizationConfig.from_config({}).block_size is None


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: quantizers.Int4QuantizationConfig(block_size=0), "None, -1, or a positive"),
        (
            lambda: quantizers.Int4QuantizationConfig(
                quantizers.AbsMaxQuantizer(value_range=(-8, 7)), block_size=64
            ),
            "does not support quantizers",
        ),
        (
            lambda: quantizers.Int4QuantizationConfig(
                quantizers.AbsMaxQuantizer(), block_size=None
            ),
            r"value_range=\(-8, 7\)",
        ),
        (
            lambda: quantizers.Int8QuantizationConfig(
                quantizers.AbsMaxQuantizer(output_dtype="int16")
            ),
            "output_dtype='int8'",
        ),
        (lambda: quantizers.GPTQConfig(None, None, weight_bits=5), "Unsupported weight_bits 5"),
        (lambda: quantizers.GPTQConfig(None, None, num_samples=0), "num_samples must be"),
        (lambda: quantizers.GPTQConfig(None, None, hessian_damping=2), "between 0 and 1"),
        (lambda: quantizers.GPTQConfig(None, None, group_size=0), "Invalid group_size"),
        (
            lambda: quantizers.GPTQConfig(None, None, calibration_batch_size=0),
            "calibration_batch_size must be",
        ),
        (lambda: quantizers.AWQConfig(None, None, weight_bits=8), "only supports 4-bit"),
        (lambda: quantizers.AWQConfig(None, None, num_grid_points=0), "num_grid_points must be"),
    ],
)
def test_wrong_values_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_mode_stands_for_its_default():
    assert resolving.resolve("int4").block_size == 128
    assert resolving.resolve(None, "ternary").mode == "ternary"
    config = quantizers.Int8QuantizationConfig()
    assert resolving.resolve(None, config) is config
    assert resolving.resolve("int8", config) is config


@pytest.mark.parametrize(
    "mode, config, message",
    [
        (None, None, "either `mode` or `config`"),
        ("int7", None, "Invalid quantization mode"),
        ("gptq", None, "must pass a `GPTQConfig`"),
        ("awq", None, "must pass a `AWQConfig`"),
        ("int4", quantizers.Int8QuantizationConfig(), "Contradictory arguments"),
        ("int8", {"block_size": 3}, "must be an instance of `QuantizationConfig`"),
    ],
)
def test_what_does_not_fit_together_is_refused(mode, config, message):
    with pytest.raises(ValueError, match=message):
        resolving.resolve(mode, config)


def test_a_mode_of_data_needs_its_own_config():
    class OwnConfig(quantizers.QuantizationConfig):
        mode = "gptq"

    with pytest.raises(ValueError, match="requires a valid `config` argument of type `GPTQConfig`"):
        resolving.resolve("gptq", OwnConfig())
    with pytest.raises(NotImplementedError, match="must define the property `mode`"):
        resolving.resolve(None, quantizers.QuantizationConfig())


@pytest.mark.parametrize(
    "policy, block_size",
    [("int4/64_from_float32", 64), ("int4/-1_from_float32", -1), ("int4_from_float32", None)],
)
def test_a_policy_tells_its_block_size(policy, block_size):
    config = resolving.for_build("int4", dtype_policies.get(policy))
    assert config.block_size == block_size
    given = quantizers.Int4QuantizationConfig(block_size=7)
    assert resolving.for_build("int4", dtype_policies.get(policy), given) is given


def test_a_policy_of_data_has_no_default():
    assert resolving.for_build("gptq", dtype_policies.get("gptq/4/64_from_float32")) is None
    policy = dtype_policies.get("float8_from_float32")
    assert resolving.for_build("float8", policy).mode == "float8"


def test_quantizers_by_name():
    assert quantizers.get(None) is None
    assert quantizers.get("abs_max_quantizer").axis is None
    assert quantizers.get("AbsMaxQuantizer", axis=0).axis == (0,)
    assert quantizers.get(quantizers.AbsMaxQuantizer, epsilon=0.1).epsilon == 0.1
    assert quantizers.get(quantizers.AbsMaxQuantizer).value_range == (-127, 127)
    assert quantizers.get(np.round) is np.round
    config = quantizers.serialize(quantizers.AbsMaxQuantizer(axis=(0, 1)))
    assert quantizers.get(config).axis == (0, 1)
    with pytest.raises(ValueError, match="typo"):
        quantizers.get("typo")
    with pytest.raises(TypeError, match="Could not interpret quantizer identifier: 3"):
        quantizers.get(3)


def test_the_base_of_quantizers_is_to_be_overridden():
    base = quantizers.Quantizer()
    assert base(3) == 3
    with pytest.raises(NotImplementedError, match="must define `get_config"):
        base.get_config()


def test_a_report_says_what_was_done_and_what_not():
    report = quantizers.QuantizationReport("int8")
    assert report.summary_warning() is None
    assert "(none)" in report.render()
    report.add_quantized("dense", "int8", "int8_from_float32")
    for i in range(7):
        report.add_skipped(f"relu_{i}", report.SKIP_NO_SUPPORT)
    report.add_skipped("head", report.SKIP_FILTERED)
    report.add_error("bad", ValueError("why"))
    warning = report.summary_warning()
    assert "7 layer(s) were skipped" in warning and "'relu_4', ..." in warning
    assert "1 layer(s) reported errors (e.g. 'bad')" in warning and "head" not in warning
    text = report.render()
    assert "  - dense (int8): int8_from_float32" in text and "  - head: filtered out" in text
    assert "  - bad: why" in text
    assert (report.num_quantized, report.num_skipped, report.num_errors) == (1, 8, 1)
