"""`AugMix`: images mixed with what chains of layers make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.choosing_layer import ChoosingLayer, in_round
from fkeras.layers.preprocessing.images.color_layer import per_image
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import Interpolation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor

NAMES = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)
# What test sets of corrupted images are made with, too.
MORE_NAMES = (
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
)


class AugMix(ChoosingLayer):
    """Mixes each image with what some chains of random layers make of it, in training.

    Images stay recognisable, and models learn to be sure of them no matter how they were taken.
    Each image has chains and weights of its own. Masks are mixed as images are, which makes sense
    if they have a channel for each class; boxes stay where they are.

    Args:
        value_range: lowest and highest value of the images; results are clipped to it.
        num_chains: number of chains, at least 1.
        chain_depth: how many layers there are in a chain, at least 1; each may be none.
        factor: how strongly images are changed: pair of numbers in [0, 1] that the factors of all
            layers are drawn from. One number x stands for (0, x).
        alpha: positive, of the distributions of weights, Dirichlet for the chains and
            Beta(alpha, alpha) for the image among them.
        all_ops: whether lightness, gray, contrast and sharpness are among the layers.
        interpolation: `'bilinear'` or `'nearest'`, for layers that move pixels.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch, of 1 or 3 channels; the output has
        the input's shape.

    Raises:
        UserInputError: numbers out of bounds, images that are neither gray nor of colours.

    References:
        Hendrycks et al., 2019, https://arxiv.org/abs/1912.02781

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.AugMix(value_range=(0, 1), seed=0)
        >>> layer(jnp.ones((4, 8, 8, 3)), training=True).shape
        (4, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: float | Sequence[float] = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: Interpolation = "bilinear",
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        names = (*NAMES, *MORE_NAMES) if all_ops else NAMES
        super().__init__(names, value_range, factor, interpolation, seed, data_format, **kwargs)
        self.num_chains = factors.size("AugMix", "num_chains", num_chains)
        self.chain_depth = factors.size("AugMix", "chain_depth", chain_depth)
        if not alpha > 0:
            raise UserInputError(f"AugMix: `alpha` must be positive. Received: alpha={alpha!r}")
        self.alpha = alpha
        self.all_ops = all_ops

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Any]:
        chains_key, mixing_key, image_key = jax.random.split(key, 3)
        keys = jax.random.split(chains_key, (self.num_chains, self.chain_depth))
        choices = len(self._names) + 1  # the last is no layer

        def draw_layer(one: jax.Array) -> dict[str, Any]:
            return self.draw_round(one, choices, height, width)

        return {
            **jax.vmap(jax.vmap(draw_layer))(keys),
            "chain_mixing_weights": jax.random.dirichlet(
                mixing_key, jnp.full(self.num_chains, float(self.alpha))
            ),
            "weight_sample": jax.random.beta(image_key, self.alpha, self.alpha),
        }

    def _mixed(
        self,
        images: Tensor,
        transformation: Transformation,
        change: Callable[[Tensor, dict[str, Any]], Tensor],
    ) -> Tensor:
        """Images mixed with what chains make of them.

        Args:
            images: of a batch, floats.
            transformation: what was drawn.
            change: what a round of a chain does, to images and by what was drawn for it.
        """
        chains = jnp.repeat(images, self.num_chains, axis=0)  # (batch * chains, ...)
        of_chains = jax.tree.map(
            lambda value: value.reshape(-1, *value.shape[2:]),
            {name: transformation[name] for name in ("layer_idxes", "transforms")},
        )
        for i in range(self.chain_depth):
            chains = change(chains, in_round(of_chains, i))
        chains = chains * per_image(transformation["chain_mixing_weights"], images)
        changed = jnp.sum(chains.reshape(-1, self.num_chains, *images.shape[1:]), axis=1)
        weight = per_image(transformation["weight_sample"], images)
        return weight * images + (1.0 - weight) * changed

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        mixed = self._mixed(images, transformation, self.change_in_round)
        return jnp.clip(mixed, *self.value_range)

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        masks = masks.astype(jnp.promote_types(masks.dtype, jnp.float32))
        return self._mixed(
            masks, transformation, lambda chain, drawn: self.move_pixels(chain, drawn, "nearest")
        )

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        return boxes
