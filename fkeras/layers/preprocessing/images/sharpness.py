"""Images sharper or smoother at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors, smoothing
from fkeras.layers.preprocessing.images.color_layer import (
    RandomColorLayer,
    choose,
    per_image,
)
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomSharpness(RandomColorLayer):
    """Sharpens or smooths each image by a random degree, in training.

    Args:
        factor: pair of numbers in [0, 1]: 0 is smooth (a mean of 3 x 3 pixels), 0.5 leaves an
            image as it is, 1 is sharp. One number x stands for (0, x).
        value_range: lowest and highest value of the images; results are clipped to it.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor out of bounds, no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomSharpness((0.0, 0.0))
        >>> image = jnp.zeros((3, 3, 1)).at[1, 1].set(13.0)
        >>> layer(image, training=True)[..., 0].tolist()
        [[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]
    """

    factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        return {"factor": self.draw_factor(key)}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        amount = 1.0 - 2.0 * per_image(transformation["factor"], images)
        smooth = smoothing.smooth(images, self.data_format)
        return self.clip(images + amount * (smooth - images))


class RandomGaussianBlur(RandomColorLayer):
    """Blurs some images, chosen at random, by random Gaussian windows, in training.

    Outside of an image is zero, so that a blurred image has dark edges.

    Args:
        factor: pair of numbers in [0, 1] that the probability is drawn from, for each image. One
            number x stands for (0, x): every second image is blurred at 1.
        kernel_size: odd size of the window in pixels, or a pair (along width, along height).
        sigma: pair of numbers in [0, 1] that the standard deviations are drawn from, in pixels, one
            along the width and one along the height. One number x stands for (0, x).
        value_range: lowest and highest value of the images; results are clipped to it.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: numbers out of bounds, an even window, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomGaussianBlur()
        >>> image = jnp.zeros((1, 1, 3, 1)).at[0, 0, 1].set(100.0)
        >>> drawn = {"should_apply_blur": [True], "blur_factor": [1.0, 1e-6]}
        >>> layer.transform_images(image, drawn).round().ravel().tolist()
        [27.0, 45.0, 27.0]
    """

    factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        kernel_size: int | Sequence[int] = 3,
        sigma: float | Sequence[float] = 1.0,
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)
        self.kernel_size = _odd_sizes(kernel_size)
        self.sigma = factors.as_range("RandomGaussianBlur", "sigma", sigma, self.factor_bounds)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        choice_key, sigma_key = jax.random.split(key)
        lower, upper = self.sigma
        sigmas = jax.random.uniform(sigma_key, (2,), minval=lower, maxval=upper) + 1e-6
        return {
            "should_apply_blur": factors.is_chosen(choice_key, self.factor),
            "blur_factor": sigmas,
        }

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        sigmas = per_image(transformation["blur_factor"], images)
        # Keras draws one pair for a batch, which is taken here, too.
        along_width, along_height = sigmas[0::2], sigmas[1::2]
        blurred = smoothing.blur(
            images, self.kernel_size, (along_width, along_height), self.data_format
        )
        return self.clip(choose(transformation["should_apply_blur"], blurred, images))


def _odd_sizes(kernel_size: int | Sequence[int]) -> tuple[int, int]:
    """Sizes of a window, along width and height. Raises where one has no middle."""
    pair = kernel_size if isinstance(kernel_size, (list, tuple)) else (kernel_size, kernel_size)
    if len(pair) == 2 and all(hasattr(n, "__index__") and n > 0 and n % 2 for n in pair):
        return int(pair[0]), int(pair[1])
    raise UserInputError(
        "RandomGaussianBlur: kernel_size must be an odd number, or a list of two: a window without "
        f"a middle would move the image. Received: kernel_size={kernel_size!r}"
    )
