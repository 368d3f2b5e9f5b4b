"""From what a user wrote as `mode` and `config` to one config."""

from __future__ import annotations

from fkeras.core.dtype_policy import (
    QUANTIZATION_MODES,
    DTypePolicy,
    Int4DTypePolicy,
)
from fkeras.errors import UserInputError
from fkeras.quantizers.calibrated_configs import AWQConfig, GPTQConfig
from fkeras.quantizers.configs import (
    Float8QuantizationConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
    TernaryQuantizationConfig,
)

_DEFAULTS = {
    "int8": Int8QuantizationConfig,
    "int4": Int4QuantizationConfig,
    "float8": Float8QuantizationConfig,
    "ternary": TernaryQuantizationConfig,
}
_CALIBRATED = {"gptq": GPTQConfig, "awq": AWQConfig}


def resolve(mode: str | None, config: QuantizationConfig | str | None = None) -> QuantizationConfig:
    """The config that a mode and a config stand for.

    Args:
        mode: `'int8'`, ...; None for the config's.
        config: None for the mode's default; a string stands for a mode.

    Raises:
        UserInputError: neither is given, they contradict each other, the mode is unknown, or it
            needs a config of its own.

    Examples:
        >>> resolve("int4").block_size
        128
    """
    if isinstance(config, str):
        mode, config = config, None
    _check_mode(mode)
    if config is None:
        if mode is None:
            raise UserInputError("You must provide either `mode` or `config` to `quantize`.")
        if mode in _CALIBRATED:
            name = _CALIBRATED[mode].__name__
            raise UserInputError(
                f"For {mode.upper()}, you must pass a `{name}` object in the `config` argument: "
                f"`quantize({mode!r}, config=fkeras.quantizers.{name}(dataset, tokenizer))`."
            )
        return _DEFAULTS[mode]()
    if not isinstance(config, QuantizationConfig):
        raise UserInputError(
            "Argument `config` must be an instance of `QuantizationConfig`. Received: "
            f"config={config} (of type {type(config)})"
        )
    if mode is not None and config.mode != mode:
        raise UserInputError(
            f"Contradictory arguments: mode='{mode}' but config.mode='{config.mode}'"
        )
    _check_mode(config.mode)
    needed = _CALIBRATED.get(config.mode)
    if needed is not None and not isinstance(config, needed):
        raise UserInputError(
            f"Mode {config.mode!r} requires a valid `config` argument of type "
            f"`{needed.__name__}`. Received: {type(config)}"
        )
    return config


def for_build(
    mode: str, policy: DTypePolicy, config: QuantizationConfig | None = None
) -> QuantizationConfig | None:
    """The config of a layer that is built in a mode.

    Args:
        mode: the mode.
        policy: the layer's policy, which may tell more.
        config: the config it was given, which counts first.

    Returns:
        A config; None for GPTQ and AWQ without one.
    """
    if config is not None or mode not in _DEFAULTS:
        return config
    if mode == "int4":  # the policy of a single word is of one scale a column
        size = policy.block_size if isinstance(policy, Int4DTypePolicy) else None
        return Int4QuantizationConfig(block_size=size)
    return _DEFAULTS[mode]()


def _check_mode(mode: str | None) -> None:
    if mode is not None and mode not in QUANTIZATION_MODES:
        raise UserInputError(
            f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: "
            f"mode={mode}"
        )
