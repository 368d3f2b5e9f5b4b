"""What kind a dtype or a tensor is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor

if TYPE_CHECKING:
    from typing import TypeGuard

    from fkeras.types import DTypeLike


def is_float_dtype(dtype: DTypeLike) -> bool:
    """Whether a dtype is floating, of any width.

    Examples:
        >>> import fkeras
        >>> fkeras.backend.is_float_dtype("bfloat16"), fkeras.backend.is_float_dtype("int32")
        (True, False)
    """
    return "float" in standardize_dtype(dtype)


def is_int_dtype(dtype: DTypeLike) -> bool:
    """Whether a dtype is an integer, signed or not; False for bool.

    Examples:
        >>> import fkeras
        >>> fkeras.backend.is_int_dtype("uint8"), fkeras.backend.is_int_dtype("bool")
        (True, False)
    """
    return "int" in standardize_dtype(dtype)


def is_keras_tensor(x: object) -> TypeGuard[KerasTensor]:
    """Whether `x` is symbolic: the output of `fkeras.Input` or of a layer called on one.

    Examples:
        >>> import fkeras
        >>> fkeras.utils.is_keras_tensor(fkeras.Input((3,))), fkeras.utils.is_keras_tensor([1.0])
        (True, False)
    """
    return isinstance(x, KerasTensor)
