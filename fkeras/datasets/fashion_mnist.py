"""Pictures of clothes, of the shape of MNIST."""

import gzip
from pathlib import Path

import numpy as np

from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split
from fkeras.errors import CorruptFileError

_BYTES_BEFORE_IMAGES = 16
_BYTES_BEFORE_LABELS = 8
_SIDE = 28


def load_data() -> Split:
    """Loads Fashion-MNIST: 70,000 grey images of clothes, 28 x 28 pixels each.

    The ten classes, from 0: T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker,
    bag, ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, uint8 NumPy arrays: 60,000 and 10,000 images of
        shape (rows, 28, 28) with values from 0 to 255, and classes of shape (rows,).

    Raises:
        DownloadError: a file is not in the cache, and its host cannot be reached.
    """
    train, test = (
        _read(fetch(f"fashion_mnist_{part}_images"), fetch(f"fashion_mnist_{part}_labels"))
        for part in ("train", "test")
    )
    return train, test


def _read(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    y = _read_bytes(labels)[_BYTES_BEFORE_LABELS:]
    pixels = _read_bytes(images)[_BYTES_BEFORE_IMAGES:]
    if pixels.size != y.size * _SIDE * _SIDE:
        raise CorruptFileError(
            f"'{images}' has {pixels.size} pixels for the {y.size} labels of '{labels}'; expected "
            f"{_SIDE} x {_SIDE} for each. Remove both, so that they are downloaded again."
        )
    return pixels.reshape(y.size, _SIDE, _SIDE), y


def _read_bytes(path: Path) -> np.ndarray:
    try:
        with gzip.open(path) as file:
            return np.frombuffer(bytearray(file.read()), np.uint8)
    except (EOFError, gzip.BadGzipFile) as error:
        raise CorruptFileError(
            f"'{path}' is damaged ({error}). Remove it, so that it is downloaded again."
        ) from error
