"""Convolutions and pooling of `tf.nn`: TensorFlow's arguments around the operations of fkeras."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras import ops
from fkeras.compat.tensorflow.calls import shape_of, shape_tuple, to_numpy
from fkeras.errors import UserInputError
from fkeras.types import Axis, ShapeLike, Tensor, TensorLike


def _format(data_format: str | None) -> str:
    is_first = data_format is not None and data_format.startswith("NC")
    return "channels_first" if is_first else "channels_last"


def _per_axis(value: Any, count: int, data_format: str | None) -> Any:
    """One number for each axis of space, out of a number, `count` numbers, or one for each axis."""
    if value is None:
        return 1
    if isinstance(value, (int, np.integer)):
        return int(value)
    values = shape_tuple(value)
    if len(values) == count + 2:
        first = 2 if _format(data_format) == "channels_first" else 1
        return values[first : first + count]
    return values * count if len(values) == 1 else values


def _ready(x: TensorLike) -> Any:
    return x if hasattr(x, "dtype") else to_numpy(x)


def _padding(input: Any, padding: Any, count: int, data_format: str | None) -> tuple[Any, str]:
    """The input and the name of a padding; numbers before and after each axis are padded here."""
    if isinstance(padding, str):
        return input, padding.lower()
    widths = [tuple(row) for row in padding]
    if len(widths) != count + 2:
        raise UserInputError(f"padding={padding!r}. Expected 'SAME', 'VALID' or a pair an axis.")
    return ops.pad(input, widths), "valid"


def _convolution(count: int):
    def conv(
        input: TensorLike,
        filters: TensorLike,
        strides: Axis = 1,
        padding: Any = "VALID",
        data_format: str | None = None,
        dilations: Axis | None = None,
        name: str | None = None,
    ) -> Tensor:
        input, padding = _padding(_ready(input), padding, count, data_format)
        return ops.conv(
            input,
            _ready(filters),
            strides=_per_axis(strides, count, data_format),
            padding=padding,
            data_format=_format(data_format),
            dilation_rate=_per_axis(dilations, count, data_format),
        )

    conv.__name__ = f"conv{count}d"
    return conv


_conv = {count: _convolution(count) for count in (1, 2, 3)}


def conv1d(
    input: TensorLike,
    filters: TensorLike,
    stride: Axis,
    padding: Any,
    data_format: str = "NWC",
    dilations: Axis | None = None,
    name: str | None = None,
) -> Tensor:
    """The convolution of rows."""
    return _conv[1](input, filters, stride, padding, data_format, dilations)


def depthwise_conv2d(
    input: TensorLike,
    filter: TensorLike,
    strides: Axis,
    padding: Any,
    data_format: str | None = None,
    dilations: Axis | None = None,
    name: str | None = None,
) -> Tensor:
    """Each channel convolved by itself."""
    input, padding = _padding(_ready(input), padding, 2, data_format)
    return ops.depthwise_conv(
        input,
        _ready(filter),
        strides=_per_axis(strides, 2, data_format),
        padding=padding,
        data_format=_format(data_format),
        dilation_rate=_per_axis(dilations, 2, data_format),
    )


def separable_conv2d(
    input: TensorLike,
    depthwise_filter: TensorLike,
    pointwise_filter: TensorLike,
    strides: Axis,
    padding: Any,
    data_format: str | None = None,
    dilations: Axis | None = None,
    name: str | None = None,
) -> Tensor:
    """Each channel convolved by itself, then all of them mixed."""
    alone = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return ops.conv(
        alone, _ready(pointwise_filter), padding="valid", data_format=_format(data_format)
    )


def _transposed(count: int):
    def conv_transpose(
        input: TensorLike,
        filters: TensorLike,
        output_shape: ShapeLike,
        strides: Axis,
        padding: str = "SAME",
        data_format: str | None = None,
        dilations: Axis | None = None,
        name: str | None = None,
    ) -> Tensor:
        result = ops.conv_transpose(
            _ready(input),
            _ready(filters),
            strides=_per_axis(strides, count, data_format),
            padding=padding.lower(),
            data_format=_format(data_format),
            dilation_rate=_per_axis(dilations, count, data_format),
        )
        wanted = shape_tuple(output_shape)
        # A size that the strides do not divide: 'SAME' and 'VALID' leave several sizes open.
        shape = shape_of(result)
        if any(w != -1 and h is not None and w != h for w, h in zip(wanted, shape)):
            raise UserInputError(
                f"conv{count}d_transpose: output_shape={wanted}, and the result has {shape}. Use "
                "`keras.layers.Conv2DTranspose(output_padding=...)` for another size."
            )
        return result

    conv_transpose.__name__ = f"conv{count}d_transpose"
    return conv_transpose


def _pooling(kind: str, count: int):
    pool_op = {"max": ops.max_pool, "avg": ops.average_pool}[kind]

    def pool(
        input: TensorLike,
        ksize: Axis,
        strides: Axis,
        padding: str,
        data_format: str | None = None,
        name: str | None = None,
    ) -> Tensor:
        return pool_op(
            _ready(input),
            _per_axis(ksize, count, data_format),
            strides=_per_axis(strides, count, data_format),
            padding=padding.lower(),
            data_format=_format(data_format),
        )

    pool.__name__ = f"{kind}_pool{count}d"
    return pool


def _any_rank(by_rank: dict[int, Any], name: str):
    """The function for as many axes as the input has beside batch and channels."""

    def function(input: TensorLike, *args: Any, **kwargs: Any) -> Tensor:
        return by_rank[len(shape_of(input)) - 2](input, *args, **kwargs)

    function.__name__ = name
    return function


_POOLS = {kind: {count: _pooling(kind, count) for count in (1, 2, 3)} for kind in ("max", "avg")}

NAMES = {
    "conv1d": conv1d,
    "conv2d": _conv[2],
    "conv3d": _conv[3],
    **{f"conv{count}d_transpose": _transposed(count) for count in (1, 2, 3)},
    **{
        f"{kind}_pool{count}d": pool
        for kind, pools in _POOLS.items()
        for count, pool in pools.items()
    },
    **{f"{kind}_pool": _any_rank(pools, f"{kind}_pool") for kind, pools in _POOLS.items()},
    "convolution": _any_rank(_conv, "convolution"),
    "depthwise_conv2d": depthwise_conv2d,
    "separable_conv2d": separable_conv2d,
}
