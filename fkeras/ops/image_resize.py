"""Changing the size of images: resampling, padding, cropping."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import OpDecorator, op
from fkeras.errors import UserInputError
from fkeras.ops.image_color import check_rank
from fkeras.ops.tensors import as_array, saturate_cast
from fkeras.types import DataFormat, Tensor, TensorLike

_INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")
_METHODS = (
    "linear",
    "bilinear",
    "trilinear",
    "cubic",
    "bicubic",
    "tricubic",
    "lanczos3",
    "lanczos5",
)


def _height_axis(images: jax.Array | KerasTensor, data_format: DataFormat | None) -> int:
    """Index of the height's axis; the width's is the next."""
    return len(images.shape) - (3 if standardize_data_format(data_format) == "channels_last" else 2)


@op
def resize(
    images: TensorLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: TensorLike = 0.0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Resamples images to (height, width).

    Args:
        images: one image or a batch; integers are rounded and clipped to their range.
        size: (height, width).
        interpolation: `'bilinear'`, `'nearest'`, `'bicubic'`, `'lanczos3'` or `'lanczos5'`.
        antialias: whether to blur before shrinking.
        crop_to_aspect_ratio: first cut out the largest middle part of the new proportions, so that
            nothing is distorted.
        pad_to_aspect_ratio: first pad to the new proportions with `fill_value`.
        fill_mode: only `'constant'`.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Returns:
        Images of the new size and of the dtype of `images`.

    Examples:
        >>> from fkeras import ops
        >>> ops.image.resize(ops.ones((2, 8, 6, 3)), (4, 4)).shape
        (2, 4, 4, 3)
    """
    size = tuple(size)
    _check_resize(size, interpolation, fill_mode)
    if pad_to_aspect_ratio and crop_to_aspect_ratio:
        raise UserInputError(
            "Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`."
        )
    images = as_array(images)
    check_rank(images)
    axis = _height_axis(images, data_format)
    dtype = images.dtype
    if crop_to_aspect_ratio:
        images = _crop_to_ratio(images, axis, size)
    if pad_to_aspect_ratio:
        images = _pad_to_ratio(images, axis, size, fill_value)
    shape = (*images.shape[:axis], *size, *images.shape[axis + 2 :])
    resized = jax.image.resize(images, shape, interpolation, antialias)
    if resized.dtype == dtype:
        return resized
    # Integers were resampled as floats: bicubic ones overshoot their range.
    rounded = jnp.round(resized) if jnp.issubdtype(dtype, jnp.integer) else resized
    return saturate_cast(rounded, dtype)


def _check_resize(size: tuple[int, ...], interpolation: str, fill_mode: str) -> None:
    """Raises for what `resize` does not know."""
    if len(size) != 2:
        raise UserInputError(f"Expected `size` to be a tuple of 2 integers. Received: size={size}")
    if min(size) <= 0:
        raise UserInputError(f"`size` must have positive height and width. Received: size={size}")
    if interpolation not in _INTERPOLATIONS:
        raise UserInputError(
            f"Invalid value for argument `interpolation`. Expected of one {_INTERPOLATIONS}. "
            f"Received: {interpolation}"
        )
    if fill_mode != "constant":
        raise UserInputError(
            "Invalid value for argument `fill_mode`. Only `'constant'` is supported. Received: "
            f"fill_mode={fill_mode}"
        )


def _crop_to_ratio(images: jax.Array, axis: int, size: tuple[int, int]) -> jax.Array:
    """The largest middle part of the images that has the proportions of `size`."""
    height, width = images.shape[axis : axis + 2]
    rows = max(min(height, int(width * size[0] / size[1])), 1)
    columns = max(min(width, int(height * size[1] / size[0])), 1)
    top = (height - rows) // 2
    left = (width - columns) // 2
    middle = slice(top, top + rows), slice(left, left + columns)
    return images[(slice(None),) * axis + middle]


def _pad_to_ratio(
    images: jax.Array, axis: int, size: tuple[int, int], fill_value: jax.Array
) -> jax.Array:
    """The images with borders of `fill_value` that give them the proportions of `size`."""
    height, width = images.shape[axis : axis + 2]
    # At most one of the two has to grow.
    above = (max(height, int(width * size[0] / size[1])) - height) // 2
    beside = (max(width, int(height * size[1] / size[0])) - width) // 2 if not above else 0
    widths = [(0, 0)] * images.ndim
    widths[axis] = (above, above)
    widths[axis + 1] = (beside, beside)
    images = images.astype(jnp.result_type(images, fill_value))
    return jnp.pad(images, widths, constant_values=fill_value)


