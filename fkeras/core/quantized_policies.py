"""The policies of layers whose kernels are kept in few bits."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

from fkeras.core.float_policies import DTypePolicy, dtype_policy, parse_name
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Config

QUANTIZATION_MODES = ("int8", "float8", "int4", "ternary", "gptq", "awq")


class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a layer whose kernel is kept in few bits.

    Args:
        mode: `'int8'`, `'float8'`, `'int4'`, ...
        source_name: name of the policy that the layer had before; None for the global policy's.

    Raises:
        UserInputError: an unknown mode, or int8 with float16.

    Examples:
        >>> import fkeras
        >>> policy = fkeras.dtype_policies.QuantizedDTypePolicy("int8", "mixed_bfloat16")
        >>> policy.name, policy.compute_dtype, policy.quantization_mode
        ('int8_from_mixed_bfloat16', 'bfloat16', 'int8')
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        self._source_name = dtype_policy().name if source_name is None else source_name
        self._compute_dtype, self._variable_dtype = parse_name(self._source_name)
        self._full_mode, self._quantization_mode = self._parse_mode(mode)
        if self._quantization_mode not in QUANTIZATION_MODES:
            raise UserInputError(
                f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: "
                f"mode={mode}"
            )
        if self._quantization_mode == "int8" and self._compute_dtype == "float16":
            raise UserInputError(
                f"Quantization mode={mode!r} doesn't work well with compute_dtype='float16'. Use "
                "bfloat16 or float32."
            )
        self._name = f"{self._full_mode}_from_{self._source_name}"

    def _parse_mode(self, mode: str) -> tuple[str, str]:
        """The mode as it is written in names, and without its parameters."""
        return mode, mode

    def get_config(self) -> Config:
        return {"mode": self._full_mode, "source_name": self._source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer trained in float8.

    Args:
        mode, source_name: see `QuantizedDTypePolicy`.
        amax_history_length: steps over which the largest magnitudes are remembered to choose
            scales.

    Raises:
        UserTypeError: a length that is no int.
    """

    default_amax_history_length = 1024

    def __init__(
        self, mode: str, source_name: str | None = None, amax_history_length: int = 1024
    ) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, Integral):
            raise UserTypeError(
                "`amax_history_length` must be an integer. Received: "
                f"amax_history_length={amax_history_length!r}"
            )
        self._amax_history_length = amax_history_length

    @property
    def amax_history_length(self) -> int:
        return self._amax_history_length

    def get_config(self) -> Config:
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer whose kernel is kept in 4 bits, with one scale for each block of rows.

    Args:
        mode: `'int4/128'` for blocks of 128 rows, `'int4/-1'` for one scale a column.
        source_name: see `QuantizedDTypePolicy`.

    Attributes:
        block_size: rows of a block, or -1.
    """

    def _parse_mode(self, mode: str) -> tuple[str, str]:
        mode = "int4/-1" if mode == "int4/None" else mode  # as older files have it
        self.mode, (self.block_size,) = _parameters(self, mode, "int4/<block_size>")
        return mode, self.mode


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer quantized by GPTQ.

    Args:
        mode: `'gptq/4/128'`: 4 bits (2, 3, 4 or 8), groups of 128 (-1: the whole kernel).
        source_name: see `QuantizedDTypePolicy`.

    Attributes:
        weight_bits, group_size: the numbers in the mode.
    """

    _bits = (2, 3, 4, 8)
    _format = "gptq/<weight_bits>/<group_size>"

    def _parse_mode(self, mode: str) -> tuple[str, str]:
        self.mode, (self.weight_bits, self.group_size) = _parameters(self, mode, self._format)
        if self.weight_bits not in self._bits:
            raise UserInputError(
                f"Invalid weight_bits in mode. Supported values are {self._bits}, but got "
                f"{self.weight_bits} from '{mode}'."
            )
        return mode, self.mode


class AWQDTypePolicy(GPTQDTypePolicy):
    """The policy of a layer quantized by AWQ.

    Args:
        mode: `'awq/4/128'`: always 4 bits, groups of 128 (-1: one scale a column).
        source_name: see `QuantizedDTypePolicy`.
    """

    _bits = (4,)
    _format = "awq/<weight_bits>/<group_size>"


class TernaryDTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer whose kernel holds only -1, 0 and 1, times a scale."""


def _parameters(policy: DTypePolicy, mode: str, form: str) -> tuple[str, tuple[int, ...]]:
    """The base mode and the ints of `'gptq/4/128'`; the last int is a size: positive, or -1."""
    parts = mode.split("/")
    expected = form.split("/")
    complaint = f"mode for {type(policy).__name__}. Expected format '{form}', but got '{mode}'."
    if len(parts) != len(expected) or parts[0] != expected[0]:
        raise UserInputError(f"Invalid {complaint}")
    try:
        values = tuple(int(p) for p in parts[1:])
    except ValueError:
        raise UserInputError(
            f"Invalid {complaint} All of {', '.join(expected[1:])} must be integers."
        ) from None
    if values[-1] < -1 or values[-1] == 0:
        raise UserInputError(
            f"Invalid {expected[-1][1:-1]} in mode. Supported values are -1 or a positive integer, "
            f"but got {values[-1]} from '{mode}'."
        )
    return parts[0], values


# By how their modes begin; `'int4'` alone has no parameters.
_BY_MODE: dict[str, type[QuantizedDTypePolicy]] = {
    "float8": QuantizedFloat8DTypePolicy,
    "int4/": Int4DTypePolicy,
    "ternary": TernaryDTypePolicy,
    "gptq": GPTQDTypePolicy,
    "awq": AWQDTypePolicy,
}


def from_quantized_name(name: str) -> QuantizedDTypePolicy:
    """The policy of a name such as `'int8_from_float32'`."""
    mode, *source = name.split("_from_")  # exactly one source
    if len(source) != 1:
        raise UserInputError(
            "Cannot convert `policy` into a valid pair (`mode`, `source_name`) such as "
            f"'int8_from_float32'. Received: policy={name!r}"
        )
    matches = (cls for start, cls in _BY_MODE.items() if mode.startswith(start))
    return next(matches, QuantizedDTypePolicy)(mode, source[0])
