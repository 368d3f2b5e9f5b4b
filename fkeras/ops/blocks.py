"""Rearranging positions and channels: `unfold`, `fold`, `depth_to_space`, `space_to_depth`."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.tensors import as_array
from fkeras.ops.windows import per_axis, window_indices
from fkeras.types import Axis, DataFormat, Tensor, TensorLike


@op
def unfold(
    x: TensorLike, kernel_size: Axis, dilation: Axis = 1, padding: Axis = 0, stride: Axis = 1
) -> Tensor:
    """Sliding blocks as columns, as in PyTorch.

    (batch, channels, height, width) -> (batch, channels * kh * kw, windows).

    Args:
        x: images, always channels first.
        kernel_size, dilation, padding, stride: an int, or (height, width); `padding` adds zeros on
            both sides.
    """
    x = as_array(x)
    if x.ndim != 4:
        raise UserInputError(
            "unfold: the input must be a 4D tensor (batch, channels, height, width). Received: "
            f"x.shape={x.shape}."
        )
    names = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (
        per_axis(name, value, 2) for name, value in names.items()
    )
    x = jnp.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    batch, channels, height, width = x.shape
    rows, _ = window_indices(height, kh, sh, dh, "VALID")  # (oh, kh)
    columns, _ = window_indices(width, kw, sw, dw, "VALID")  # (ow, kw)
    x = x[:, :, rows[:, :, None, None], columns]  # (batch, channels, oh, kh, ow, kw)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(
        batch, channels * kh * kw, len(rows) * len(columns)
    )


@op
def fold(
    x: TensorLike,
    output_size: Axis,
    kernel_size: Axis,
    dilation: Axis = 1,
    padding: Axis = 0,
    stride: Axis = 1,
) -> Tensor:
    """Sums sliding blocks back into images.

    (batch, channels * kh * kw, windows) -> (batch, channels, *output_size).

    The transpose of `unfold`: positions that several windows cover get the sum, so
    `fold(unfold(x))` is x times that count.
    """
    x = as_array(x)
    if x.ndim != 3:
        raise UserInputError(
            "fold: the input must be a 3D tensor (batch, channels * kernel, windows). Received: "
            f"x.shape={x.shape}."
        )
    block = math.prod(per_axis("kernel_size", kernel_size, 2))
    if x.shape[1] % block:
        raise UserInputError(
            f"fold: axis 1 must be divisible by the kernel's {block} positions. Received: "
            f"x.shape={x.shape}."
        )
    image = jax.ShapeDtypeStruct(
        (x.shape[0], x.shape[1] // block, *per_axis("output_size", output_size, 2)), x.dtype
    )

    def to_columns(images):
        return unfold(images, kernel_size, dilation, padding, stride)

    # The windows that these arguments make, counted by the function that makes them.
    expected = jax.eval_shape(to_columns, image).shape
    if expected != x.shape:
        raise UserInputError(
            f"fold: output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, "
            f"padding={padding} and stride={stride} make {expected[2]} windows. Received: "
            f"x.shape={x.shape}, so {x.shape[2]}."
        )
    return jax.linear_transpose(to_columns, image)(x)[0]


def _check(name: str, x: jax.Array, block_size: int) -> None:
    if x.ndim != 4:
        raise UserInputError(f"`{name}` requires a 4D input tensor. Received: x.shape={x.shape}.")
    if block_size < 2:
        raise UserInputError(f"`block_size` must be at least 2. Received: block_size={block_size}.")


@op
def depth_to_space(
    x: TensorLike, block_size: int, data_format: DataFormat | None = "channels_last"
) -> Tensor:
    """Channels become square blocks of positions.

    (batch, h, w, c) -> (batch, h * block, w * block, c / block^2).
    """
    data_format = standardize_data_format(data_format)
    x = as_array(x)
    _check("depth_to_space", x, block_size)
    batch, *dims = x.shape
    # As in Keras: c = (row, column, depth) with channels last, (depth, row, column) else.
    height, width, channels = dims if data_format == "channels_last" else (*dims[1:], dims[0])
    if channels % block_size**2:
        raise UserInputError(
            f"depth_to_space: the number of channels ({channels}) must be divisible by "
            f"block_size**2 ({block_size**2}). Received: x.shape={x.shape}."
        )
    depth = channels // block_size**2
    if data_format == "channels_last":
        x = x.reshape(batch, height, width, block_size, block_size, depth).transpose(
            0, 1, 3, 2, 4, 5
        )
        return x.reshape(batch, height * block_size, width * block_size, depth)
    x = x.reshape(batch, depth, block_size, block_size, height, width).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(batch, depth, height * block_size, width * block_size)


@op
def space_to_depth(
    x: TensorLike, block_size: int, data_format: DataFormat | None = "channels_last"
) -> Tensor:
    """Square blocks of positions become channels.

    (batch, h, w, c) -> (batch, h / block, w / block, c * block^2).
    """
    data_format = standardize_data_format(data_format)
    x = as_array(x)
    _check("space_to_depth", x, block_size)
    batch, *dims = x.shape
    height, width, channels = dims if data_format == "channels_last" else (*dims[1:], dims[0])
    for name, size in (("Height", height), ("Width", width)):
        if size % block_size:
            raise UserInputError(
                f"space_to_depth: {name} ({size}) must be divisible by block_size ({block_size})."
            )
    rows = height // block_size
    columns = width // block_size
    depth = channels * block_size**2
    if data_format == "channels_last":
        x = x.reshape(batch, rows, block_size, columns, block_size, channels).transpose(
            0, 1, 3, 2, 4, 5
        )
        return x.reshape(batch, rows, columns, depth)
    x = x.reshape(batch, channels, rows, block_size, columns, block_size).transpose(
        0, 1, 3, 5, 2, 4
    )
    return x.reshape(batch, depth, rows, columns)
