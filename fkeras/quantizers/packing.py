"""Several small whole numbers in one byte: 4 bits, 2 bits, or one of three values each.

A byte holds the digits of a number in base 16 (two values), 4 (four values) or 3 (five values,
since 3**5 = 243 <= 256). The first value along the axis is the lowest digit. The bytes are those of
Keras, so that files travel both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.argument_kinds import read
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Shape, TensorLike


class _Digits(NamedTuple):
    base: int
    per_byte: int


_FOUR_BITS = _Digits(16, 2)
_TWO_BITS = _Digits(4, 4)
_TERNARY = _Digits(3, 5)


def pack_int4(arr: TensorLike, axis: int = 0, dtype: str = "int8") -> tuple[jax.Array, Shape, int]:
    """Two 4-bit values in each byte.

    Args:
        arr: array of `dtype` with values in [-8, 7] (int8) or [0, 15] (uint8).
        axis: along which neighbours share a byte. An odd length is filled up with a 0.
        dtype: `'int8'` or `'uint8'`, of the values and of the bytes.

    Returns:
        The bytes, their shape, and the length of the axis before.

    Raises:
        UserInputError: another `dtype`.
        UserTypeError: an array of another dtype than `dtype`.

    Examples:
        >>> import jax.numpy as jnp
        >>> packed, shape, length = pack_int4(jnp.array([[-3, 7], [2, -8], [1, 0]], "int8"))
        >>> packed.tolist(), shape, length
        ([[45, -121], [1, 0]], (2, 2), 3)
    """
    return _pack_bits(arr, axis, dtype, _FOUR_BITS)


def unpack_int4(packed: TensorLike, orig_len: int, axis: int = 0, dtype: str = "int8") -> jax.Array:
    """The values that `pack_int4` put into bytes.

    Args:
        packed: the bytes, int8 or uint8.
        orig_len: length of the axis before packing.
        axis: along which the values were packed.
        dtype: `'int8'` for values in [-8, 7], `'uint8'` for [0, 15].

    Raises:
        UserInputError: another `dtype`.
        UserTypeError: bytes of another dtype.

    Examples:
        >>> import jax.numpy as jnp
        >>> unpack_int4(jnp.array([[45, -121], [1, 0]], "int8"), 3).tolist()
        [[-3, 7], [2, -8], [1, 0]]
    """
    return _unpack_bits(packed, orig_len, axis, dtype, _FOUR_BITS)


def pack_int2(arr: TensorLike, axis: int = 0, dtype: str = "int8") -> tuple[jax.Array, Shape, int]:
    """Four 2-bit values in each byte.

    Args:
        arr: array of `dtype` with values in [-2, 1] (int8) or [0, 3] (uint8).
        axis, dtype: as `pack_int4` has them. The length is filled up to a multiple of four.

    Returns:
        The bytes, their shape, and the length of the axis before.

    Raises:
        UserInputError, UserTypeError: as `pack_int4` does.

    Examples:
        >>> import jax.numpy as jnp
        >>> packed, shape, length = pack_int2(jnp.array([-2, 0, 1, 0, -1], "int8"))
        >>> packed.tolist(), shape, length
        ([18, 3], (2,), 5)
    """
    return _pack_bits(arr, axis, dtype, _TWO_BITS)


def unpack_int2(packed: TensorLike, orig_len: int, axis: int = 0, dtype: str = "int8") -> jax.Array:
    """The values that `pack_int2` put into bytes.

    Args:
        packed: the bytes, int8 or uint8.
        orig_len: length of the axis before packing.
        axis: along which the values were packed.
        dtype: `'int8'` for values in [-2, 1], `'uint8'` for [0, 3].

    Raises:
        UserInputError, UserTypeError: as `unpack_int4` does.

    Examples:
        >>> import jax.numpy as jnp
        >>> unpack_int2(jnp.array([18, 3], "int8"), 5).tolist()
        [-2, 0, 1, 0, -1]
    """
    return _unpack_bits(packed, orig_len, axis, dtype, _TWO_BITS)


def pack_ternary(arr: TensorLike, axis: int = 0) -> tuple[jax.Array, Shape, int]:
    """Five values of -1, 0 and 1 in each byte: 1.6 bits a value.

    Args:
        arr: array of any numeric dtype; values are rounded, and cut to [-1, 1].
        axis: along which neighbours share a byte. The length is filled up to a multiple of five.

    Returns:
        The bytes (uint8), their shape, and the length of the axis before.

    Examples:
        >>> packed, shape, length = pack_ternary([1, -1, 0, 1, 0, -1])
        >>> packed.tolist(), shape, length
        ([146, 120], (2,), 6)
    """
    values = jnp.asarray(read(arr))
    digits = (jnp.clip(jnp.round(values), -1, 1) + 1).astype("uint8")
    packed = _pack(digits, axis, _TERNARY, filling=1)
    return packed, packed.shape, values.shape[axis]


def unpack_ternary(packed: TensorLike, orig_len: int, axis: int = 0) -> jax.Array:
    """The values that `pack_ternary` put into bytes, as int8.

    Args:
        packed: the bytes, uint8 (or int8 with the same bits).
        orig_len: length of the axis before packing.
        axis: along which the values were packed.

    Raises:
        UserTypeError: bytes of another dtype.

    Examples:
        >>> import jax.numpy as jnp
        >>> unpack_ternary(jnp.array([146, 120], "uint8"), 6).tolist()
        [1, -1, 0, 1, 0, -1]
    """
    digits = _unpack(_as_bytes(packed), orig_len, axis, _TERNARY)
    return digits.astype("int8") - jnp.int8(1)


def _pack_bits(
    arr: TensorLike, axis: int, dtype: str, digits: _Digits
) -> tuple[jax.Array, Shape, int]:
    _check_dtype(dtype)
    values = jnp.asarray(read(arr))
    if standardize_dtype(values.dtype) != dtype:
        raise UserTypeError(f"Expected {dtype} tensor for packing, got {values.dtype}.")
    lowest_bits = values.astype("uint8") & jnp.uint8(digits.base - 1)
    packed = _pack(lowest_bits, axis, digits).astype(dtype)
    return packed, packed.shape, values.shape[axis]


def _unpack_bits(
    packed: TensorLike, orig_len: int, axis: int, dtype: str, digits: _Digits
) -> jax.Array:
    _check_dtype(dtype)
    values = _unpack(_as_bytes(packed), orig_len, axis, digits).astype(dtype)
    if dtype == "uint8":
        return values
    sign = jnp.int8(digits.base // 2)
    return (values ^ sign) - sign  # 0..7 stay, 8..15 become -8..-1


def _check_dtype(dtype: str) -> None:
    if dtype not in ("int8", "uint8"):
        raise UserInputError(f"Expected dtype to be 'int8' or 'uint8', but got '{dtype}'.")


def _as_bytes(packed: TensorLike) -> jax.Array:
    codes = jnp.asarray(read(packed))
    if codes.dtype not in (jnp.int8, jnp.uint8):
        raise UserTypeError(f"Expected int8 or uint8 tensor for unpacking, got {codes.dtype}.")
    return codes.astype("uint8")  # the same bits


def _pack(digits: jax.Array, axis: int, kind: _Digits, filling: int = 0) -> jax.Array:
    """The bytes whose digits stand along an axis."""
    moved = jnp.moveaxis(digits, axis, 0)
    missing = -moved.shape[0] % kind.per_byte
    widths = [(0, missing)] + [(0, 0)] * (moved.ndim - 1)
    padded = jnp.pad(moved, widths, constant_values=filling)
    packed = sum(padded[i :: kind.per_byte] * jnp.uint8(kind.base**i) for i in range(kind.per_byte))
    return jnp.moveaxis(packed, 0, axis)


def _unpack(codes: jax.Array, length: int, axis: int, kind: _Digits) -> jax.Array:
    """The digits of bytes, along an axis."""
    moved = jnp.moveaxis(codes, axis, 0)
    # Constant divisors, one by one: compilers make shifts of powers of two.
    digits = [
        jax.lax.rem(
            jax.lax.div(moved, jnp.full_like(moved, kind.base**i)), jnp.full_like(moved, kind.base)
        )
        for i in range(kind.per_byte)
    ]
    flat = jnp.stack(digits, axis=1).reshape(-1, *moved.shape[1:])
    return jnp.moveaxis(flat[:length], 0, axis)
