"""Python's operators on KerasTensors, as they are on arrays.

`&` and `|` work on bits, as for JAX arrays.
"""

from __future__ import annotations

from fkeras.core.symbolic.keras_tensor import TENSOR_METHODS
from fkeras.core.symbolic.keras_tensor import (
    KerasTensor as KerasTensor,  # from here it comes with its operators
)
from fkeras.ops import arithmetic, elementwise, indexing, products, shaping, tensors
from fkeras.types import Tensor


# Python's `round` says `ndigits`, NumPy and Keras `decimals`.
def _round(x: KerasTensor, ndigits: int | None = None) -> Tensor:
    return elementwise.round(x, decimals=ndigits or 0)


TENSOR_METHODS.update(
    {
        "add": arithmetic.add,
        "sub": arithmetic.subtract,
        "mul": arithmetic.multiply,
        "truediv": arithmetic.divide,
        "floordiv": arithmetic.floor_divide,
        "mod": arithmetic.mod,
        "pow": arithmetic.power,
        "matmul": products.matmul,
        "lt": arithmetic.less,
        "le": arithmetic.less_equal,
        "gt": arithmetic.greater,
        "ge": arithmetic.greater_equal,
        "eq": arithmetic.equal,
        "ne": arithmetic.not_equal,
        "and": arithmetic.bitwise_and,
        "or": arithmetic.bitwise_or,
        "xor": arithmetic.bitwise_xor,
        "invert": elementwise.bitwise_not,
        "neg": elementwise.negative,
        "pos": tensors.copy,
        "abs": elementwise.absolute,
        "round": _round,
        "getitem": indexing.get_item,
        "transpose": shaping.transpose,
        "reshape": shaping.reshape,
        "squeeze": shaping.squeeze,
    }
)
