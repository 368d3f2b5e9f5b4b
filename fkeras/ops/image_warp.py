"""Moving the pixels of images: each output pixel is read at a computed position of the input."""

from __future__ import annotations

from collections.abc import Callable, Collection

import jax
import jax.numpy as jnp
from jax import lax

from fkeras.core.randomness import seeds
from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.image_color import check_rank
from fkeras.ops.image_filter import gaussian_blur
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array
from fkeras.types import DataFormat, DTypeLike, SeedLike, Tensor, TensorLike

_ORDERS = {"nearest": 0, "bilinear": 1}
_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _one_of(name: str, value: object, choices: Collection[object]) -> None:
    """Raises unless an argument is one of several choices."""
    if value not in choices:
        raise UserInputError(
            f"Invalid value for argument `{name}`. Expected of one {tuple(choices)}. Received: "
            f"{name}={value}"
        )


@op
def map_coordinates(
    inputs: TensorLike,
    coordinates: TensorLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Tensor:
    """Reads an array at given positions.

    Args:
        inputs: array of rank r.
        coordinates: (r, ...), the position along each axis, in elements, fractions allowed.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what lies outside: `'constant'`, `'nearest'`, `'wrap'`, `'mirror'` or
            `'reflect'`, as in SciPy.
        fill_value: for `'constant'`.

    Returns:
        Array of the shape of `coordinates` without its first axis and of the dtype of `inputs`.
    """
    inputs, coordinates = as_array(inputs), as_array(coordinates)
    if coordinates.ndim < 1 or coordinates.shape[0] != inputs.ndim:
        raise UserInputError(
            "First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs "
            f"with shape: {inputs.shape} and coordinates with shape {coordinates.shape}"
        )
    if coordinates.ndim < 2:
        raise UserInputError(
            "Invalid coordinates rank: expected at least rank 2. Received input with shape: "
            f"{coordinates.shape}"
        )
    _one_of("fill_mode", fill_mode, _FILL_MODES)
    _one_of("order", order, (0, 1))
    return jax.scipy.ndimage.map_coordinates(
        inputs, list(coordinates), order, fill_mode, fill_value
    )


def _read_at(
    images: jax.Array,
    rows: jax.Array,
    columns: jax.Array,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
) -> jax.Array:
    """Pixels of (batch, height, width, channels) at `rows` and `columns`, which are the same for
    all channels: the numbers of `map_coordinates`.

    Each of these is (batch or 1, height, width).
    """
    margin = 1 if fill_mode == "constant" else 0
    if margin:  # a border of the value costs less than a choice for each pixel
        fill = jnp.asarray(fill_value).astype(images.dtype)
        images = lax.pad(images, fill, [(0, 0, 0), (1, 1, 0), (1, 1, 0), (0, 0, 0)])
    batch, height, width, channels = images.shape
    shape = (batch, *rows.shape[1:])
    rows, columns = (jnp.broadcast_to(position, shape) for position in (rows, columns))
    pixels = images.reshape(batch, height * width, channels)
    result = jnp.zeros((), rows.dtype)
    for row, of_row in _neighbours(rows, interpolation):
        row = _inside(row + margin, height, fill_mode)
        for column, of_column in _neighbours(columns, interpolation):
            column = _inside(column + margin, width, fill_mode)
            there = jax.vmap(lambda of_image, index: of_image[index])(pixels, row * width + column)
            result = result + (of_row * of_column)[..., None] * there.astype(rows.dtype)
    if jnp.issubdtype(images.dtype, jnp.integer):
        result = lax.round(result)
    return result.astype(images.dtype)


def _neighbours(positions: jax.Array, interpolation: str) -> list[tuple[jax.Array, jax.Array]]:
    """The elements that a value between them is made of, with their weights."""
    if interpolation == "nearest":
        return [(lax.round(positions).astype(jnp.int32), jnp.ones_like(positions))]
    below = jnp.floor(positions)
    above = positions - below  # the weight of the upper one
    index = below.astype(jnp.int32)
    return [(index, 1 - above), (index + 1, above)]


def _inside(index: jax.Array, size: int, fill_mode: str) -> jax.Array:
    """Indices of elements that stand for those outside."""
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "mirror":
        return _mirrored(index, size)
    if fill_mode == "reflect":
        return (_mirrored(2 * index + 1, 2 * size + 1) - 1) // 2
    return jnp.clip(index, 0, size - 1)


def _mirrored(index: jax.Array, size: int) -> jax.Array:
    """Indices mirrored at the first and the last element, which stand only once."""
    last = size - 1
    return jnp.abs((index + last) % (2 * last) - last)


def _as_batch(
    images: jax.Array, data_format: DataFormat | None
) -> tuple[jax.Array, Callable[[jax.Array], jax.Array]]:
    """Images as (batch, height, width, channels), and what undoes that on the results."""
    images = as_array(images)
    check_rank(images)
    first = standardize_data_format(data_format) == "channels_first"
    single = images.ndim == 3
    images = images[None] if single else images
    images = jnp.moveaxis(images, 1, -1) if first else images

    def restore(results):
        results = jnp.moveaxis(results, -1, 1) if first else results
        return results[0] if single else results

    return images, restore


def _grid(images: jax.Array, dtype: DTypeLike) -> tuple[jax.Array, jax.Array]:
    """Rows and columns of all pixels, each (1, height, width)."""
    rows, columns = jnp.meshgrid(
        *(jnp.arange(n, dtype=dtype) for n in images.shape[1:3]), indexing="ij"
    )
    return rows[None], columns[None]


@op
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Shifts, scales, turns and shears images.

    Args:
        images: one image or a batch.
        transform: 8 numbers a0 a1 a2 b0 b1 b2 c0 c1, (8,) or (batch, 8): output pixel (x, y) shows
            the input at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with k = c0 x + c1 y + 1.
            (Keras's JAX backend neglects c0 and c1.)
        interpolation: `'nearest'` or `'bilinear'`.
        fill_mode: what lies outside: `'constant'`, `'nearest'`, `'wrap'`, `'mirror'` or
            `'reflect'`.
        fill_value: for `'constant'`.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Returns:
        Images of the same shape and dtype.
    """
    _one_of("interpolation", interpolation, _ORDERS)
    _one_of("fill_mode", fill_mode, _FILL_MODES)
    images, restore = _as_batch(images, data_format)
    transform = as_array(transform)
    if transform.ndim not in (1, 2):
        raise UserInputError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of "
            f"transforms). Received input with shape: transform.shape={transform.shape}"
        )
    transform = jnp.atleast_2d(transform)
    if transform.shape[1] != 8 or transform.shape[0] not in (1, images.shape[0]):
        raise UserInputError(
            f"affine_transform: expected transform (8,) or ({images.shape[0]}, 8). Received: "
            f"transform.shape={transform.shape}"
        )
    return restore(projected(images, transform, interpolation, fill_mode, fill_value))


def projected(
    images: jax.Array,
    transform: jax.Array,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    is_affine: bool = False,
    is_upright: bool = False,
) -> jax.Array:
    """Each pixel of a batch read where its transform says.

    Args:
        images: (batch, height, width, channels).
        transform: (1 or batch, 8), as in `affine_transform`.
        interpolation, fill_mode, fill_value: as in `affine_transform`.
        is_affine: whether the last two numbers are 0, which spares a division for each pixel.
        is_upright: whether a1 and b0 are 0, too: rows stay rows and columns stay columns.
    """
    # In float32 at least: bfloat16 cannot tell pixel 257 from 256.
    dtype = result_type(transform.dtype, "float32")
    rows, columns = _grid(images, dtype)
    a0, a1, a2, b0, b1, b2, c0, c1 = transform.astype(dtype).T[:, :, None, None]
    x = a0 * columns + a2 if is_upright else a0 * columns + a1 * rows + a2
    y = b1 * rows + b2 if is_upright else b0 * columns + b1 * rows + b2
    if not is_affine:
        depth = c0 * columns + c1 * rows + 1
        x, y = x / depth, y / depth
    return _read_at(images, y, x, interpolation, fill_mode, fill_value)


@op
def perspective_transform(
    images: TensorLike,
    start_points: TensorLike,
    end_points: TensorLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Warps images so that the four `start_points` come to lie at the `end_points`.

    Args:
        images: one image or a batch.
        start_points, end_points: corners (x, y) in pixels, (4, 2) or (batch, 4, 2).
        interpolation: `'nearest'` or `'bilinear'`.
        fill_value: of pixels that come from outside.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Returns:
        Images of the same shape and dtype.
    """
    _one_of("interpolation", interpolation, _ORDERS)
    images, restore = _as_batch(images, data_format)
    start = as_array(start_points)
    end = as_array(end_points)
    for name, points in (("start_points", start), ("end_points", end)):
        if points.ndim not in (2, 3) or points.shape[-2:] != (4, 2):
            raise UserInputError(
                f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. "
                f"Received shape: {points.shape}"
            )
    if start.shape != end.shape:
        raise UserInputError(
            "start_points and end_points must have the same shape. Received "
            f"start_points.shape={start.shape}, end_points.shape={end.shape}"
        )
    # (batch or 1, 4, 2), in float32 at least for the equations.
    start = start.reshape(-1, 4, 2).astype("float32")
    end = end.reshape(-1, 4, 2).astype("float32")
    if start.shape[0] not in (1, images.shape[0]):
        raise UserInputError(
            f"perspective_transform: {start.shape[0]} sets of points for {images.shape[0]} images."
        )
    return restore(projected(images, homography(start, end), interpolation, "constant", fill_value))


def homography(start: jax.Array, end: jax.Array) -> jax.Array:
    """The transform that sends each end point to its start point: (batch, 8).

    The 8 numbers are those of `affine_transform`.

    Args:
        start, end: corners (x, y), (batch, 4, 2), floats.
    """
    x, y = end[..., 0], end[..., 1]  # (batch, 4)
    u, v = start[..., 0], start[..., 1]
    zero = jnp.zeros_like(x)
    one = jnp.ones_like(x)
    # u (c0 x + c1 y + 1) = a0 x + a1 y + a2, and the same for v: two linear equations a point.
    for_x = jnp.stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1)
    for_y = jnp.stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1)
    equations = jnp.concatenate([for_x, for_y], axis=1)  # (batch, 8, 8)
    return jnp.linalg.solve(equations, start.mT.reshape(-1, 8, 1))[..., 0]


