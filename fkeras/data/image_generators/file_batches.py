"""`BatchFromFilesMixin`: what iterators over image files share: reading, changing, labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.data.image_files import img_to_array, load_img
from fkeras.data.image_generators.saved_samples import SavedSamples
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.data.image_generators.generator import ImageDataGenerator
    from fkeras.types import DataFormat, DTypeLike

_CHANNELS = {"rgba": 4, "rgb": 3, "grayscale": 1}


class BatchFromFilesMixin:
    """Batches of image files.

    A class that has it sets `dtype`, `class_mode`, `filepaths`, `labels`, `sample_weight`, and
    `classes` and `class_indices` where the mode needs them.
    """

    dtype: DTypeLike
    class_mode: str | None
    filepaths: list[str]
    labels: Any
    sample_weight: np.ndarray | None
    classes: Any
    class_indices: dict[Any, int]

    def set_processing_attrs(
        self,
        image_data_generator: ImageDataGenerator | None,
        target_size: Sequence[int],
        color_mode: str,
        data_format: DataFormat,
        save_to_dir: str | os.PathLike[str] | None,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
    ) -> None:
        """Keeps how files become images.

        Args:
            image_data_generator: what changes the images; None for nothing.
            target_size: (height, width) of all images.
            color_mode: 'rgb', 'rgba' or 'grayscale'.
            data_format: 'channels_last' or 'channels_first'.
            save_to_dir: folder to save changed images in, to look at; None saves none.
            save_prefix, save_format: of their names.
            subset: 'training' or 'validation', or None for all.
            interpolation, keep_aspect_ratio: see `load_img`.

        Raises:
            UserInputError: an unknown colour mode or subset.
        """
        if color_mode not in _CHANNELS:
            raise UserInputError(
                f'Invalid color mode: {color_mode!r}; expected "rgb", "rgba", or "grayscale".'
            )
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.color_mode = color_mode
        self.data_format = data_format
        channels = (_CHANNELS[color_mode],)
        last = data_format == "channels_last"
        self.image_shape = self.target_size + channels if last else channels + self.target_size
        self.interpolation = interpolation
        self.keep_aspect_ratio = keep_aspect_ratio
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.subset = subset
        self.split = None
        if subset is not None:
            if image_data_generator is None:
                raise UserInputError(
                    "`subset` needs an `image_data_generator`, which knows the `validation_split`."
                )
            self.split = image_data_generator.fractions_of(subset)
        self._saved = SavedSamples(save_to_dir, save_prefix, save_format, data_format, names=1e7)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        images = np.empty((len(index_array), *self.image_shape), self.dtype)
        for place, index in enumerate(index_array):
            images[place] = self._read_image(self.filepaths[index])
        self._saved.save(images, index_array)
        targets = self._targets_of(index_array, images)
        if targets is None:
            return images
        if self.sample_weight is None:
            return images, targets
        return images, targets, self.sample_weight[index_array]

    def _read_image(self, path: str) -> np.ndarray:
        image = load_img(
            path,
            color_mode=self.color_mode,
            target_size=self.target_size,
            interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        )
        x = img_to_array(image, data_format=self.data_format)
        return x if self.image_data_generator is None else self.image_data_generator.changed(x)

    def _targets_of(self, index_array: np.ndarray, images: np.ndarray) -> Any:
        """What the class mode makes of the labels; None for no targets."""
        mode = self.class_mode
        if mode == "input":
            return images.copy()
        if mode in ("binary", "sparse"):
            return np.array([self.classes[i] for i in index_array], dtype=self.dtype)
        if mode == "categorical":
            rows = np.zeros((len(index_array), len(self.class_indices)), dtype=self.dtype)
            for row, index in zip(rows, index_array, strict=True):
                row[self.classes[index]] = 1.0
            return rows
        if mode == "multi_output":
            return [output[index_array] for output in self.labels]
        if mode == "raw":
            return self.labels[index_array]
        return None
