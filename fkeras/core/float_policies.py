"""`DTypePolicy`: which dtype a layer computes in, and which it keeps its weights in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core import settings
from fkeras.core.dtypes import is_float, standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Config, DTypeLike

_MIXED = {"mixed_float16": ("float16", "float32"), "mixed_bfloat16": ("bfloat16", "float32")}


class DTypePolicy:
    """The pair of dtypes of a layer.

    `compute_dtype` for its inputs and arithmetic, `variable_dtype` for its weights.

    Args:
        name: a dtype name (both the same), `'mixed_bfloat16'` or `'mixed_float16'` (weights in
            float32); None for the global policy's.

    Raises:
        UserInputError: another name.
        UserTypeError: no string.

    Examples:
        >>> import fkeras
        >>> policy = fkeras.dtype_policies.DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = dtype_policy().name if name is None else name
        self._compute_dtype, self._variable_dtype = parse_name(self._name)
        self._quantization_mode: str | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of inputs and arithmetic."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """How the kernel is kept in few bits; None: it is not."""
        return self._quantization_mode

    def convert_input(self, x: Any, autocast: bool, dtype: DTypeLike) -> Any:
        """An array or KerasTensor in `dtype` where it is float and autocast is on.

        Anything else as it is.
        """
        from_dtype = getattr(x, "dtype", None)
        if from_dtype is None or not (autocast and is_float(from_dtype)):
            return x
        if standardize_dtype(from_dtype) == standardize_dtype(dtype):
            return x
        if isinstance(x, KerasTensor):
            cast = KerasTensor(x.shape, dtype=dtype, sparse=x.sparse, ragged=x.ragged, name=x.name)
            cast._keras_history = x._keras_history  # no operation stands between the two
            return cast
        return x.astype(dtype)

    def get_config(self) -> Config:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), self._name))

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self._name}">'


FloatDTypePolicy = DTypePolicy


def parse_name(name: str) -> tuple[str, str]:
    """The compute and variable dtypes of a policy that is not quantized."""
    if not isinstance(name, str):
        raise UserTypeError(
            "DTypePolicy: 'name' must be a string, such as 'mixed_bfloat16'. Received: "
            f"name={name} (of type {type(name)})"
        )
    if name in _MIXED:
        return _MIXED[name]
    try:
        dtype = standardize_dtype(name)
    except ValueError:
        raise UserInputError(
            f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include "
            "'mixed_float16', 'mixed_bfloat16', and the name of any float dtype such as 'float32'."
        ) from None
    return dtype, dtype


def dtype_policy() -> Any:
    """The global policy: what a layer gets that is given none.

    It follows `floatx` until another is set.
    """
    policy = settings.get("dtype_policy")
    return DTypePolicy(settings.floatx()) if policy is None else policy
