"""Images and volumes cut into patches, and put together again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import NamedTuple

import jax
import jax.numpy as jnp

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.tensors import as_array
from fkeras.ops.windows import check_padding, per_axis, window_indices
from fkeras.types import Axis, DataFormat, Tensor, TensorLike


def _patch_size(size: Axis) -> tuple[int, ...]:
    """The size of a patch along each of 2 or 3 axes, checked."""
    if isinstance(size, Integral):
        return size, size
    if not isinstance(size, (tuple, list)):
        raise UserTypeError(
            f"Invalid `size` argument. Expected an int or a tuple. Received: size={size} of type "
            f"{type(size).__name__}"
        )
    if len(size) not in (2, 3):
        raise UserInputError(
            f"Invalid `size` argument. Expected a tuple of length 2 or 3. Received: size={size} "
            f"with length {len(size)}"
        )
    return tuple(size)


@op
def extract_patches(
    images: TensorLike,
    size: Axis,
    strides: Axis | None = None,
    dilation_rate: Axis = 1,
    padding: str = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Patches of images (or volumes): (batch, h, w, c) -> (batch, rows, columns, kh * kw * c).

    Args:
        images: one image or a batch of them; volumes (depth, height, width, channels) for a `size`
            of 3.
        size: of a patch, in pixels: an int, (height, width) or (depth, height, width).
        strides: pixels from one patch to the next; None means `size`: patches side by side.
        dilation_rate: pixels from one element of a patch to the next.
        padding: `'valid'`, or `'same'` for ceil(size / stride) patches, zeros outside.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Returns:
        Patches with all their pixels in the channels' axis.

    Examples:
        >>> from fkeras import ops
        >>> ops.image.extract_patches(ops.ones((2, 8, 8, 3)), 4).shape
        (2, 2, 2, 48)
    """
    return _extract(
        as_array(images), _patch_size(size), strides, dilation_rate, padding, data_format
    )


