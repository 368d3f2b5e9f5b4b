"""Images whose values are spread over the whole range, alike in training and in inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import colors, factors, histograms
from fkeras.layers.preprocessing.images.color_layer import ColorLayer
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, Tensor


class AutoContrast(ColorLayer):
    """Stretches each channel of each image over the whole value range.

    A channel of one value stays as it is. Active in training and in inference.

    Args:
        value_range: lowest and highest value that images may have.
        data_format, bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.AutoContrast(value_range=(0, 1))
        >>> layer(jnp.array([[[0.25], [0.375], [0.5]]])).ravel().tolist()
        [0.0, 0.5, 1.0]
    """

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Unpack[ImageOptions]):
        super().__init__(**kwargs)
        self.value_range = factors.value_range("AutoContrast", value_range)

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        return colors.stretch(images, self.value_range, self.data_format)


class Equalization(ColorLayer):
    """Spreads the values of each channel of each image evenly, by its histogram.

    Active in training and in inference.

    Args:
        value_range: lowest and highest value of the images.
        bins: of the histogram, at least 2.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: no value range, too few bins, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.Equalization()
        >>> layer(jnp.array([[[1.0], [2.0], [3.0], [100.0]]])).ravel().tolist()
        [0.0, 85.0, 170.0, 255.0]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        bins: int = 256,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = factors.value_range("Equalization", value_range)
        self.bins = factors.size("Equalization", "bins", bins)
        if self.bins < 2:
            raise UserInputError(
                f"Equalization: one bin holds all values alike. Expected bins=2 or more. Received: "
                f"bins={bins}"
            )

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        values = colors.to_range(images, self.value_range, colors.BYTES)
        equalized = histograms.equalize(values, self.bins, self.data_format)
        return colors.to_range(equalized, colors.BYTES, self.value_range)


class ContrastLimitedAdaptiveHistogramEqualization(ColorLayer):
    """Spreads the values of each image evenly in every region of it (CLAHE).

    A histogram is made of each tile of each channel, and a pixel becomes what the nearest four
    tiles make of it, the nearer the more. Limited contrast keeps noise in even regions from
    growing. Active in training and in inference.

    Args:
        value_range: lowest and highest value of the images.
        clip_limit: how many times the mean a level of a histogram may count, the rest is shared by
            all levels; 0 for no limit.
        tile_grid_size: number of tiles along the height and along the width.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: no value range, no grid, images of another rank.

    References:
        Zuiderveld, 1994, Contrast Limited Adaptive Histogram Equalization, Graphics Gems IV.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.ContrastLimitedAdaptiveHistogramEqualization(
        ...     clip_limit=0, tile_grid_size=(1, 1)
        ... )
        >>> layer(jnp.array([[[1.0], [2.0], [3.0], [100.0]]])).round().ravel().tolist()
        [64.0, 128.0, 191.0, 255.0]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(data_format=data_format, **kwargs)
        name = "ContrastLimitedAdaptiveHistogramEqualization"
        self.value_range = factors.value_range(name, value_range)
        if not isinstance(tile_grid_size, (list, tuple)) or len(tile_grid_size) != 2:
            raise UserInputError(
                f"{name}: `tile_grid_size` must be two positive integers, the tiles along height "
                f"and width. Received: tile_grid_size={tile_grid_size!r}"
            )
        self.clip_limit = clip_limit
        self.tile_grid_size = tuple(
            factors.size(name, "tile_grid_size", count) for count in tile_grid_size
        )

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        values = colors.to_range(images.astype(jnp.float32), self.value_range, colors.BYTES)
        equalized = histograms.equalize_tiles(
            values, self.tile_grid_size, self.clip_limit, self.data_format
        )
        return colors.to_range(equalized, colors.BYTES, self.value_range).astype(images.dtype)
