"""`DirectoryIterator`: batches of image files from a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator as AbstractIterator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fkeras.core import messages, settings
from fkeras.core.warn_once import warn_user
from fkeras.data.image_generators.file_batches import BatchFromFilesMixin
from fkeras.data.image_generators.iterator import Iterator
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.data.image_generators.generator import ImageDataGenerator
    from fkeras.types import DataFormat, DTypeLike


class DirectoryIterator(BatchFromFilesMixin, Iterator):
    """Batches of randomly changed image files; `ImageDataGenerator.flow_from_directory` makes it.

    Args:
        directory: folder with a folder for each class.
        image_data_generator: what changes the images; None for nothing.
        target_size: (height, width) of all images.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        classes: names of the folders, whose order numbers the classes; None for all, sorted.
        class_mode: 'categorical' for one-hot rows, 'binary' and 'sparse' for numbers, 'input' for
            the images themselves, None for no targets.
        batch_size: images in a batch.
        shuffle: whether the order is random.
        seed: of orders and changes.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        save_to_dir: folder to save changed images in, to look at; None saves none.
        save_prefix, save_format: of their names.
        follow_links: whether links to folders are followed.
        subset: 'training' or 'validation', the parts of the generator's `validation_split` of each
            class; None for all.
        interpolation, keep_aspect_ratio: see `load_img`.
        dtype: of the batches; None for `floatx()`.

    Attributes:
        samples: number of images. class_indices: dict from names of classes to their numbers.
        classes: the number of each image's class. filenames: of the images, in `directory`.

    Raises:
        UserInputError: an unknown mode or subset.
        FileNotFoundError: there is no such folder.
    """

    allowed_class_modes = {"categorical", "binary", "sparse", "input", None}

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_data_generator: ImageDataGenerator | None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            data_format or settings.image_data_format(),
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
        )
        check_class_mode(class_mode, self.allowed_class_modes)
        self.directory = directory
        self.class_mode = class_mode
        self.dtype = dtype or settings.floatx()
        names = list(classes) if classes else _folders_in(directory)
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.filenames: list[str] = []
        numbers: list[int] = []
        for number, name in enumerate(names):
            found = self._files_of_class(name, follow_links)
            self.filenames += found
            numbers += [number] * len(found)
        self.classes = np.array(numbers, dtype="int32")
        self.samples = len(self.filenames)
        messages.write(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        if not self.samples:
            warn_user(
                f"No image was found in '{os.fspath(directory)}'. Images are looked for in one "
                "folder for each class, in files that end in "
                f"{', '.join(self.white_list_formats)}."
            )
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """Paths of the images."""
        return self._filepaths

    @property
    def labels(self) -> np.ndarray:
        """The number of each image's class."""
        return self.classes

    @property
    def sample_weight(self) -> None:
        """None: files in folders have no weights."""
        return None

    def _files_of_class(self, name: str, follow_links: bool) -> list[str]:
        """Files of a class, or the part of them that was asked for, with the folder's name."""
        folder = os.path.join(self.directory, name)
        files = list(_image_files(folder, self.white_list_formats, follow_links))
        if self.split:
            first, end = (int(fraction * len(files)) for fraction in self.split)
            files = files[first:end]
        base = os.path.basename(folder)
        return [os.path.join(base, os.path.relpath(path, folder)) for path in files]


def check_class_mode(class_mode: object, allowed: set[str | None]) -> None:
    """Refuses an unknown mode.

    Args:
        class_mode: as the user gave it.
        allowed: the known ones.
    """
    if class_mode not in allowed:
        names = sorted(repr(mode) for mode in allowed)
        raise UserInputError(
            f"Invalid class_mode: {class_mode!r}; expected one of: {', '.join(names)}"
        )


def _folders_in(directory: str | os.PathLike[str]) -> list[str]:
    return [
        name
        for name in sorted(os.listdir(directory))
        if os.path.isdir(os.path.join(directory, name))
    ]


def _image_files(
    folder: str, suffixes: tuple[str, ...], follow_links: bool
) -> AbstractIterator[str]:
    """Files below a folder whose names end like those of images, sorted folder by folder."""
    for parent, _, names in sorted(os.walk(folder, followlinks=follow_links), key=lambda w: w[0]):
        for name in sorted(names):
            if name.lower().endswith(".tiff"):
                warn_user(
                    'Using ".tiff" files with multiple bands will cause distortion. Please verify '
                    "your output."
                )
            if name.lower().endswith(suffixes):
                yield os.path.join(parent, name)