def _elastic_spec(
    images: KerasTensor,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: SeedLike | None = None,
    data_format: DataFormat | None = None,
) -> KerasTensor:
    check_rank(images)
    return KerasTensor(images.shape, images.dtype)  # a trial would draw from `seed`


@op(spec=_elastic_spec)
def elastic_transform(
    images: TensorLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: SeedLike | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Distorts images by a smooth random displacement of each pixel.

    Args:
        images: one image or a batch, each with its own displacements. (Keras's JAX backend moves x
            and y by the same numbers.)
        alpha: strength: displacements are `alpha` times blurred normal numbers of standard
            deviation `sigma`.
        sigma: standard deviation of the blur, in pixels: larger is smoother. A Python number.
        interpolation, fill_mode, fill_value, data_format: as in `affine_transform`.
        seed: an int, a `SeedGenerator`, a JAX key, or None.

    Returns:
        Images of the same shape and dtype.

    References:
        Simard et al., 2003, https://cognitivemedium.com/assets/rmnist/Simard.pdf
    """
    _one_of("interpolation", interpolation, _ORDERS)
    _one_of("fill_mode", fill_mode, _FILL_MODES)
    images, restore = _as_batch(images, data_format)
    window = int(6 * sigma) | 1  # three deviations on both sides, and odd
    dtype = result_type(images.dtype, "float32")
    noise = jax.random.normal(seeds.draw_seed(seed), (*images.shape[:3], 2), dtype) * sigma
    shift = alpha * gaussian_blur(
        noise, (window, window), (sigma, sigma), data_format="channels_last"
    )
    return restore(displaced(images, shift, interpolation, fill_mode, fill_value))


def displaced(
    images: jax.Array, shifts: jax.Array, interpolation: str, fill_mode: str, fill_value: float
) -> jax.Array:
    """Images whose pixels show what lies by a shift of their own away.

    Args:
        images: (batch, height, width, channels).
        shifts: (batch, height, width, 2), along x and y, in pixels.
        interpolation, fill_mode, fill_value: as in `affine_transform`.
    """
    rows, columns = _grid(images, shifts.dtype)
    rows, columns = rows + shifts[..., 1], columns + shifts[..., 0]
    return _read_at(images, rows, columns, interpolation, fill_mode, fill_value)
