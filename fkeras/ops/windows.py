"""What operations with a sliding window share.

Their arguments made one int per spatial axis, and the windows' indices.
"""

from __future__ import annotations

import math

import numpy as np

from fkeras.errors import UserInputError
from fkeras.types import TensorLike


def per_axis(name: str, value: TensorLike, count: int) -> tuple[int, ...]:
    """`value` as a tuple of `count` ints: an int stands for all axes."""
    values = (value,) * count if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) != count or any(int(v) != v for v in values):
        raise UserInputError(
            f"`{name}` must be an int or {count} ints, one per spatial axis. Received: "
            f"{name}={value}."
        )
    return tuple(int(v) for v in values)


def check_padding(padding: str) -> str:
    """`'VALID'` or `'SAME'`, from any spelling."""
    name = str(padding).upper()
    if name not in ("VALID", "SAME"):
        raise UserInputError(f"Invalid padding '{padding}', must be 'same' or 'valid'.")
    return name


def spatial_axes(ndim: int, data_format: str) -> tuple[int, ...]:
    """The axes between (or after) batch and channels, for a batched input of rank `ndim`."""
    return tuple(range(1, ndim - 1)) if data_format == "channels_last" else tuple(range(2, ndim))


def full_rank(values: tuple[int, ...], data_format: str) -> tuple[int, ...]:
    """The values of the spatial axes with 1 for batch and channels."""
    return (1, *values, 1) if data_format == "channels_last" else (1, 1, *values)


def window_indices(
    size: int, window: int, stride: int, dilation: int, padding: str
) -> tuple[np.ndarray, tuple[int, int]]:
    """Indices of each window along one axis, (windows, window).

    Into the axis padded by the second result, (low, high).
    """
    reach = (window - 1) * dilation + 1  # from the first to the last position of a window
    if padding == "SAME":
        count = math.ceil(size / stride)  # as many windows as without any window size
        total = max((count - 1) * stride + reach - size, 0)
    else:
        count = max((size - reach) // stride + 1, 0)
        total = 0
    starts = np.arange(count) * stride
    return starts[:, None] + np.arange(window) * dilation, (total // 2, total - total // 2)
