"""Prices of houses in California."""

from typing import Literal

import numpy as np

from fkeras.datasets.arrays_in_files import read_npz
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split, check_test_split, shuffle_rows, split_rows
from fkeras.errors import UserInputError
from fkeras.io.paths import FilePath

_ROWS_OF_SMALL = 600


def load_data(
    version: Literal["small", "large"] = "large",
    path: FilePath = "california_housing.npz",
    test_split: float = 0.2,
    seed: int | None = 113,
) -> Split:
    """Loads the California housing data: 20,640 districts of 1990, 8 numbers each.

    The columns: median income, median age of houses, rooms and bedrooms per household, population,
    members per household, latitude, longitude. Averages per household can be surprisingly large
    where many houses are empty. The target is the median price of a house in dollars, between
    15,000 and 500,001.

    Args:
        version: 'large', or 'small' for the first 600 rows.
        path: name of the file in the cache's folder `datasets`.
        test_split: fraction of rows to test on, in [0, 1).
        seed: of the order of rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, float NumPy arrays of shapes (rows, 8) and (rows,).

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    check_test_split(test_split)
    if version not in ("small", "large"):
        raise UserInputError(
            f"Argument `version` must be one of 'small', 'large'. Received: version={version!r}"
        )
    arrays = read_npz(fetch("california_housing", path))
    rows = slice(_ROWS_OF_SMALL if version == "small" else None)
    random = np.random.RandomState(seed)
    x, y = shuffle_rows(random, arrays["x"][rows], arrays["y"][rows])
    return split_rows(x, y, test_split)
