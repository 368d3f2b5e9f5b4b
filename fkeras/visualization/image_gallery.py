"""`plot_image_gallery`: images side by side, with the names of what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.core.pyplot import load_pyplot
from fkeras.errors import UserInputError
from fkeras.visualization.image_batches import to_channels_last

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, DataFormat, PathLike


def plot_image_gallery(
    images: ArrayLike,
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: tuple[float, float] = (0, 255),
    scale: float = 2,
    path: PathLike | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: float = 60,
    legend_handles: Sequence[Any] | None = None,
    data_format: DataFormat | None = None,
) -> None:
    """Draws a gallery of images with Matplotlib, and shows it or writes it to a file.

    Args:
        images: (batch, height, width, channels).
        y_true, y_pred: labels, (batch,), written above the images as "Label: " and "Pred: ".
        label_map: dict from a label to its name.
        rows, cols: how many images below and beside each other; more images are left out. None: so
            many that all have a place; with neither, about a square.
        value_range: the numbers of the images for black and white.
        scale: width and height of an image's place, in inches.
        path: file to write. None: no file.
        show: whether the gallery is shown. None: where there is no `path`. With False and no `path`
            it is left as Matplotlib's current figure.
        transparent: whether the file has no background.
        dpi: dots an inch, of the file.
        legend_handles: Matplotlib's patches for a legend below.
        data_format: 'channels_last' or 'channels_first'; None: that of
            `fkeras.config.image_data_format()`.

    Raises:
        UserInputError: for images without four axes, labels without `label_map`, a `path` together
            with `show`.
        ImportError: there is no Matplotlib.
    """
    pyplot = load_pyplot("plot_image_gallery")
    images = to_channels_last(
        images, settings.standardize_data_format(data_format), "plot_image_gallery"
    )
    if path is not None and show:
        raise UserInputError("plot_image_gallery takes a `path`, or `show=True`, not both.")
    if label_map is None and not (y_true is None and y_pred is None):
        raise UserInputError("plot_image_gallery: `y_true` and `y_pred` need a `label_map`.")
    rows, cols = _grid(len(images), rows, cols)
    figure, axes = pyplot.subplots(
        rows,
        cols,
        figsize=(cols * scale, rows * scale),
        frameon=False,
        layout="tight",
        squeeze=False,
        sharex="row",
        sharey="col",
    )
    figure.subplots_adjust(wspace=0, hspace=0)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    titles = _titles(len(images), label_map or {}, {"Label": y_true, "Pred": y_pred})
    for place in axes.flat:
        place.margins(x=0, y=0)
        place.axis("off")
    for place, image, title in zip(axes.flat, _to_bytes(images, value_range), titles):
        place.imshow(image, cmap="gray", vmin=0, vmax=255)  # the three are for a single channel
        if title:
            place.set_title(title, fontsize=8)
    if path is not None:
        pyplot.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
        pyplot.close(figure)
    elif show or show is None:
        pyplot.show()
        pyplot.close(figure)


def _grid(count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    if not rows:
        rows = math.ceil(count / cols) if cols else math.ceil(math.sqrt(count))
    rows = max(1, rows)
    return rows, cols or max(1, math.ceil(count / rows))


def _to_bytes(images: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    low, high = (np.float32(limit) for limit in value_range)
    if (low, high) != (0, 255):
        images = (images.astype("float32") - low) / (high - low) * np.float32(255)
    return np.clip(images, 0, 255).astype("uint8")


def _titles(
    count: int, label_map: Mapping[int, str], labels: dict[str, ArrayLike | None]
) -> list[str]:
    parts: list[list[str]] = [[] for _ in range(count)]
    for kind, values in labels.items():
        if values is None:
            continue
        for part, value in zip(parts, np.asarray(values).tolist()):
            part.append(f"{kind}: {label_map.get(value, 'Unknown')}")
    return ["  ".join(part) for part in parts]
