"""Global settings behind `fkeras.config`: plain values with checks, nothing else."""

from __future__ import annotations

from typing import Any

from fkeras.errors import UserInputError

FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")

_values: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "traceback_filtering": True,
    "interactive_logging": True,
    "unsafe_deserialization": False,
    "flash_attention": None,
    "max_epochs": None,
    "max_steps_per_epoch": None,
    "dtype_policy": None,  # None: follows floatx
}


def get(name: str) -> Any:
    """The value of a setting."""
    return _values[name]


def everything() -> tuple[tuple[str, Any], ...]:
    """All settings with their values."""
    return tuple(_values.items())


def put(name: str, value: Any) -> None:
    """Sets a setting, unchecked."""
    _values[name] = value


def floatx() -> str:
    """Default float dtype of variables and inputs, as a string such as `'float32'`."""
    return _values["floatx"]


def set_floatx(value: str) -> None:
    """Sets the default float dtype: one of `bfloat16`, `float16`, `float32`, `float64`.

    Raises:
        UserInputError: any other.
    """
    if value not in FLOAT_TYPES:
        raise UserInputError(f"Unknown `floatx` value {value!r}. Expected one of {FLOAT_TYPES}.")
    _values["floatx"] = str(value)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite, 1e-7 by default."""
    return _values["epsilon"]


def set_epsilon(value: float) -> None:
    """Sets the number that `epsilon()` returns."""
    _values["epsilon"] = value


def image_data_format() -> str:
    """`'channels_last'` (default) or `'channels_first'`."""
    return _values["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Sets where image layers expect channels: `'channels_last'` or `'channels_first'`.

    Raises:
        UserInputError: any other.
    """
    _values["image_data_format"] = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """The data format checked, or the default for None.

    Raises:
        UserInputError: neither `'channels_last'` nor `'channels_first'`.
    """
    if data_format is None:
        return image_data_format()
    value = str(data_format).lower()
    if value not in ("channels_first", "channels_last"):
        raise UserInputError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    return value
