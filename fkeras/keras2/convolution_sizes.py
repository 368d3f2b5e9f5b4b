"""Sizes of convolutions: `keras.utils.conv_utils` of Keras 2, for layers that people wrote."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from fkeras.errors import UserInputError


def normalize_tuple(value: int | Iterable[int], n: int, name: str, **options: Any) -> tuple:
    """`value` as a tuple of `n` ints; one int stands for all. `name` is for the error."""
    values = (value,) * n if isinstance(value, Integral) else tuple(value)
    if len(values) != n or not all(isinstance(v, Integral) for v in values):
        raise UserInputError(
            f"The `{name}` argument must be a tuple of {n} integers. Received: {value}"
        )
    return tuple(int(v) for v in values)


def normalize_padding(value: str) -> str:
    """'valid', 'same' or 'causal' in lower case."""
    padding = value.lower()
    if padding not in ("valid", "same", "causal"):
        raise UserInputError(f"`padding` must be 'valid', 'same' or 'causal'. Received: {value!r}")
    return padding


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """The length that a convolution leaves; None for an unknown one.

    Examples:
        >>> conv_output_length(10, 3, "valid", 2)
        4
    """
    if input_length is None:
        return None
    window = filter_size + (filter_size - 1) * (dilation - 1)
    length = {
        "same": input_length,
        "causal": input_length,
        "valid": input_length - window + 1,
        "full": input_length + window - 1,
    }[padding]
    return -(-length // stride)


def conv_input_length(
    output_length: int | None, filter_size: int, padding: str, stride: int
) -> int | None:
    """The length that a convolution needs for an output length; None for an unknown one."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_length(
    dim_size: int | None,
    stride_size: int,
    kernel_size: int,
    padding: str,
    output_padding: int | None = None,
    dilation: int = 1,
) -> int | None:
    """The length that a transposed convolution leaves; None for an unknown one."""
    if dim_size is None:
        return None
    window = kernel_size + (kernel_size - 1) * (dilation - 1)
    if output_padding is None:
        length = dim_size * stride_size
        if padding == "valid":
            return length + max(window - stride_size, 0)
        return length if padding == "same" else length - (stride_size + window - 2)
    pad = {"same": window // 2, "valid": 0, "full": window - 1}[padding]
    return (dim_size - 1) * stride_size + window - 2 * pad + output_padding
