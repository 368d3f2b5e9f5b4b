"""Configs of GPTQ and AWQ, which look at data to choose the numbers of a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fkeras.errors import UserInputError
from fkeras.quantizers.configs import QuantizationConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fkeras.types import Config


class _CalibratedConfig(QuantizationConfig):
    """What both have: data, a tokenizer, the layers to go through, and groups."""

    def __init__(
        self,
        dataset: Iterable[Any] | None,
        tokenizer: Callable[[str], Any] | None,
        weight_bits: int,
        num_samples: int,
        sequence_length: int,
        group_size: int,
        quantization_layer_structure: dict[str, list[Any]] | None,
    ) -> None:
        super().__init__()
        _check_positive(num_samples=num_samples, sequence_length=sequence_length)
        if group_size < -1 or group_size == 0:
            raise UserInputError(
                "Invalid group_size. Supported values are -1 (one group) or a positive integer, "
                f"but got {group_size}."
            )
        self.dataset = dataset
        self.tokenizer = tokenizer
        self.weight_bits = weight_bits
        self.num_samples = num_samples
        self.sequence_length = sequence_length
        self.group_size = group_size
        self.quantization_layer_structure = quantization_layer_structure

    def dtype_policy_string(self) -> str:
        return f"{self.mode}/{self.weight_bits}/{self.group_size}"

    def get_config(self) -> Config:
        # What calibration alone needs is not part of a model: data, and layers of the model itself.
        left_out = ("dataset", "tokenizer", "quantization_layer_structure")
        inherited = ("weight_quantizer", "activation_quantizer")
        kept = {name: value for name, value in vars(self).items() if name not in inherited}
        return {**kept, **dict.fromkeys(left_out)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


class GPTQConfig(_CalibratedConfig):
    """GPTQ: numbers chosen one input after the other, so that later ones make up for the errors of
    earlier ones on calibration data.

    Args:
        dataset: iterable of strings, or of arrays of token ids; None in a config from a file.
        tokenizer: function from a string to token ids; None where the dataset has ids.
        weight_bits: 2, 3, 4 or 8.
        num_samples: samples that are taken from the dataset.
        calibration_batch_size: samples that go through a block at once. It changes memory and time,
            not the result.
        per_channel: whether each output has its own scales.
        sequence_length: tokens of a sample.
        hessian_damping: fraction in [0, 1] of the mean curvature that is added to all of it.
        group_size: inputs that share a scale; -1 for all.
        symmetric: whether the range of numbers is as wide below zero as above.
        activation_order: whether inputs are gone through from the most active one on.
        quantization_layer_structure: dict with `'pre_block_layers'` and `'sequential_blocks'`,
            lists of layers; None for what the model's `get_quantization_layer_structure` returns.

    Raises:
        UserInputError: a value outside of what is said above.

    References:
        Frantar et al., 2022, GPTQ (https://arxiv.org/abs/2210.17323).

    Examples:
        >>> import fkeras
        >>> config = fkeras.quantizers.GPTQConfig(["a text"], str.split, group_size=64)
        >>> config.dtype_policy_string()
        'gptq/4/64'
    """

    def __init__(
        self,
        dataset: Iterable[Any] | None,
        tokenizer: Callable[[str], Any] | None,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        calibration_batch_size: int = 8,
        per_channel: bool = True,
        sequence_length: int = 512,
        hessian_damping: float = 0.01,
        group_size: int = 128,
        symmetric: bool = False,
        activation_order: bool = False,
        quantization_layer_structure: dict[str, list[Any]] | None = None,
    ) -> None:
        if weight_bits not in (2, 3, 4, 8):
            raise UserInputError(
                f"Unsupported weight_bits {weight_bits}. Supported values are 2, 3, 4, and 8."
            )
        _check_positive(calibration_batch_size=calibration_batch_size)
        if not 0 <= hessian_damping <= 1:
            raise UserInputError(
                f"hessian_damping must be between 0 and 1. Received: {hessian_damping}"
            )
        super().__init__(
            dataset,
            tokenizer,
            weight_bits,
            num_samples,
            sequence_length,
            group_size,
            quantization_layer_structure,
        )
        self.calibration_batch_size = calibration_batch_size
        self.per_channel = per_channel
        self.hessian_damping = hessian_damping
        self.symmetric = symmetric
        self.activation_order = activation_order

    @property
    def mode(self) -> str:
        return "gptq"


class AWQConfig(_CalibratedConfig):
    """AWQ: inputs that are large on calibration data are scaled up before rounding, so that their
    weights lose less.

    Args:
        dataset, tokenizer, num_samples, sequence_length, group_size: as `GPTQConfig` has them.
        weight_bits: 4.
        num_grid_points: scales that are tried for each layer.
        apply_clip: whether the range of each group is tried smaller, too.
        quantization_layer_structure: as `GPTQConfig` has it.

    Raises:
        UserInputError: a value outside of what is said above.

    References:
        Lin et al., 2023, AWQ (https://arxiv.org/abs/2306.00978).

    Examples:
        >>> import fkeras
        >>> fkeras.quantizers.AWQConfig(["a text"], str.split).dtype_policy_string()
        'awq/4/128'
    """

    def __init__(
        self,
        dataset: Iterable[Any] | None,
        tokenizer: Callable[[str], Any] | None,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        sequence_length: int = 512,
        group_size: int = 128,
        num_grid_points: int = 20,
        apply_clip: bool = True,
        quantization_layer_structure: dict[str, list[Any]] | None = None,
    ) -> None:
        if weight_bits != 4:
            raise UserInputError(
                f"AWQ only supports 4-bit quantization. Received: weight_bits={weight_bits}."
            )
        _check_positive(num_grid_points=num_grid_points)
        super().__init__(
            dataset,
            tokenizer,
            weight_bits,
            num_samples,
            sequence_length,
            group_size,
            quantization_layer_structure,
        )
        self.num_grid_points = num_grid_points
        self.apply_clip = apply_clip

    @property
    def mode(self) -> str:
        return "awq"


# Names that Keras 3.15 does not know, with their defaults.
_LATER = {"calibration_batch_size": 8, "apply_clip": True}


def for_files(serialized: Config | None) -> Config | None:
    """A serialized config of any kind without what Keras 3.15 does not know, as far as that is left
    at its default. Calibration is over where a config goes into a file.

    Examples:
        >>> for_files({"class_name": "AWQConfig", "config": {"apply_clip": True, "group_size": 8}})
        {'class_name': 'AWQConfig', 'config': {'group_size': 8}}
    """
    if serialized is None:
        return None
    kept = {
        name: value
        for name, value in serialized["config"].items()
        if name not in _LATER or value != _LATER[name]
    }
    return {**serialized, "config": kept}


def _check_positive(**values: int) -> None:
    for name, value in values.items():
        if value <= 0:
            raise UserInputError(f"{name} must be a positive integer. Received: {value}")