@op
def scale_and_translate(
    images: TensorLike,
    output_shape: Sequence[int],
    scale: TensorLike,
    translation: TensorLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Tensor:
    """Resamples images moved and scaled.

    Output position p shows input position (p - translation) / scale.

    Args:
        images: array of any rank.
        output_shape: its shape afterwards.
        scale, translation: one number per axis in `spatial_dims`.
        spatial_dims: the axes that are resampled.
        method: `'linear'` (or `'bilinear'`, `'trilinear'`), `'cubic'` (or `'bicubic'`,
            `'tricubic'`), `'lanczos3'` or `'lanczos5'`.
        antialias: whether to blur before shrinking.
    """
    if method not in _METHODS:
        raise UserInputError(
            f"Invalid value for argument `method`. Expected of one {_METHODS}. Received: "
            f"method={method}"
        )
    return jax.image.scale_and_translate(
        as_array(images),
        tuple(output_shape),
        tuple(spatial_dims),
        as_array(scale),
        as_array(translation),
        method,
        antialias,
    )


# -- padding and cropping: of (before, after, target) two are given, on each axis --


def _resolve(
    size: int | None,
    before: int | None,
    after: int | None,
    target: int | None,
    names: Sequence[str],
    sign: int,
) -> tuple[int | None, int | None, int | None]:
    """(before, after, target) of one axis; with size None, what stays unknown is None."""
    received = ", ".join(f"{k}={v}" for k, v in zip(names, (before, after, target), strict=True))
    if (before, after, target).count(None) != 1:
        raise UserInputError(
            f"Must specify exactly two of {', '.join(names)}. Received: {received}"
        )
    if size is not None:
        target = size + sign * (before + after) if target is None else target
        before = sign * (target - size) - after if before is None else before
        after = sign * (target - size) - before if after is None else after
    for name, value in zip(names, (before, after, target), strict=True):
        if value is not None and value < 0:
            raise UserInputError(
                f"{name} must be >= 0. Received: {name}={value} with size {size} and {received}"
            )
    return before, after, target


def _axes(
    word: str,
    sign: int,
    images: jax.Array | KerasTensor,
    top: int | None,
    left: int | None,
    bottom: int | None,
    right: int | None,
    target_height: int | None,
    target_width: int | None,
    data_format: DataFormat | None,
) -> tuple[int, list[tuple[int | None, int | None, int | None]]]:
    """The axis of the height, and (before, after, target) of height and width."""
    check_rank(images)
    axis = _height_axis(images, data_format)
    height = (top, bottom, target_height), (f"top_{word}", f"bottom_{word}", "target_height")
    width = (left, right, target_width), (f"left_{word}", f"right_{word}", "target_width")
    sizes = images.shape[axis : axis + 2]
    return axis, [
        _resolve(size, *values, names, sign)
        for size, (values, names) in zip(sizes, (height, width), strict=True)
    ]


def _op(word: str, sign: int) -> OpDecorator:
    """`op` for `pad_images` and `crop_images`.

    Their targets may be known where the images' sizes are not.
    """

    def decorate(fn):
        signature = inspect.signature(fn)

        def spec(*args, **kwargs) -> KerasTensor:
            call = signature.bind(*args, **kwargs)
            call.apply_defaults()  # so that the amounts stand in the order of the signature
            images, *amounts = call.args
            axis, axes = _axes(word, sign, images, *amounts)
            return KerasTensor(
                (
                    *images.shape[:axis],
                    *(target for _, _, target in axes),
                    *images.shape[axis + 2 :],
                ),
                images.dtype,
            )

        return op(fn, spec=spec)

    return decorate


@_op("padding", 1)
def pad_images(
    images: TensorLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Adds rows and columns of zeros.

    Args:
        images: one image or a batch.
        top_padding, bottom_padding, target_height: two of these three, in pixels.
        left_padding, right_padding, target_width: two of these three, in pixels.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Examples:
        >>> from fkeras import ops
        >>> ops.image.pad_images(ops.ones((8, 6, 3)), 1, 2, target_height=10, target_width=10).shape
        (10, 10, 3)
    """
    images = as_array(images)
    amounts = top_padding, left_padding, bottom_padding, right_padding, target_height, target_width
    axis, axes = _axes("padding", 1, images, *amounts, data_format)
    widths = [(0, 0)] * images.ndim
    widths[axis : axis + 2] = [(before, after) for before, after, _ in axes]
    return jnp.pad(images, widths)


@_op("cropping", -1)
def crop_images(
    images: TensorLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Cuts rows and columns off.

    Args:
        images: one image or a batch.
        top_cropping, bottom_cropping, target_height: two of these three, in pixels.
        left_cropping, right_cropping, target_width: two of these three, in pixels.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
    """
    images = as_array(images)
    amounts = (
        top_cropping,
        left_cropping,
        bottom_cropping,
        right_cropping,
        target_height,
        target_width,
    )
    axis, axes = _axes("cropping", -1, images, *amounts, data_format)
    return images[
        (slice(None),) * axis + tuple(slice(before, before + target) for before, _, target in axes)
    ]
