"""`RandomZoom`: images made larger or smaller within their frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import (
    FillMode,
    Interpolation,
    ProjectiveLayer,
)

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomZoom(ProjectiveLayer):
    """Zooms into or out of the middle of each image by factors of its own, in training.

    Args:
        height_factor: greatest change of what is seen of the height, in (-1, 1]: 0.2 for 80 % to
            120 % of it. Or a pair: `(0.2, 0.3)` sees 20 % to 30 % more (zooms out),
            `(-0.3, -0.2)` less (zooms in).
        width_factor: the same of the width; None keeps the proportions.
        fill_mode: what is seen around the image: `'reflect'` (`d c b a | a b c d | d c b a`),
            `'wrap'`, `'nearest'`, or `'constant'`, which is `fill_value`.
        interpolation: `'bilinear'` or `'nearest'`.
        seed: int; None for numbers that follow from the model's seed.
        fill_value: a number.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor out of its range, an unknown choice.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> wide = fkeras.layers.RandomZoom(0.0, (1.0, 1.0), fill_mode="constant")
        >>> wide(jnp.arange(1.0, 6.0).reshape(1, 5, 1)).ravel().tolist()
        [0.0, 1.0, 3.0, 5.0, 0.0]
    """

    is_upright = True

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: SeedLike | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._heights = _range("height_factor", height_factor)
        self._widths = None if width_factor is None else _range("width_factor", width_factor)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        for_height, for_width = jax.random.split(key)
        high = jax.random.uniform(
            for_height, (1,), minval=self._heights[0], maxval=self._heights[1]
        )
        wide = high
        if self._widths is not None:
            wide = jax.random.uniform(
                for_width, (1,), minval=self._widths[0], maxval=self._widths[1]
            )
        return {"height_zoom": high, "width_zoom": wide}

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        wide, high = (
            jnp.asarray(transformation[name], "float32").reshape(-1)
            for name in ("width_zoom", "height_zoom")
        )
        zero = jnp.zeros_like(wide)
        x, y = (1 - wide) * ((width - 1) / 2), (1 - high) * ((height - 1) / 2)
        return jnp.stack([wide, zero, x, zero, high, y, zero, zero], axis=-1)


def _range(name: str, factor: float | Sequence[float]) -> factors.Range:
    lower, upper = factors.as_range("RandomZoom", name, factor, (-1, 1))
    if lower <= -1:
        raise UserInputError(
            f"RandomZoom: `{name}` must be above -1, which would see a single point of the image. "
            f"Received: {name}={factor!r}"
        )
    return 1.0 + lower, 1.0 + upper
