"""`smart_resize`: another size without distortion."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fkeras import ops
from fkeras.errors import UserInputError, UserTypeError
from fkeras.types import DataFormat, Tensor, TensorLike


def smart_resize(
    x: TensorLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: DataFormat = "channels_last",
    **kwargs: Any,
) -> np.ndarray | Tensor:
    """Resizes the largest middle part of an image that has the proportions of the new size.

    Nothing is distorted; what does not fit is cut off. `ops.image.resize` with
    `crop_to_aspect_ratio=True` does about the same.

    Args:
        x: one image or a batch: (height, width, channels) or (batch, height, width, channels), or
            with channels first.
        size: (height, width).
        interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'.
        data_format: 'channels_last' or 'channels_first'.
        **kwargs: `backend_module`, which older code passes, has no effect.

    Returns:
        Images of the new size: a NumPy array for a NumPy array, else a JAX array.

    Raises:
        UserInputError: not an image, or not a size.

    Examples:
        >>> import numpy as np
        >>> from fkeras.data.smart_resize import smart_resize
        >>> smart_resize(np.zeros((30, 50, 3)), (20, 20)).shape
        (20, 20, 3)
    """
    unknown = set(kwargs) - {"backend_module"}
    if unknown:
        raise UserTypeError(f"smart_resize() got unexpected keyword arguments: {sorted(unknown)}")
    if len(size) != 2:
        raise UserInputError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    image = ops.convert_to_tensor(x)
    if image.ndim not in (3, 4):
        raise UserInputError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, "
            f"height, width, channels)`, but got input with incorrect rank, of shape {image.shape}."
        )
    first_axis = image.ndim - (3 if data_format == "channels_last" else 2)
    rows, columns = _middle_part(image.shape[first_axis : first_axis + 2], size)
    cut = image[(slice(None),) * first_axis + (rows, columns)]
    resized = ops.image.resize(cut, size, interpolation=interpolation, data_format=data_format)
    return np.array(resized) if isinstance(x, np.ndarray) else resized


def _middle_part(shape: Sequence[int], size: Sequence[int]) -> tuple[slice, slice]:
    """The rows and columns of the largest part of a size's proportions, in the middle."""
    height, width = shape
    target_height, target_width = size
    crop_height = max(1, min(height, int(width * target_height / target_width)))
    crop_width = max(1, min(width, int(height * target_width / target_height)))
    top = (height - crop_height) // 2
    left = (width - crop_width) // 2
    return slice(top, top + crop_height), slice(left, left + crop_width)
