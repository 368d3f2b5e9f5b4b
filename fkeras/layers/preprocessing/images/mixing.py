"""`MixUp` and `CutMix`: each image of a batch with another one in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors, patches, samples
from fkeras.layers.preprocessing.images.color_layer import ColorLayer, per_image
from fkeras.layers.preprocessing.images.image_layer import RandomImageLayer, Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.random.distributions import draw_key

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor


def partners(values: Tensor, transformation: Transformation) -> Tensor:
    """The row of a batch that each row is mixed with."""
    return jnp.take(values, jnp.asarray(transformation["permutation_order"]), axis=0)


def mix(values: Tensor, others: Tensor, weights: Any) -> Tensor:
    """Rows and others, `weights` of the former and the rest of the latter."""
    weights = jnp.asarray(weights, values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return weights * values + (1.0 - weights) * others


class MixingLayer(RandomImageLayer):
    """A layer that mixes each image of a batch with another one, and their labels alike.

    How much of each is drawn for each image by its own key; which others it is mixed with depends
    on the size of the batch.
    """

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        drawn = super().get_random_transformation(data, training, seed)
        if drawn is None:
            return None
        shape = drawn["input_shape"]
        count = shape[0] if len(shape) == 4 else 1
        order = jax.random.permutation(draw_key(self.generator if seed is None else seed), count)
        return {**drawn, "permutation_order": order}

    def change_labels(self, labels: Tensor, transformation: Transformation) -> Tensor:
        labels = jnp.asarray(labels)
        if labels.ndim == 1 and not jnp.issubdtype(labels.dtype, jnp.floating):
            raise UserInputError(
                f"{self._title()}: classes by their number cannot be mixed. Pass labels as floats, "
                "one for each class: `fkeras.ops.one_hot(labels, num_classes)`. Received labels of "
                f"shape {labels.shape} and dtype {labels.dtype}."
            )
        labels = labels.astype(jnp.promote_types(labels.dtype, jnp.float32))
        return mix(labels, partners(labels, transformation), transformation["mix_weight"])


class MixUp(MixingLayer, ColorLayer):
    """Adds to each image of a batch another one, and mixes their labels alike, in training.

    Labels must be floats, one for each class. Boxes of both images are kept; masks are mixed as
    images are, which makes sense if they have a channel for each class.

    Args:
        alpha: of the Beta(alpha, alpha) distribution that the weight of an image is drawn from,
            positive: near 0 one of two images has nearly all weight, 1 is even.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)`; the output has the input's shape. A single image is
        mixed with itself.

    Raises:
        UserInputError: an alpha that is not positive, integer classes as labels.

    References:
        Zhang et al., 2017, https://arxiv.org/abs/1710.09412

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.MixUp()
        >>> mixing = {"mix_weight": [0.75, 0.5], "permutation_order": [1, 0]}
        >>> images = jnp.array([0.0, 100.0]).reshape(2, 1, 1, 1)
        >>> layer.transform_images(images, mixing).ravel().tolist()
        [25.0, 50.0]
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not alpha > 0:
            raise UserInputError(f"MixUp: `alpha` must be positive. Received: alpha={alpha!r}")
        self.alpha = alpha

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        return {"mix_weight": jax.random.beta(key, self.alpha, self.alpha)}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        others = partners(images, transformation)
        weights = per_image(transformation["mix_weight"], images)
        return weights * images + (1.0 - weights) * others

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        masks = masks.astype(jnp.promote_types(masks.dtype, jnp.float32))
        return self.change_colors(masks, transformation)

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        return {
            **boxes,
            **{
                name: jnp.concatenate([boxes[name], partners(boxes[name], transformation)], axis=1)
                for name in ("boxes", "labels")
            },
        }


class CutMix(MixingLayer):
    """Puts a rectangle of another image into each image of a batch, in training.

    Labels are mixed by the pixels of each image, and must be floats, one for each class. Masks get
    the same rectangle.

    Args:
        factor: pair of numbers in [0, 1] that the alpha is drawn from, for each image; its share of
            the area comes from Beta(alpha, alpha). One number x stands for (0, x).
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)`; the output has the input's shape. A single image stays
        as it is.

    Raises:
        UserInputError: a factor outside of [0, 1], integer classes as labels, boxes: a part of what
            is in a box says nothing about its edges.

    References:
        Yun et al., 2019, https://arxiv.org/abs/1905.04899

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.CutMix(seed=0)
        >>> data = {"images": jnp.zeros((4, 8, 8, 3)), "labels": jnp.eye(4)}
        >>> mixed = layer(data, training=True)
        >>> mixed["labels"].sum(axis=1).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        factor: float | tuple[float, float] = 1.0,
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factors.as_range("CutMix", "factor", factor, (0.0, 1.0))

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        alpha_key, weight_key, place_key = jax.random.split(key, 3)
        lower, upper = self.factor
        alpha = jax.random.uniform(alpha_key, minval=lower, maxval=upper) + 1e-6
        side = jnp.sqrt(1.0 - jax.random.beta(weight_key, alpha, alpha))
        return {"patches": patches.draw_patch(place_key, jnp.stack([side, side]), height, width)}

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        drawn = super().get_random_transformation(data, training, seed)
        if drawn is None or len(drawn["input_shape"]) == 3:
            return None
        height, width = samples.size_of(drawn["input_shape"], self.data_format)
        masks = patches.patch_masks(drawn["patches"], height, width, self.data_format)
        return {
            "permutation_order": drawn["permutation_order"],
            "batch_masks": masks,
            "mix_weight": 1.0 - jnp.mean(masks, axis=(1, 2, 3)),
            "input_shape": drawn["input_shape"],
        }

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        return jnp.where(transformation["batch_masks"], partners(images, transformation), images)

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        return self.change_images(masks, transformation)

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        raise UserInputError(
            f"{self._title()}: boxes cannot follow, since a rectangle cut out of an image may hold "
            "any part of an object. Use `MixUp`, which keeps the boxes of both images."
        )
