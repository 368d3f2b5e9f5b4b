"""Changed images as files, to look at what a generator makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fkeras.data.image_files import array_to_img

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fkeras.types import DataFormat


class SavedSamples(NamedTuple):
    """Where and how changed images are saved.

    Args:
        folder: for the files; None to save none.
        prefix: of their names.
        suffix: 'png', 'jpeg', ...
        data_format: of the images.
        names: how many different random numbers end the names.
    """

    folder: str | os.PathLike[str] | None
    prefix: str
    suffix: str
    data_format: DataFormat
    names: float

    def save(self, images: Iterable[np.ndarray], indices: Iterable[int]) -> None:
        """Writes images, if there is a folder.

        Args:
            images: of a batch.
            indices: of its samples, for the names.
        """
        if not self.folder:
            return
        for image, index in zip(images, indices, strict=True):
            name = f"{self.prefix}_{index}_{np.random.randint(self.names)}.{self.suffix}"
            path = os.path.join(self.folder, name)
            array_to_img(image, self.data_format, scale=True).save(path)
