"""Handwritten digits."""

from fkeras.datasets.arrays_in_files import read_npz
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split
from fkeras.io.paths import FilePath


def load_data(path: FilePath = "mnist.npz") -> Split:
    """Loads MNIST: 70,000 grey images of handwritten digits, 28 x 28 pixels each.

    Args:
        path: name of the file in the cache's folder `datasets`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, uint8 NumPy arrays: 60,000 and 10,000 images of
        shape (rows, 28, 28) with values from 0 to 255, and digits of shape (rows,).

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    arrays = read_npz(fetch("mnist", path))
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
