"""Images rotated, moved, sheared and zoomed: by given numbers, or by numbers drawn from NumPy's
global generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fkeras.errors import UserInputError


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Rotates, moves, shears and zooms an image around its middle.

    Args:
        x: single image of rank 3.
        theta: angle of the rotation, in degrees.
        tx, ty: how far along x (columns) and y (rows) what is shown begins, in pixels.
        shear: angle in degrees.
        zx, zy: factors along x and y; above 1 shows more, smaller.
        row_axis, col_axis, channel_axis: axes of the image.
        fill_mode: what is outside: 'nearest', 'constant', 'reflect' or 'wrap'.
        cval: value outside, for 'constant'.
        order: of the splines to interpolate with, 0 to 5.

    Returns:
        An image of the same shape and dtype.

    Raises:
        UserInputError: the axes or the rank do not fit.

    Examples:
        >>> import numpy as np, fkeras
        >>> image = np.array([[[1.0], [2.0], [3.0]]])  # one row
        >>> moved = fkeras.preprocessing.image.apply_affine_transform(
        ...     image, tx=1, row_axis=0, col_axis=1, channel_axis=2
        ... )
        >>> moved[0, :, 0].tolist()
        [2.0, 3.0, 3.0]
    """
    _check_axes(x, row_axis, col_axis, channel_axis)
    if theta == 0 and tx == 0 and ty == 0 and shear == 0 and zx == 1 and zy == 1:
        return x
    from scipy import ndimage

    matrix = _around_middle(
        _transform_matrix(theta, tx, ty, shear, zx, zy), x.shape[row_axis], x.shape[col_axis]
    )
    if col_axis > row_axis:  # the matrix takes x before y, arrays have rows first
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    channels = np.moveaxis(x, channel_axis, 0)
    moved = np.empty_like(channels)
    for channel, place in zip(channels, moved, strict=True):
        ndimage.affine_transform(
            channel,
            matrix[:2, :2],
            matrix[:2, 2],
            order=order,
            mode=fill_mode,
            cval=cval,
            output=place,
        )
    return np.moveaxis(moved, 0, channel_axis)


def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Rotates an image by a random angle.

    Args:
        x: single image of rank 3.
        rg: largest angle in degrees, to both sides.
        row_axis, col_axis, channel_axis, fill_mode, cval: see `apply_affine_transform`.
        interpolation_order: of the splines to interpolate with.

    Returns:
        An image of the same shape.
    """
    theta = np.random.uniform(-rg, rg)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Moves an image by a random way.

    Args:
        x: single image of rank 3.
        wrg, hrg: longest way as a fraction of the width and of the height, to both sides.
        row_axis, col_axis, channel_axis, fill_mode, cval: see `apply_affine_transform`.
        interpolation_order: of the splines to interpolate with.

    Returns:
        An image of the same shape.
    """
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shears an image by a random angle.

    Args:
        x: single image of rank 3.
        intensity: largest angle in degrees, to both sides.
        row_axis, col_axis, channel_axis, fill_mode, cval: see `apply_affine_transform`.
        interpolation_order: of the splines to interpolate with.

    Returns:
        An image of the same shape.
    """
    shear = np.random.uniform(-intensity, intensity)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_zoom(
    x: np.ndarray,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Zooms an image by random factors, one along rows and one along columns.

    Args:
        x: single image of rank 3.
        zoom_range: smallest and largest factor; above 1 shows more, smaller.
        row_axis, col_axis, channel_axis, fill_mode, cval: see `apply_affine_transform`.
        interpolation_order: of the splines to interpolate with.

    Returns:
        An image of the same shape.

    Raises:
        UserInputError: not two factors.
    """
    if len(zoom_range) != 2:
        raise UserInputError(
            f"`zoom_range` should be a tuple or list of two floats. Received: {zoom_range}"
        )
    zx, zy = draw_zoom(zoom_range)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order
    )


def draw_zoom(zoom_range: Sequence[float]) -> tuple[float, float]:
    """Random factors along rows and columns; 1 and 1, undrawn, where nothing else is in range.

    Args:
        zoom_range: smallest and largest factor.
    """
    if zoom_range[0] == 1 and zoom_range[1] == 1:
        return 1, 1
    zx, zy = np.random.uniform(zoom_range[0], zoom_range[1], 2)
    return zx, zy


def flip_axis(x: np.ndarray, axis: int) -> np.ndarray:
    """An array in reverse order along an axis.

    Args:
        x: the array.
        axis: index of the axis.
    """
    return np.flip(np.asarray(x), axis)


def _check_axes(x: np.ndarray, row_axis: int, col_axis: int, channel_axis: int) -> None:
    axes = [row_axis, col_axis, channel_axis]
    if len(set(axes)) != 3:
        raise UserInputError(
            f"'row_axis', 'col_axis', and 'channel_axis' must be distinct. Received: {axes}"
        )
    if set(axes) != {0, 1, 2}:
        raise UserInputError(f"Invalid axis' indices: {set(axes) - {0, 1, 2}}. Expected 0, 1, 2.")
    if x.ndim != 3:
        raise UserInputError(
            f"Input arrays must be multi-channel 2D images. Received an array of shape {x.shape}."
        )
    if channel_axis not in (0, 2):
        raise UserInputError("Channels are allowed and the first and last dimensions. Received: 1")


def _transform_matrix(
    theta: float, tx: float, ty: float, shear: float, zx: float, zy: float
) -> np.ndarray:
    """Where each place of the result comes from: rotated, moved, sheared, zoomed; (3, 3)."""
    theta, shear = np.deg2rad(theta), np.deg2rad(shear)
    cosine, sine = np.cos(theta), np.sin(theta)
    matrix = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    for further in (
        [[1, 0, tx], [0, 1, ty], [0, 0, 1]],
        [[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]],
        [[zx, 0, 0], [0, zy, 0], [0, 0, 1]],
    ):
        matrix = np.dot(matrix, np.array(further))
    return matrix


def _around_middle(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """The same around the middle of an image instead of its corner."""
    x, y = height / 2 - 0.5, width / 2 - 0.5
    there = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
    back = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    return np.dot(np.dot(there, matrix), back)
