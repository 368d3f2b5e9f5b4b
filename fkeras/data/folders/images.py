"""`image_dataset_from_directory`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from fkeras.core import settings
from fkeras.core.warn_once import warn_user
from fkeras.data.folders import resizing
from fkeras.data.folders.labeled_files import Request
from fkeras.data.folders.making import make_datasets
from fkeras.data.pillow import load_pillow
from fkeras.errors import UserInputError, UserTypeError

_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
    **kwargs: Any,
) -> Any:
    """The images of a folder, one class a subfolder, in one size. Needs Pillow.

    Files are read as batches are asked for, on threads. Formats: `.bmp`, `.gif` (the first
    picture), `.jpeg`, `.jpg`, `.png`.

    Args:
        directory: the folder.
        labels: `'inferred'` for one class a subfolder; a list of class ids, one for each file in
            sorted order; None for images without labels.
        label_mode: `'int'` for int32 class ids (batch,), `'binary'` for float32 zeros and ones
            (batch, 1), `'categorical'` for float32 one-hot rows (batch, classes), None for no
            labels.
        class_names: subfolders to take, in the order of their class ids; None for all, sorted.
        color_mode: `'grayscale'`, `'rgb'` or `'rgba'`: 1, 3 or 4 channels.
        batch_size: images a batch; None for single ones.
        image_size: (height, width) in pixels, or one number for both.
        shuffle: whether the order of files is random, a new one at each pass; else sorted.
        seed: of the order, and of the split.
        validation_split: fraction of the files to hold out, in (0, 1); None for none.
        subset: `'training'`, `'validation'` or `'both'`, with `validation_split`; the parts are
            those that Keras makes of the same seed.
        interpolation: `'nearest'`, `'bilinear'`, `'bicubic'`, `'area'`, `'lanczos3'`,
            `'lanczos5'`, `'gaussian'` or `'mitchellcubic'`, without smoothing where images become
            smaller.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether the middle of the image in the target's proportions is taken,
            so that nothing is distorted.
        pad_to_aspect_ratio: whether zeros are put around the image for that.
        data_format: `'channels_last'`, `'channels_first'`; None for
            `fkeras.config.image_data_format()`.
        format: `'tf'` for a `fkeras.data.Dataset`, `'grain'` for Grain's `IterDataset`.
        verbose: whether the number of files is printed.
        **kwargs: `smart_resize`, the former name of `crop_to_aspect_ratio`.

    Returns:
        A dataset of images, float32 in [0, 255], (batch, height, width, channels), or of pairs of
        images and labels, with the attributes `class_names` and `file_paths`; a list of two for
        `subset='both'`.

    Raises:
        UserInputError: arguments that cannot be right, no files, labels that do not fit them.
        ImportError: Pillow is not installed.

    Examples:
        >>> import pathlib, tempfile, fkeras
        >>> from PIL import Image
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cats", "dogs"):
        ...     (folder / name).mkdir()
        ...     Image.new("RGB", (20, 30), "red").save(folder / name / "1.png")
        >>> dataset = fkeras.utils.image_dataset_from_directory(folder, image_size=(8, 8))
        Found 2 files belonging to 2 classes.
        >>> for images, ids in dataset:
        ...     print(images.shape, images[0, 0, 0].numpy(), dataset.class_names)
        (2, 8, 8, 3) [255.   0.   0.] ['cats', 'dogs']
    """
    request = Request(
        directory,
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        format,
        verbose,
    )
    request.check("image")
    if color_mode not in _CHANNELS:
        raise UserInputError(
            '`color_mode` must be one of {"rgb", "rgba", "grayscale"}. Received: '
            f"color_mode={color_mode!r}"
        )
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise UserInputError(
            "Invalid `image_size` value. Expected a tuple of 2 integers. Received: "
            f"image_size={image_size!r}"
        )
    resizing.check_method(interpolation)
    if "smart_resize" in kwargs:
        warn_user("The argument `smart_resize` is called `crop_to_aspect_ratio` today.")
        crop_to_aspect_ratio = kwargs.pop("smart_resize")
    if kwargs:
        raise UserTypeError(
            f"image_dataset_from_directory: unrecognized keyword arguments: {sorted(kwargs)}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise UserInputError(
            "Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`."
        )
    load = functools.partial(
        load_image,
        channels=_CHANNELS[color_mode],
        size=tuple(map(int, size)),
        method=interpolation.lower(),
        crops=crop_to_aspect_ratio,
        pads=pad_to_aspect_ratio,
        data_format=settings.standardize_data_format(data_format),
    )
    return make_datasets(request, "images", _FORMATS, load)


def load_image(
    path: str,
    channels: int,
    size: tuple[int, int],
    method: str,
    crops: bool,
    pads: bool,
    data_format: str,
) -> np.ndarray:
    """One image file, float32 (height, width, channels)."""
    image = decode(path, channels)
    if crops:
        image = resizing.crop_to_proportions(image, size)
    resize = resizing.resize_with_pad if pads else resizing.resize
    image = resize(image, size, method)
    return np.moveaxis(image, -1, 0) if data_format == "channels_first" else image


def decode(path: str, channels: int) -> np.ndarray:
    """The pixels of an image file, (height, width, channels), of eight bits.

    Raises:
        ImportError: Pillow is not installed.
    """
    pillow = load_pillow("`image_dataset_from_directory`")
    with pillow.open(path) as image:
        if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
            gray = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
            image = pillow.fromarray(gray)
        pixels = np.asarray(image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]))
    return pixels if pixels.ndim == 3 else pixels[..., None]
