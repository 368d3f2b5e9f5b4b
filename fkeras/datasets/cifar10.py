"""Small colour photographs of ten kinds."""

import numpy as np

from fkeras.datasets.cifar import in_data_format, read_batch
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split


def load_data() -> Split:
    """Loads CIFAR-10: 60,000 colour images of ten classes, 32 x 32 pixels each.

    The classes, from 0: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, uint8 NumPy arrays: 50,000 and 10,000 images of
        shape (rows, 32, 32, 3), or (rows, 3, 32, 32) with channels first, and classes of shape
        (rows, 1).

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    folder = fetch("cifar10") / "cifar-10-batches-py"
    batches = [read_batch(folder / f"data_batch_{i}", "labels") for i in range(1, 6)]
    x_train, y_train = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    x_test, y_test = read_batch(folder / "test_batch", "labels")
    return (in_data_format(x_train), y_train), (in_data_format(x_test), y_test)
