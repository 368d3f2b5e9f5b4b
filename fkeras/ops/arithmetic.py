"""Functions of two arrays, value by value.

Shapes broadcast, dtypes promote; Python scalars take the dtype of the other.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserTypeError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, as_tensor
from fkeras.types import Tensor, TensorLike


def _floats(x1: jax.Array, x2: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both as arrays of their common float dtype."""
    x1, x2 = as_array(x1), as_array(x2)
    dtype = result_type(x1.dtype, x2.dtype, float)
    return x1.astype(dtype), x2.astype(dtype)


# -- arithmetic ----------------------------------------------------------------


@op(sparse=sparse_rules.union)
def add(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 + x2.

    Args:
        x1, x2: arrays, Variables or numbers whose shapes broadcast.

    Returns:
        An array of the broadcast shape and the promoted dtype; integers wrap around at the end of
        their range.

    Raises:
        UserInputError: where the shapes do not broadcast; it names both, and the axis.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.add([[1, 2], [3, 4]], [10, 20])
        Array([[11, 22],
               [13, 24]], dtype=int32)
    """
    return jnp.add(as_tensor(x1), as_tensor(x2))


@op(sparse=sparse_rules.union)
def subtract(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 - x2."""
    return jnp.subtract(as_tensor(x1), as_tensor(x2))


@op(sparse=sparse_rules.intersection)
def multiply(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 * x2."""
    return jnp.multiply(as_tensor(x1), as_tensor(x2))


@op(sparse=sparse_rules.quotient)
def divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 / x2 as a float; x / 0 is inf, 0 / 0 is NaN."""
    return jnp.divide(as_tensor(x1), as_tensor(x2))


@op(sparse=sparse_rules.quotient)
def true_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 / x2 as a float: `divide` by its other name."""
    return jnp.divide(as_tensor(x1), as_tensor(x2))


@op
def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 / x2, and 0 where x2 is 0, with a finite gradient there."""
    x1, x2 = as_tensor(x1), as_array(x2)
    # The divisor is 1 there: a NaN that `where` leaves out would still reach the gradient.
    return jnp.where(x2 == 0, 0, jnp.divide(x1, jnp.where(x2 == 0, 1, x2)))


@op
def floor_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The largest whole number <= x1 / x2, in the promoted dtype."""
    return jnp.floor_divide(as_tensor(x1), as_tensor(x2))


@op
def mod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of `floor_divide`: it has the sign of x2."""
    return jnp.mod(as_tensor(x1), as_tensor(x2))


@op
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of division towards 0, as in C: it has the sign of x1."""
    return jnp.fmod(as_tensor(x1), as_tensor(x2))


@op
def power(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 to the power x2."""
    return jnp.power(as_tensor(x1), as_tensor(x2))


@op(sparse=sparse_rules.union)
def maximum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of both; NaN where either is NaN."""
    return jnp.maximum(as_tensor(x1), as_tensor(x2))


@op(sparse=sparse_rules.union)
def minimum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of both; NaN where either is NaN."""
    return jnp.minimum(as_tensor(x1), as_tensor(x2))


@op
def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of both; the other one where one is NaN."""
    return jnp.fmax(as_tensor(x1), as_tensor(x2))


@op
def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of both; the other one where one is NaN."""
    return jnp.fmin(as_tensor(x1), as_tensor(x2))


@op
def gcd(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Greatest common divisor of integers."""
    return jnp.gcd(as_tensor(x1), as_tensor(x2))


@op
def lcm(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Least common multiple of integers."""
    return jnp.lcm(as_tensor(x1), as_tensor(x2))


@op
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """sqrt(x1**2 + x2**2) without overflow on the way."""
    return jnp.hypot(as_tensor(x1), as_tensor(x2))


@op
def arctan2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The angle of the point (x2, x1) in radians, in (-pi, pi]."""
    return jnp.arctan2(*_floats(x1, x2))


@op
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log(exp(x1) + exp(x2)) without overflow on the way."""
    return jnp.logaddexp(*_floats(x1, x2))


@op
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log2(2**x1 + 2**x2) without overflow on the way."""
    return jnp.logaddexp2(*_floats(x1, x2))


@op
def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 * 2**x2 for integers x2."""
    x2 = as_array(x2)
    # JAX would take floats, and cut them.
    if x2.dtype.kind not in "iu":
        raise UserTypeError(
            f"ldexp exponent must be an integer type. Received: x2.dtype={x2.dtype}."
        )
    return jnp.ldexp(as_tensor(x1), x2)


@op
def nextafter(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The next float after x1 in the direction of x2."""
    return jnp.nextafter(as_tensor(x1), as_tensor(x2))


# -- comparison: bool out ------------------------------------------------------


@op
def equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 == x2."""
    return jnp.equal(as_tensor(x1), as_tensor(x2))


@op
def not_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 != x2."""
    return jnp.not_equal(as_tensor(x1), as_tensor(x2))


@op
def greater(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 > x2."""
    return jnp.greater(as_tensor(x1), as_tensor(x2))


@op
def greater_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 >= x2."""
    return jnp.greater_equal(as_tensor(x1), as_tensor(x2))


@op
def less(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 < x2."""
    return jnp.less(as_tensor(x1), as_tensor(x2))


@op
def less_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 <= x2."""
    return jnp.less_equal(as_tensor(x1), as_tensor(x2))


@op
def isclose(
    x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol * |x2|, value by value."""
    return jnp.isclose(as_tensor(x1), as_tensor(x2), rtol, atol, equal_nan)


@op
def allclose(
    x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all values are close, as a bool of shape (): see `isclose`."""
    return jnp.allclose(as_tensor(x1), as_tensor(x2), rtol, atol, equal_nan)


@op
def logical_and(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether both are nonzero."""
    return jnp.logical_and(as_tensor(x1), as_tensor(x2))


@op
def logical_or(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether either is nonzero."""
    return jnp.logical_or(as_tensor(x1), as_tensor(x2))


@op
def logical_xor(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether exactly one is nonzero."""
    return jnp.logical_xor(as_tensor(x1), as_tensor(x2))


# -- bits of integers and bools ------------------------------------------------


@op
def bitwise_and(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits set in both."""
    return jnp.bitwise_and(as_tensor(x), as_tensor(y))


@op
def bitwise_or(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits set in either."""
    return jnp.bitwise_or(as_tensor(x), as_tensor(y))


@op
def bitwise_xor(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits set in exactly one."""
    return jnp.bitwise_xor(as_tensor(x), as_tensor(y))


@op
def bitwise_left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """x * 2**y: bits moved up by y places."""
    return jnp.left_shift(as_tensor(x), as_tensor(y))


@op
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """x * 2**y: `bitwise_left_shift` by its short name."""
    return jnp.left_shift(as_tensor(x), as_tensor(y))


@op
def bitwise_right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """x // 2**y: bits moved down by y places, the sign kept."""
    return jnp.right_shift(as_tensor(x), as_tensor(y))


@op
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """x // 2**y: `bitwise_right_shift` by its short name."""
    return jnp.right_shift(as_tensor(x), as_tensor(y))
