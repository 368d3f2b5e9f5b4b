"""What a layer for images is called on: images alone, or a dict with what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from fkeras.errors import UserInputError
from fkeras.types import DataFormat, Tensor, TensorLike

KEYS = ("images", "labels", "bounding_boxes", "segmentation_masks")


def images_of(data: Any) -> Any:
    """The images of what a layer was called on.

    Args:
        data: images, or a dict that has them under `'images'`.
    """
    return data["images"] if isinstance(data, Mapping) else data


def size_of(shape: Sequence[int], data_format: DataFormat) -> tuple[int, int]:
    """Height and width out of the shape of one image or a batch.

    Args:
        shape: of the images.
        data_format: where the channels are.
    """
    height, width = shape[-3:-1] if data_format == "channels_last" else shape[-2:]
    return height, width


def as_dict(data: Any, layer: str) -> dict[str, Any]:
    """What a layer was called on as a dict; the images in it are an array.

    Args:
        data: images, or a dict.
        layer: who was called, for messages.

    Raises:
        UserInputError: no images, or images of another rank than 3 or 4.
    """
    if isinstance(data, Mapping) and "images" not in data:
        raise UserInputError(
            f"{layer}: a dict must have the images under 'images', beside them any of {KEYS[1:]}. "
            f"Received the keys {sorted(map(str, data))}."
        )
    sample = dict(data) if isinstance(data, Mapping) else {"images": data}
    sample["images"] = jnp.asarray(sample["images"])
    check_rank(sample["images"].shape, layer)
    return sample


def check_rank(shape: Sequence[int | None], layer: str) -> None:
    """Raises where this is the shape neither of an image nor of a batch.

    Args:
        shape: of the images.
        layer: who was called, for messages.
    """
    if len(shape) in (3, 4):
        return
    remedy = " Gray images need an axis of channels: `images[..., None]`." * (len(shape) == 2)
    raise UserInputError(
        f"{layer}: Expected the input image to be rank 3 or 4. (It is a single image or a batch.) "
        f"Received: images of shape {tuple(shape)}.{remedy}"
    )


def check_masks(masks: TensorLike, images: Tensor, layer: str) -> None:
    """Raises where masks are not like the images.

    Args:
        masks: what came beside the images.
        images: the images.
        layer: who was called, for messages.
    """
    shape = jnp.shape(masks)
    if len(shape) == images.ndim:
        return
    remedy = " Add an axis of channels: `masks[..., None]`." * (len(shape) == images.ndim - 1)
    raise UserInputError(
        f"{layer}: expected segmentation_masks of the rank of the images, {images.ndim}. Received "
        f"masks of shape {shape} for images of shape {images.shape}.{remedy}"
    )


def check_boxes(boxes: Mapping[str, Tensor], images: Tensor, layer: str) -> None:
    """Raises where boxes are not those of as many images.

    Args:
        boxes: what `dense_boxes` returned.
        images: the images.
        layer: who was called, for messages.
    """
    shape = boxes["boxes"].shape
    if len(shape) == images.ndim - 1 and (len(shape) == 2 or shape[0] == images.shape[0]):
        return
    expected = "(boxes, 4)" if images.ndim == 3 else f"({images.shape[0]}, boxes, 4)"
    raise UserInputError(
        f"{layer}: expected bounding_boxes['boxes'] of shape {expected} for images of shape "
        f"{images.shape}. Received the shape {shape}."
    )


def dense_boxes(boxes: Any, layer: str) -> dict[str, Tensor]:
    """A dict of boxes with arrays in it.

    Lists of images with different numbers of boxes are filled up, with boxes of 0 and labels of -1.

    Args:
        boxes: dict of `'boxes'`, (boxes, 4) or (batch, boxes, 4), and `'labels'`.
        layer: who was called, for messages.

    Returns:
        A new dict; boxes in float32.

    Raises:
        UserInputError: not such a dict, or values that do not fit each other.
    """
    if not isinstance(boxes, Mapping) or not {"boxes", "labels"} <= boxes.keys():
        raise UserInputError(
            f"{layer}: expected `bounding_boxes` as a dict with the keys 'boxes' and 'labels'. "
            f"Received: {boxes!r}"
        )
    corners, labels = boxes["boxes"], boxes["labels"]
    if _is_ragged(corners):
        corners, labels = _filled(corners, 0.0, 4), _filled(labels, -1, None)
    corners, labels = jnp.asarray(corners, "float32"), jnp.asarray(labels)
    if corners.ndim not in (2, 3) or corners.shape[-1] != 4:
        raise UserInputError(
            f"{layer}: expected bounding_boxes['boxes'] of shape (boxes, 4) or (batch, boxes, 4). "
            f"Received the shape {corners.shape}."
        )
    if labels.ndim not in (corners.ndim - 1, corners.ndim):
        raise UserInputError(
            f"{layer}: expected bounding_boxes['labels'] to have rank {corners.ndim - 1} or "
            f"{corners.ndim}, as bounding_boxes['boxes'] have the shape {corners.shape}. Received "
            f"labels of shape {labels.shape}."
        )
    return {**boxes, "boxes": corners, "labels": labels}


def _is_ragged(boxes: Any) -> bool:
    """Whether images in a list have different numbers of boxes, or one has none."""
    if not isinstance(boxes, (list, tuple)):
        return False
    return any(len(np.shape(of_image)) == 2 or len(of_image) == 0 for of_image in boxes)


def _filled(of_images: Sequence[Any], value: float, columns: int | None) -> np.ndarray:
    """(images, most boxes) or (images, most boxes, columns), with a value where there is none."""
    most = max(len(of_image) for of_image in of_images)
    shape = (len(of_images), most) if columns is None else (len(of_images), most, columns)
    filled = np.full(shape, value)
    for i, of_image in enumerate(of_images):
        if len(of_image):
            filled[i, : len(of_image)] = of_image
    return filled
