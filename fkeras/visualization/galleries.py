"""Galleries of images with the boxes or the masks that are on them, true ones and predicted
ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.core.pyplot import load_pyplot
from fkeras.errors import UserInputError
from fkeras.visualization.bounding_boxes import draw_bounding_boxes
from fkeras.visualization.image_batches import to_channels_last
from fkeras.visualization.image_gallery import plot_image_gallery
from fkeras.visualization.segmentation_masks import draw_segmentation_masks

if TYPE_CHECKING:
    from fkeras.data.bounding_boxes.formats import BoxFormat
    from fkeras.types import ArrayLike, DataFormat
    from fkeras.visualization.bounding_boxes import ClassNames, Color


def plot_bounding_box_gallery(
    images: ArrayLike,
    bounding_box_format: BoxFormat,
    y_true: Mapping[str, ArrayLike] | None = None,
    y_pred: Mapping[str, ArrayLike] | None = None,
    value_range: tuple[float, float] = (0, 255),
    true_color: Color = (0, 188, 212),
    pred_color: Color = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: ClassNames | None = None,
    ground_truth_mapping: ClassNames | None = None,
    prediction_mapping: ClassNames | None = None,
    legend: bool = False,
    legend_handles: Sequence[Any] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: DataFormat | None = None,
    **kwargs: Any,
) -> None:
    """Draws a gallery of images with their boxes: `plot_image_gallery` of `draw_bounding_boxes`.

    Args:
        images: (batch, height, width, channels).
        bounding_box_format: what the four numbers of a box are.
        y_true, y_pred: boxes, as `draw_bounding_boxes` takes them.
        value_range: the numbers of the images for black and white.
        true_color, pred_color: red, green and blue of either kind of boxes.
        line_thickness, font_scale, text_thickness: as for `draw_bounding_boxes`.
        class_mapping: dict from a label to its name.
        ground_truth_mapping, prediction_mapping: the same for either kind of boxes.
        legend: whether a legend says which color is which.
        legend_handles: Matplotlib's patches for a legend of your own.
        rows, cols: how many images below and beside each other.
        data_format: 'channels_last' or 'channels_first'.
        **kwargs: further arguments of `plot_image_gallery`: `path`, `show`, `scale`, ...

    Raises:
        UserInputError: as `draw_bounding_boxes`, and for `legend` together with `legend_handles`.
        ImportError: there is no Matplotlib.
    """
    pyplot = load_pyplot("plot_bounding_box_gallery")
    if legend and legend_handles:
        raise UserInputError(
            "plot_bounding_box_gallery takes `legend=True`, or `legend_handles`, not both."
        )
    data_format = settings.standardize_data_format(data_format)
    drawn = to_channels_last(images, data_format, "plot_bounding_box_gallery")
    if value_range[0] != 0 or value_range[1] not in (1, 255):
        low, high = value_range  # only these two are known to `draw_bounding_boxes`
        drawn, value_range = (drawn.astype("float32") - low) / (high - low), (0, 1)
    kinds = (
        (y_true, true_color, ground_truth_mapping, "Ground Truth"),
        (y_pred, pred_color, prediction_mapping, "Prediction"),
    )
    for boxes, color, names, _ in kinds:
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn,
                boxes,
                bounding_box_format,
                class_mapping=names or class_mapping,
                color=color,
                line_thickness=line_thickness,
                text_thickness=text_thickness,
                font_scale=font_scale,
                data_format="channels_last",
            )
            value_range = (0, 255)
    if legend:
        legend_handles = [
            pyplot.Rectangle((0, 0), 1, 1, color=np.array(color) / 255, label=label)
            for _, color, _, label in kinds
        ]
    plot_image_gallery(
        drawn,
        value_range=value_range,
        legend_handles=legend_handles,
        rows=rows,
        cols=cols,
        data_format="channels_last",
        **kwargs,
    )


def plot_segmentation_mask_gallery(
    images: ArrayLike,
    num_classes: int,
    value_range: tuple[float, float] = (0, 255),
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    color_mapping: Mapping[int, Color] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: DataFormat | None = None,
    **kwargs: Any,
) -> None:
    """Draws images, one a row, with the true and the predicted masks beside each.

    Args:
        images: (batch, height, width, channels).
        num_classes: how many classes there are.
        value_range: the numbers of the images for black and white.
        y_true, y_pred: masks, as `draw_segmentation_masks` takes them, of any dtype.
        color_mapping, blend, alpha, ignore_index: as for `draw_segmentation_masks`.
        data_format: 'channels_last' or 'channels_first'.
        **kwargs: further arguments of `plot_image_gallery`: `path`, `show`, `scale`, ...

    Raises:
        UserInputError: as `draw_segmentation_masks`.
        ImportError: there is no Matplotlib.
    """
    load_pyplot("plot_segmentation_mask_gallery")
    data_format = settings.standardize_data_format(data_format)
    images = to_channels_last(images, data_format, "plot_segmentation_mask_gallery")
    low, high = value_range
    images = (images.astype("float32") - np.float32(low)) * np.float32(255 / (high - low))
    beside = [images]
    for masks in (y_true, y_pred):
        if masks is None:
            continue
        masks = np.asarray(masks).astype("int32")
        if masks.ndim == 4 and data_format == "channels_first":
            masks = np.moveaxis(masks, 1, -1)
        beside.append(
            draw_segmentation_masks(
                images,
                masks,
                num_classes=num_classes,
                color_mapping=color_mapping,
                alpha=alpha,
                blend=blend,
                ignore_index=ignore_index,
                data_format="channels_last",
            )
        )
    gallery = np.stack(beside, axis=1).reshape(-1, *images.shape[1:])
    plot_image_gallery(
        gallery, rows=len(images), cols=len(beside), data_format="channels_last", **kwargs
    )
