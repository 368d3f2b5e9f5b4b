"""`ImageLayer`: what all layers for images have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

import jax
import jax.numpy as jnp

from fkeras.core.device import device
from fkeras.core.randomness import element_draws
from fkeras.core.randomness.key_scopes import LAYERS_STREAM
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.settings import standardize_data_format
from fkeras.data.bounding_boxes.formats import BoxFormat, check_format
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.preprocessing.images import samples
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.random.distributions import draw_key

if TYPE_CHECKING:
    from fkeras.types import Config, DataFormat, SeedLike, Tensor, TensorLike

# What a layer does to a batch: arrays with a row for each image, and sizes.
Transformation: TypeAlias = Mapping[str, Any] | None


class ImageLayer(Layer):
    """A layer for images, which takes labels, boxes and masks along.

    It is called on images, `(batch, height, width, channels)` or `(height, width, channels)`, or
    on a dict of `'images'` and any of `'labels'`, `'bounding_boxes'`, `'segmentation_masks'`.
    Images come out in the layer's compute dtype; masks keep theirs, boxes are float32.

    A subclass says what happens to a batch: `change_images`, and `change_boxes` and `change_masks`
    where these have to follow. What it does may depend on a transformation
    (`get_random_transformation`), arrays with a row for each image. All of it is traceable.

    Args:
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: format of the boxes, see
            `fkeras.utils.bounding_boxes.convert_format`; None where there are none.
    """

    def __init__(
        self,
        data_format: DataFormat | None = None,
        bounding_box_format: BoxFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if bounding_box_format is not None:
            check_format(bounding_box_format)
        self.bounding_box_format = bounding_box_format
        self.data_format = standardize_data_format(data_format)
        self._convert_input_args = False  # each entry of a dict has a dtype of its own
        self._allow_non_tensor_positional_args = True

    # -- what subclasses say ---------------------------------------------------

    # Whether images of integers come out as such.
    keeps_integers = False

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        """The changed images of a batch.

        Args:
            images: (batch, height, width, channels) or with channels first, in the compute dtype.
            transformation: what `get_random_transformation` returned.
        """
        return images

    def change_labels(self, labels: Tensor, transformation: Transformation) -> Tensor:
        """The labels of the changed images: most layers leave them as they are."""
        return labels

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        """The boxes of the changed images: layers that move no pixels leave them as they are.

        Args:
            boxes: `'boxes'`, (batch, boxes, 4) in the layer's format, and `'labels'`.
            transformation: what `get_random_transformation` returned.
        """
        return boxes

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        """The masks of the changed images: layers that move no pixels leave them as they are.

        Args:
            masks: (batch, height, width, channels) or with channels first.
            transformation: what `get_random_transformation` returned.
        """
        return masks

    # -- the batch -------------------------------------------------------------

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        """What to do to a batch; None for nothing, or for what needs no numbers.

        Args:
            data: images or a dict, as the layer is called on.
            training: whether the layer is called in training.
            seed: what numbers are drawn from; None for the layer's own generator.
        """
        return None

    def transform_images(
        self, images: TensorLike, transformation: Transformation = None, training: bool = True
    ) -> Tensor:
        """The images of a batch, changed, in the layer's compute dtype; a single one is taken,
        too.
        """
        images = jnp.asarray(images)
        if not self.keeps_integers or jnp.issubdtype(images.dtype, jnp.floating):
            images = images.astype(self.compute_dtype)
        if not self._acts(transformation, training):
            return images
        return self._of_batch(self.change_images, images, transformation)

    def transform_labels(
        self, labels: TensorLike, transformation: Transformation = None, training: bool = True
    ) -> Tensor:
        """The labels of the images of a batch."""
        if not self._acts(transformation, training):
            return labels
        return self.change_labels(labels, transformation)

    def transform_bounding_boxes(
        self,
        bounding_boxes: Mapping[str, TensorLike],
        transformation: Transformation = None,
        training: bool = True,
    ) -> dict[str, Tensor]:
        """The boxes of the images of a batch; (boxes, 4) of one image are taken, too."""
        if not self._acts(transformation, training):
            return dict(bounding_boxes)
        boxes = samples.dense_boxes(bounding_boxes, self._title())
        if boxes["boxes"].ndim == 3:
            return self.change_boxes(boxes, transformation)
        return _single(lambda batch: self.change_boxes(batch, transformation), boxes)

    def transform_segmentation_masks(
        self,
        segmentation_masks: TensorLike,
        transformation: Transformation = None,
        training: bool = True,
    ) -> Tensor:
        """The masks of the images of a batch, in their own dtype; a single one is taken, too."""
        masks = jnp.asarray(segmentation_masks)
        if not self._acts(transformation, training):
            return masks
        return self._of_batch(self.change_masks, masks, transformation)

    def _of_batch(
        self,
        change: Callable[[Tensor, Transformation], Tensor],
        images: Tensor,
        transformation: Transformation,
    ) -> Tensor:
        samples.check_rank(images.shape, self._title())
        if images.ndim == 3:
            return _single(lambda batch: change(batch, transformation), images)
        return change(images, transformation)

    # -- a single image --------------------------------------------------------

    def transform_single_image(
        self, image: TensorLike, transformation: Transformation = None, training: bool = True
    ) -> Tensor:
        """The same of one image, (height, width, channels)."""
        return _single(
            lambda batch: self.transform_images(batch, transformation, training=training), image
        )

    def transform_single_label(
        self, label: TensorLike, transformation: Transformation = None, training: bool = True
    ) -> Tensor:
        """The same of the label of one image."""
        return _single(
            lambda batch: self.transform_labels(batch, transformation, training=training), label
        )

    def transform_single_bounding_box(
        self,
        bounding_box: Mapping[str, TensorLike],
        transformation: Transformation = None,
        training: bool = True,
    ) -> dict[str, Tensor]:
        """The same of the boxes of one image, (boxes, 4)."""
        return _single(
            lambda batch: self.transform_bounding_boxes(batch, transformation, training=training),
            samples.dense_boxes(bounding_box, self._title()),
        )

    def transform_single_segmentation_mask(
        self,
        segmentation_mask: TensorLike,
        transformation: Transformation = None,
        training: bool = True,
    ) -> Tensor:
        """The same of the mask of one image."""
        return _single(
            lambda batch: self.transform_segmentation_masks(
                batch, transformation, training=training
            ),
            segmentation_mask,
        )

    # -- a call ----------------------------------------------------------------

    def call(self, data: Any, training: bool = True) -> Any:
        # In a dataset's `map` the device has better things to do.
        on_host = device("cpu") if element_draws.present() else contextlib.nullcontext()
        with on_host:
            return self._changed(data, training)

    def _changed(self, data: Any, training: bool) -> Any:
        sample = samples.as_dict(data, self._title())
        if "bounding_boxes" in sample:
            self._check_boxes_have_format()
            boxes = samples.dense_boxes(sample["bounding_boxes"], self._title())
            samples.check_boxes(boxes, sample["images"], self._title())
            sample["bounding_boxes"] = boxes
        if "segmentation_masks" in sample:
            samples.check_masks(sample["segmentation_masks"], sample["images"], self._title())
        transformation = self.get_random_transformation(
            sample if isinstance(data, Mapping) else sample["images"], training=training
        )
        is_single = sample["images"].ndim == 3
        changes = self._changes_of_one() if is_single else self._changes_of_batch()
        changed = dict(sample)
        for name, change in changes.items():
            if name in sample:
                changed[name] = change(
                    sample[name], transformation=transformation, training=training
                )
        return changed if isinstance(data, Mapping) else changed["images"]

    def _changes_of_batch(self) -> dict[str, Callable[..., Any]]:
        return {
            "images": self.transform_images,
            "bounding_boxes": self.transform_bounding_boxes,
            "labels": self.transform_labels,
            "segmentation_masks": self.transform_segmentation_masks,
        }

    def _changes_of_one(self) -> dict[str, Callable[..., Any]]:
        return {
            "images": self.transform_single_image,
            "bounding_boxes": self.transform_single_bounding_box,
            "labels": self.transform_single_label,
            "segmentation_masks": self.transform_single_segmentation_mask,
        }

    def _acts(self, transformation: Transformation, training: bool | None) -> bool:
        """Whether a batch is changed."""
        return True

    def _title(self) -> str:
        """The layer in messages."""
        return f"Layer '{self.name}' ({type(self).__name__})"

    def _check_boxes_have_format(self) -> None:
        if self.bounding_box_format is None:
            raise UserInputError(
                f"{self._title()}: you passed an input with a 'bounding_boxes' key, but you didn't "
                "specify a bounding box format. Pass a `bounding_box_format` argument, "
                "e.g. `bounding_box_format='xyxy'`."
            )

    def get_config(self) -> Config:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is None:
            config.pop("bounding_box_format", None)
        return config


class RandomImageLayer(ImageLayer):
    """A layer that changes images at random in training, and leaves them alone in inference.

    Each image has a key of its own, from the layer's key and the image's position in the batch:
    what happens to it does not depend on the images behind it. A subclass says what it draws for
    one image: `draw`.

    Args:
        seed: int; None for numbers that follow from the model's seed.
        data_format, bounding_box_format: see `ImageLayer`.
    """

    def __init__(
        self,
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed, stream=LAYERS_STREAM)

    def _acts(self, transformation: Transformation, training: bool | None) -> bool:
        return bool(training) and transformation is not None

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        """What is drawn for one image.

        Args:
            key: the image's own.
            height, width: of the image, in pixels.
        """
        return {}

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        """What to do to each image of a batch, drawn by the image's own key.

        Args:
            data: images or a dict, as the layer is called on.
            training: whether the layer is called in training; if not, nothing is to be done.
            seed: what the numbers are drawn from; None for the layer's own generator.

        Returns:
            What `draw` returns with a row for each image, and `'input_shape'`, that of the images.
        """
        if not training:
            return None
        shape = jnp.shape(samples.images_of(data))
        samples.check_rank(shape, self._title())
        height, width = samples.size_of(shape, self.data_format)
        keys = image_keys(self.generator if seed is None else seed, shape)
        drawn = jax.vmap(lambda key: self.draw(key, height, width))(keys)
        return {**drawn, "input_shape": shape}


def image_keys(seed: SeedLike, shape: tuple[int, ...]) -> jax.Array:
    """A key for each image: it depends on the image's position, not on how many there are.

    Args:
        seed: what the batch's key is drawn from.
        shape: of the images; a single image counts as a batch of one.
    """
    count = shape[0] if len(shape) == 4 else 1
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(draw_key(seed), jnp.arange(count))


def _single(change: Callable[[Any], Any], value: Any) -> Any:
    """A function of batches on one."""
    batch = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], value)
    return jax.tree.map(lambda leaf: leaf[0], change(batch))
