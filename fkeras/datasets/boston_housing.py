"""Prices of houses around Boston."""

import numpy as np

from fkeras.datasets.arrays_in_files import read_npz
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split, check_test_split, shuffle_rows, split_rows
from fkeras.io.paths import FilePath


def load_data(
    path: FilePath = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113
) -> Split:
    """Loads the Boston housing data: 506 districts of the 1970s, 13 numbers each.

    The target is the median price of a house in thousands of dollars, between 5 and 50. One of the
    columns ("B") assumes that segregation by skin colour raises prices: use
    `california_housing` unless that is your subject.

    Args:
        path: name of the file in the cache's folder `datasets`.
        test_split: fraction of rows to test on, in [0, 1).
        seed: of the order of rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, float64 NumPy arrays of shapes (rows, 13) and
        (rows,).

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    check_test_split(test_split)
    arrays = read_npz(fetch("boston_housing", path))
    random = np.random.RandomState(seed)
    x, y = shuffle_rows(random, arrays["x"], arrays["y"])
    return split_rows(x, y, test_split)
