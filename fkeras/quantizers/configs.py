"""What `layer.quantize` and `model.quantize` are told: a mode, and the quantizers to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fkeras.core.config import serialization
from fkeras.errors import UserInputError
from fkeras.quantizers.quantizer import AbsMaxQuantizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.types import Config


class QuantizationConfig:
    """The base of configs. A subclass says its `mode`.

    Args:
        weight_quantizer: quantizer of the kernel; None for the mode's own.
        activation_quantizer: quantizer of the inputs; None for none.
    """

    def __init__(
        self,
        weight_quantizer: Callable[..., Any] | None = None,
        activation_quantizer: Callable[..., Any] | None = None,
    ) -> None:
        self.weight_quantizer = weight_quantizer
        self.activation_quantizer = activation_quantizer

    @property
    def mode(self) -> str:
        """The mode: `'int8'`, `'int4'`, ..."""
        raise NotImplementedError(
            f"{type(self).__name__} must define the property `mode`. Do not instantiate "
            "QuantizationConfig directly: use one of its subclasses, such as "
            "`Int8QuantizationConfig`."
        )

    def dtype_policy_string(self) -> str:
        """How names of dtype policies of quantized layers begin."""
        return self.mode

    def get_config(self) -> Config:
        """The constructor's arguments as plain values."""
        return {
            "weight_quantizer": serialization.serialize_keras_object(self.weight_quantizer),
            "activation_quantizer": serialization.serialize_keras_object(self.activation_quantizer),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A config object from what `get_config` returned."""
        quantizers = ("weight_quantizer", "activation_quantizer")
        return cls(
            **{
                name: serialization.deserialize_keras_object(value) if name in quantizers else value
                for name, value in config.items()
            }
        )

    @staticmethod
    def weight_quantizer_or_default(config: QuantizationConfig | None, default: Any) -> Any:
        """The config's quantizer of the kernel, or `default` where it has none."""
        is_given = config is not None and config.weight_quantizer is not None
        return config.weight_quantizer if is_given else default

    @staticmethod
    def activation_quantizer_or_default(config: QuantizationConfig | None, default: Any) -> Any:
        """The config's quantizer of the inputs, which may be None; `default` without a config."""
        return default if config is None else config.activation_quantizer


class Int8QuantizationConfig(QuantizationConfig):
    """Kernel and inputs in 8 bits, multiplied as whole numbers.

    Scales of the inputs are found at each call, so that no data are needed to calibrate.

    Args:
        weight_quantizer: quantizer of the kernel; None for `AbsMaxQuantizer`, a scale a column.
        activation_quantizer: quantizer of the inputs; `'default'` for `AbsMaxQuantizer` over the
            last axis, None for floats.

    Raises:
        UserInputError: a weight quantizer of another dtype than int8.

    Examples:
        >>> import fkeras
        >>> config = fkeras.quantizers.Int8QuantizationConfig(activation_quantizer=None)
        >>> config.mode
        'int8'
    """

    def __init__(
        self,
        weight_quantizer: Callable[..., Any] | None = None,
        activation_quantizer: Callable[..., Any] | str | None = "default",
    ) -> None:
        if activation_quantizer == "default":
            activation_quantizer = AbsMaxQuantizer()
        super().__init__(weight_quantizer, activation_quantizer)
        _check_dtype(self)

    @property
    def mode(self) -> str:
        return "int8"


class Int4QuantizationConfig(QuantizationConfig):
    """Kernel in 4 bits, two values a byte; inputs stay floats.

    The kernel is made floats again at each call: it saves memory, not arithmetic.

    Args:
        weight_quantizer: quantizer of the kernel, with `block_size=None` only; None for the mode's
            own.
        activation_quantizer: quantizer of the inputs, with `block_size=None` only; `'default'` and
            None for floats.
        block_size: inputs that share a scale and a zero point; None or -1 for one scale a column.

    Raises:
        UserInputError: a block size that is not positive, or one beside quantizers; a weight
            quantizer of another range than (-8, 7) or another dtype than int8.

    Examples:
        >>> import fkeras
        >>> fkeras.quantizers.Int4QuantizationConfig(block_size=64).dtype_policy_string()
        'int4/64'
    """

    def __init__(
        self,
        weight_quantizer: Callable[..., Any] | None = None,
        activation_quantizer: Callable[..., Any] | str | None = "default",
        block_size: int | None = 128,
    ) -> None:
        if activation_quantizer == "default":
            activation_quantizer = None
        super().__init__(weight_quantizer, activation_quantizer)
        if block_size is not None and block_size != -1 and block_size <= 0:
            raise UserInputError(
                "block_size must be None, -1, or a positive integer. Received: "
                f"block_size={block_size}"
            )
        self.block_size = block_size
        has_quantizer = weight_quantizer is not None or activation_quantizer is not None
        if has_quantizer and block_size not in (None, -1):
            raise UserInputError(
                "Int4QuantizationConfig: sub-channel quantization (block_size > 0) does not "
                "support quantizers of your own. Pass block_size=None for one scale a column, or "
                f"leave the quantizers out. Received: block_size={block_size}"
            )
        if weight_quantizer is not None and tuple(weight_quantizer.value_range) != (-8, 7):
            raise UserInputError(
                "Int4QuantizationConfig requires a weight_quantizer with value_range=(-8, 7). "
                f"Received: value_range={weight_quantizer.value_range}"
            )
        _check_dtype(self)

    @property
    def mode(self) -> str:
        return "int4"

    def dtype_policy_string(self) -> str:
        return f"int4/{-1 if self.block_size is None else self.block_size}"

    def get_config(self) -> Config:
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        # Configs of before there were blocks mean one scale a column.
        return super().from_config({"block_size": None, **config})


class _WithoutQuantizers(QuantizationConfig):
    def __init__(self) -> None:
        super().__init__()

    def get_config(self) -> Config:
        return {}


class Float8QuantizationConfig(_WithoutQuantizers):
    """Training with kernel, inputs and gradients rounded to 8-bit floats.

    The kernel stays float32 in memory; what is rounded is what matrix products see.

    Examples:
        >>> import fkeras
        >>> fkeras.quantizers.Float8QuantizationConfig().mode
        'float8'
    """

    @property
    def mode(self) -> str:
        return "float8"


class TernaryQuantizationConfig(_WithoutQuantizers):
    """Kernels of -1, 0 and 1 times one scale, five values a byte.

    References:
        Ma et al., 2024, The Era of 1-bit LLMs (https://arxiv.org/abs/2402.17764).

    Examples:
        >>> import fkeras
        >>> fkeras.quantizers.TernaryQuantizationConfig().mode
        'ternary'
    """

    @property
    def mode(self) -> str:
        return "ternary"


def _check_dtype(config: QuantizationConfig) -> None:
    quantizer = config.weight_quantizer
    if quantizer is not None and quantizer.output_dtype != "int8":
        raise UserInputError(
            f"{type(config).__name__} requires a weight_quantizer with output_dtype='int8'. "
            f"Received: output_dtype={quantizer.output_dtype}"
        )
