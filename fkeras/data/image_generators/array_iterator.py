"""`NumpyArrayIterator`: batches of changed images from an array."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.core.warn_once import warn_user
from fkeras.data.image_generators.iterator import Iterator
from fkeras.data.image_generators.saved_samples import SavedSamples
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fkeras.data.image_generators.generator import ImageDataGenerator
    from fkeras.types import DataFormat, DTypeLike


class NumpyArrayIterator(Iterator):
    """Batches of randomly changed images of an array; `ImageDataGenerator.flow` makes it.

    Args:
        x: images of rank 4; or a tuple of these and of one or a list of further arrays, which are
            handed on as they are.
        y: targets, or None.
        image_data_generator: what changes the images.
        batch_size: images in a batch.
        shuffle: whether the order is random.
        sample_weight: weights of the images, or None.
        seed: of orders and changes.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        save_to_dir: folder to save changed images in, to look at; None saves none.
        save_prefix, save_format: of their names.
        subset: 'training' or 'validation', the parts of the generator's `validation_split`; None
            for all. The validation part comes first.
        ignore_class_split: whether the two parts may have other classes.
        dtype: of the batches; None for `floatx()`.

    Raises:
        UserInputError: not images, lengths that differ, or parts that have other classes.
    """

    def __init__(
        self,
        x: Any,
        y: ArrayLike | None,
        image_data_generator: ImageDataGenerator,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: ArrayLike | None = None,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.image_data_generator = image_data_generator
        self.data_format = data_format or settings.image_data_format()
        self.dtype = dtype or settings.floatx()
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        x, further = _separate(x)
        for name, column in (("y` (labels)", y), ("sample_weight`", sample_weight)):
            if column is not None and len(x) != len(column):
                raise UserInputError(
                    f"`x` (images tensor) and `{name} should have the same length. Found: x.shape ="
                    f" {np.shape(x)}, and {np.shape(column)}"
                )
        part = slice(None)
        if subset is not None:
            part = image_data_generator.part_of_rows(subset, len(x))
            if y is not None and not ignore_class_split:
                _check_classes(np.asarray(y), part)
        self.x = np.asarray(x, dtype=self.dtype)[part]
        self.x_misc = [column[part] for column in further]
        self.y = None if y is None else np.asarray(y)[part]
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)[part]
        self._check_images()
        self._saved = SavedSamples(
            save_to_dir, save_prefix, save_format, self.data_format, names=1e4
        )
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _check_images(self) -> None:
        if self.x.ndim != 4:
            raise UserInputError(
                "Input data in `NumpyArrayIterator` should have rank 4. You passed an array with "
                f"shape {self.x.shape}. Grey images need an axis for their channel: "
                "`x[..., np.newaxis]`."
            )
        axis = 3 if self.data_format == "channels_last" else 1
        if self.x.shape[axis] not in (1, 3, 4):
            warn_user(
                f'NumpyArrayIterator is set to use the data format convention "{self.data_format}" '
                f"(channels on axis {axis}), i.e. expected either 1, 3, or 4 channels on axis "
                f"{axis}. However, it was passed an array with shape {self.x.shape}."
            )

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        generator = self.image_data_generator
        images = np.empty((len(index_array), *self.x.shape[1:]), self.dtype)
        for place, index in enumerate(index_array):
            images[place] = generator.changed(self.x[index].copy())
        self._saved.save(images, index_array)
        inputs = [images, *(column[index_array] for column in self.x_misc)]
        batch = (
            inputs if self.x_misc else images,
            *(c[index_array] for c in (self.y, self.sample_weight) if c is not None),
        )
        return batch if self.y is not None else batch[0]


def _separate(x: Any) -> tuple[Any, list[np.ndarray]]:
    """Images, and the arrays beside them."""
    if not isinstance(x, tuple | list):
        return x, []
    images, beside = x[0], x[1]
    columns = [np.asarray(column) for column in (beside if isinstance(beside, list) else [beside])]
    for column in columns:
        if len(column) != len(images):
            raise UserInputError(
                "All of the arrays in `x` should have the same length. Found a pair with: "
                f"len(x[0]) = {len(images)}, len(x[?]) = {len(column)}"
            )
    return images, columns


def _check_classes(y: np.ndarray, part: slice) -> None:
    is_in_part = np.zeros(len(y), bool)
    is_in_part[part] = True
    if not np.array_equal(np.unique(y[is_in_part]), np.unique(y[~is_in_part])):
        raise UserInputError(
            "Training and validation subsets have different number of classes after the split. If "
            "your numpy arrays are sorted by the label, you might want to shuffle them; or pass "
            "`ignore_class_split=True`."
        )
