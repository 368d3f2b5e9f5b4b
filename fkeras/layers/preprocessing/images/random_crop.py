"""`RandomCrop`: a part of each image, somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras import ops
from fkeras.layers.preprocessing.images import factors, samples
from fkeras.layers.preprocessing.images.center_crop import middle_part
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.moving_layer import RandomMovingLayer, scaled_part

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomCrop(RandomMovingLayer):
    """Cuts a part of a given size out of each image, at a place of its own, in training.

    Images that are smaller than the part are resized: the largest middle part of its proportions
    fills it. In inference images are left as they are, in their own size: where a network needs the
    size of the part there too, put `Resizing` or `CenterCrop` behind.

    Args:
        height, width: of the part, in pixels.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        name: None for an automatic name.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, height, width, channels)`, or without the
        batch.

    Raises:
        UserInputError: a size that is no positive integer.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomCrop(4, 5, seed=1)
        >>> layer(jnp.ones((2, 8, 8, 3))).shape
        (2, 4, 5, 3)
    """

    interpolation = "bilinear"

    def __init__(
        self,
        height: int,
        width: int,
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height = factors.size("RandomCrop", "height", height)
        self.width = factors.size("RandomCrop", "width", width)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        return self.height, self.width

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        if height < self.height or width < self.width:  # it is resized
            return {"h_start": jnp.zeros((), "int32"), "w_start": jnp.zeros((), "int32")}
        free = jnp.asarray([height - self.height + 1, width - self.width + 1])
        top, left = jax.random.randint(key, (2,), 0, free)
        return {"h_start": top, "w_start": left}

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        height, width = samples.size_of(images.shape, self.data_format)
        size = (self.height, self.width)
        if height < self.height or width < self.width:
            return ops.image.resize(
                images,
                size,
                interpolation=interpolation,
                crop_to_aspect_ratio=True,
                data_format=self.data_format,
            )
        is_last = self.data_format == "channels_last"

        def cut(image: Tensor, top: Tensor, left: Tensor) -> Tensor:
            shape = (*size, image.shape[-1]) if is_last else (image.shape[0], *size)
            zero = jnp.zeros_like(top)
            starts = (top, left, zero) if is_last else (zero, top, left)
            return jax.lax.dynamic_slice(image, starts, shape)

        return jax.vmap(cut)(images, *_starts(transformation, images.shape[0]))

    def move_corners(
        self, corners: Tensor, transformation: Transformation, height: int, width: int
    ) -> Tensor:
        if height < self.height or width < self.width:
            (top, rows), (left, columns) = middle_part((height, width), (self.height, self.width))
            scales = self.height / rows, self.width / columns
            return scaled_part(corners, float(top), float(left), scales)
        top, left = _starts(transformation, corners.shape[0])
        return scaled_part(corners, top, left, (1.0, 1.0))


def _starts(transformation: Transformation, count: int) -> tuple[Tensor, Tensor]:
    """Top and left of the parts of a batch; one number of each stands for all images."""
    top, left = (
        jnp.broadcast_to(jnp.asarray(transformation[name], "int32"), (count,))
        for name in ("h_start", "w_start")
    )
    return top, left