@op
def extract_patches_3d(
    volumes: TensorLike,
    size: Axis,
    strides: Axis | None = None,
    dilation_rate: Axis = 1,
    padding: str = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Patches of volumes: (batch, d, h, w, c) -> (batch, ..., kd * kh * kw * c).

    Arguments as in `extract_patches`, `size` an int or 3.
    """
    if not isinstance(size, Integral) and len(size) != 3:
        raise UserTypeError(
            "Invalid `size` argument. Expected an int or a tuple of length 3. Received: "
            f"size={size}"
        )
    return _extract(
        as_array(volumes), per_axis("size", size, 3), strides, dilation_rate, padding, data_format
    )


def _extract(
    x: jax.Array,
    size: tuple[int, ...],
    strides: Axis | None,
    dilation_rate: Axis,
    padding: str,
    data_format: DataFormat | None,
) -> jax.Array:
    """Patches of inputs with as many spatial axes as `size` has, with or without a batch."""
    spatial = len(size)
    if x.ndim not in (spatial + 1, spatial + 2):
        raise UserInputError(
            f"Patches of {spatial} axes need an input of rank {spatial + 1} or {spatial + 2}. "
            f"Received shape: {x.shape}"
        )
    first = standardize_data_format(data_format) == "channels_first"
    strides = size if not strides else per_axis("strides", strides, spatial)
    dilation = per_axis("dilation_rate", dilation_rate, spatial)
    padding = check_padding(padding)
    single = x.ndim == spatial + 1
    # Meanwhile (batch, spatial..., channels), whatever came.
    x = x[None] if single else x
    x = jnp.moveaxis(x, 1, -1) if first else x
    for i in range(spatial):  # axis i becomes two: which patch, where in the patch
        axis = 1 + 2 * i
        index, pad = window_indices(x.shape[axis], size[i], strides[i], dilation[i], padding)
        if not index.size:
            raise UserInputError(
                f"Patches of size {size} do not fit into an input of shape {x.shape}. Use "
                "padding='same'."
            )
        x = jnp.pad(x, [pad if a == axis else (0, 0) for a in range(x.ndim)])
        x = jnp.take(x, index, axis=axis)
    places = range(1, 2 * spatial, 2)
    inside = range(2, 2 * spatial + 1, 2)
    x = x.transpose(0, *places, *inside, x.ndim - 1)
    x = x.reshape(*x.shape[: 1 + spatial], -1)
    x = jnp.moveaxis(x, -1, 1) if first else x
    return x[0] if single else x


class _Reconstruction(NamedTuple):
    """What both `reconstruct_patches` and its shape need; None is unknown."""

    size: tuple[int, ...]
    grid: tuple[int | None, ...]  # how many patches along each axis
    channels: int | None
    channels_first: bool
    is_single: bool  # one image, without a batch


def _reconstruction(
    patches: jax.Array | KerasTensor,
    size: Axis,
    output_size: Sequence[int],
    strides: Axis | None,
    padding: str,
    data_format: DataFormat | None,
) -> _Reconstruction:
    """The arguments of `reconstruct_patches`, checked."""
    size = _patch_size(size)
    padding = _check_reconstruction(size, output_size, strides, padding)
    shape = tuple(patches.shape)
    spatial = len(size)
    if len(shape) not in (spatial + 1, spatial + 2):
        raise UserInputError(
            f"`patches` has unexpected rank for {spatial}D reconstruction. Expected {spatial + 1} "
            f"(unbatched) or {spatial + 2} (batched). Received shape: {shape}"
        )
    first = standardize_data_format(data_format) == "channels_first"
    inner = shape if len(shape) == spatial + 1 else shape[1:]
    flat, grid = (inner[0], inner[1:]) if first else (inner[-1], inner[:-1])
    volume = math.prod(size)
    if flat is not None and flat % volume:
        raise UserInputError(
            f"`patches` last dim ({flat}) is not divisible by prod(size) ({volume}). Received "
            f"shape: {shape}"
        )
    _check_grid(grid, size, output_size, padding)
    channels = None if flat is None else flat // volume
    return _Reconstruction(size, grid, channels, first, len(shape) == spatial + 1)


def _check_reconstruction(
    size: tuple[int, ...], output_size: Sequence[int], strides: Axis | None, padding: str
) -> str:
    """Checks what does not depend on the patches; the padding in small letters."""
    if not isinstance(output_size, (tuple, list)):
        raise UserTypeError(
            "Invalid `output_size` argument. Expected a tuple or list. Received: "
            f"output_size={output_size} of type {type(output_size).__name__}"
        )
    if len(output_size) != len(size):
        raise UserInputError(
            f"Invalid `output_size`. Expected length {len(size)}, as `size`. Got: "
            f"output_size={output_size}"
        )
    padding = str(padding).lower()
    if padding not in ("same", "valid"):
        raise UserInputError(f"Invalid `padding`. Expected 'same' or 'valid'. Got: {padding}")
    if strides is not None and per_axis("strides", strides, len(size)) != size:
        raise NotImplementedError(
            "`reconstruct_patches` currently supports only non-overlapping reconstruction "
            f"(strides == size). Got strides={strides} and size={size}."
        )
    return padding


def _check_grid(
    grid: tuple[int | None, ...], size: tuple[int, ...], output_size: Sequence[int], padding: str
) -> None:
    """Raises unless the grid of patches covers the output, with no patch in excess."""
    names = ("depth", "height", "width")[-len(size) :]
    for name, g, p, o in zip(names, grid, size, output_size, strict=True):
        if g is None:
            continue
        if padding == "valid" and g * p != o:
            raise UserInputError(
                "`padding='valid'` requires output_size to equal size * grid. Got "
                f"output_size={output_size}, grid {name}={g}, size={size}."
            )
        if padding == "same" and not (g - 1) * p < o <= g * p:
            raise UserInputError(
                f"For `padding='same'`, `output_size` {name} ({o}) must be in the range ((g-1)*p, "
                f"g*p], i.e. ({(g - 1) * p}, {g * p}]. Got: grid={g}, patch={p}."
            )


def _reconstruct_spec(
    patches: KerasTensor,
    size: Axis,
    output_size: Sequence[int],
    strides: Axis | None = None,
    padding: str = "valid",
    data_format: DataFormat | None = None,
) -> KerasTensor:
    plan = _reconstruction(patches, size, output_size, strides, padding, data_format)
    channels = plan.channels
    shape = (channels, *output_size) if plan.channels_first else (*output_size, channels)
    batched = shape if plan.is_single else (patches.shape[0], *shape)
    return KerasTensor(batched, dtype=patches.dtype)


@op(spec=_reconstruct_spec)
def reconstruct_patches(
    patches: TensorLike,
    size: Axis,
    output_size: Sequence[int],
    strides: Axis | None = None,
    padding: str = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Images from patches that lie side by side.

    Undoes `extract_patches` with `strides=None` and the same padding.

    Args:
        patches: (batch, rows, columns, kh * kw * c), or without a batch; one more axis for volumes.
        size: of a patch: an int, (height, width) or (depth, height, width).
        output_size: of the images.
        strides: None, or equal to `size`.
        padding: as it was in `extract_patches`; `'same'` cuts the padding off.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
    """
    patches = as_array(patches)
    plan = _reconstruction(patches, size, output_size, strides, padding, data_format)
    size, grid, channels, first, single = plan
    x = patches[None] if single else patches
    x = jnp.moveaxis(x, 1, -1) if first else x
    n = len(size)
    x = x.reshape(x.shape[0], *grid, *size, channels)
    # Each axis of the grid before the same axis inside a patch; then both are one axis.
    x = x.transpose(0, *(a for i in range(n) for a in (1 + i, 1 + n + i)), 2 * n + 1)
    covered = [g * p for g, p in zip(grid, size, strict=True)]
    x = x.reshape(x.shape[0], *covered, channels)
    # 'same' padding was added on both sides, the odd row at the end.
    starts = [(c - o) // 2 for c, o in zip(covered, output_size, strict=True)]
    x = x[(slice(None), *(slice(s, s + o) for s, o in zip(starts, output_size, strict=True)))]
    x = jnp.moveaxis(x, -1, 1) if first else x
    return x[0] if single else x
