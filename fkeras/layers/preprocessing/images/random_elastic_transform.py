"""`RandomElasticTransform`: images bent like rubber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

import jax
import jax.numpy as jnp

from fkeras.core.randomness.keys import key_from_data
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.moving_layer import RandomMovingLayer
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import Interpolation
from fkeras.ops.image_warp import displaced

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor, TensorLike

FillMode: TypeAlias = Literal["constant", "nearest", "wrap", "mirror", "reflect"]


class RandomElasticTransform(RandomMovingLayer):
    """Bends images like a sheet of rubber, in training: each pixel is moved by a smooth field of
    random numbers. Boxes cannot follow.

    Args:
        factor: probability that an image is bent, in [0, 1]: it is drawn for each image from
            `(0, factor)`, or from a pair.
        scale: strength, in [0, 1], drawn for each image from `(0, scale)`, or from a pair.
        interpolation: `'bilinear'` or `'nearest'`.
        fill_mode: what comes in from outside: `'reflect'` (`d c b a | a b c d | d c b a`),
            `'mirror'` (`d c b | a b c d | c b a`), `'wrap'`, `'nearest'`, or `'constant'`, which is
            `fill_value`.
        fill_value: a number.
        value_range: the smallest and the greatest value that a bent image may have.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        **kwargs: what every layer takes.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor or scale out of its range, an unknown choice, boxes.

    References:
        Simard et al., 2003, https://cognitivemedium.com/assets/rmnist/Simard.pdf

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomElasticTransform(scale=0.5, seed=1)
        >>> layer(jnp.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float | Sequence[float] = 1.0,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        layer = "RandomElasticTransform"
        self.factor = factors.as_range(layer, "factor", factor, (0, 1))
        self.scale = factors.as_range(layer, "scale", scale, (0, 1))
        factors.one_of(layer, "fill_mode", fill_mode, FillMode.__args__)
        factors.one_of(layer, "interpolation", interpolation, Interpolation.__args__)
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.value_range = factors.value_range(layer, value_range)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        for_choice, for_strength, for_field = jax.random.split(key, 3)
        lower, upper = self.scale
        return {
            "apply_transform": factors.is_chosen(for_choice, self.factor),
            "distortion_factor": jax.random.uniform(for_strength, (), minval=lower, maxval=upper),
            "seed": jax.random.key_data(for_field),
        }

    def get_random_transformation(
        self, data: object, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        if self.scale[1] == 0 or self.factor[1] == 0:
            return None
        return super().get_random_transformation(data, training, seed)

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        return jnp.clip(super().change_images(images, transformation), *self.value_range)

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        raise UserInputError(
            f"{self._title()}: boxes cannot follow an elastic transformation. Give it masks, or "
            "use `RandomPerspective` or `RandomShear`."
        )

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        is_last = self.data_format == "channels_last"
        pixels = images if is_last else jnp.moveaxis(images, 1, -1)
        count, height, width, _ = pixels.shape
        strengths = jnp.broadcast_to(
            jnp.asarray(transformation["distortion_factor"], "float32"), (count,)
        )
        keys = _keys(transformation["seed"], count)
        shifts = jax.vmap(lambda key, strength: self._shifts(key, strength, height, width))(
            keys, strengths
        )
        bent = displaced(pixels, shifts, interpolation, self.fill_mode, self.fill_value)
        bent = bent if is_last else jnp.moveaxis(bent, -1, 1)
        is_bent = jnp.reshape(jnp.asarray(transformation["apply_transform"]), (-1, 1, 1, 1))
        return jnp.where(is_bent, bent, images)

    def _shifts(self, key: jax.Array, strength: Tensor, height: int, width: int) -> Tensor:
        """(height, width, 2): how far each pixel is moved along x and y, in pixels."""
        deviation = 0.05 * min(height, width) * strength
        greatest = 0.05 * min(height, width) * self.scale[1]
        noise = deviation * jax.random.normal(key, (2, height, width))
        down, along = (_blur(size, deviation, greatest) for size in (height, width))
        return 0.1 * max(height, width) * strength * jnp.moveaxis(down @ noise @ along.T, 0, -1)


def _blur(size: int, deviation: Tensor, greatest: float) -> Tensor:
    """(size, size): a Gaussian window of three deviations to both sides, as a matrix. Products of
    matrices are faster than a convolution with another window for each image.

    Args:
        size: of the axis, in pixels.
        deviation: standard deviation in pixels, traced.
        greatest: the greatest that it may be.
    """
    radius = jnp.floor(jnp.floor(6 * deviation) / 2)

    def weights(distance: Tensor) -> Tensor:
        near = jnp.exp(-0.5 * jnp.square(distance / jnp.maximum(deviation, 1e-6)))
        return jnp.where(jnp.abs(distance) <= radius, near, 0.0)

    window = jnp.arange(-int(3 * greatest) - 1, int(3 * greatest) + 2, dtype="float32")
    places = jnp.arange(size, dtype="float32")
    return weights(places[:, None] - places) / jnp.sum(weights(window))


def _keys(seeds: TensorLike, count: int) -> jax.Array:
    """A key for each image, of uint32[2] for each or of one number for all."""
    seeds = jnp.asarray(seeds, "uint32")
    if seeds.ndim == 2:
        return jax.vmap(key_from_data)(seeds)
    key = key_from_data(seeds if seeds.ndim else jnp.stack([seeds, jnp.zeros_like(seeds)]))
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(count))
