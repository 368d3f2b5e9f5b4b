"""The files of CIFAR-10 and CIFAR-100."""

from pathlib import Path

import numpy as np

from fkeras.core import settings
from fkeras.datasets.arrays_in_files import read_pickled_dict


def read_batch(path: Path, label_key: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one file.

    Args:
        path: the file.
        label_key: under which it has the labels.

    Returns:
        uint8 (rows, 3, 32, 32) images, channels first as in the file, and (rows, 1) labels.
    """
    batch = read_pickled_dict(path)
    labels = np.asarray(batch[label_key], np.uint8 if label_key == "labels" else None)
    return batch["data"].reshape(-1, 3, 32, 32), labels.reshape(-1, 1)


def in_data_format(images: np.ndarray) -> np.ndarray:
    """Images with their channels where `image_data_format()` has them.

    Args:
        images: (rows, channels, height, width).
    """
    if settings.image_data_format() == "channels_last":
        return images.transpose(0, 2, 3, 1)
    return images
