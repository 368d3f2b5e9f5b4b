"""Rows in a random order that a seed decides, and cut into those to train and those to test on."""

from typing import TypeAlias

import numpy as np

from fkeras.errors import UserInputError

Split: TypeAlias = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def check_test_split(test_split: float) -> None:
    """Refuses a fraction outside of [0, 1).

    Args:
        test_split: as the user gave it.
    """
    if not 0 <= test_split < 1:
        raise UserInputError(
            "`test_split` must be between 0 and 1 (exclusive of 1): the fraction of rows to test "
            f"on. Received: test_split={test_split!r}"
        )


def shuffle_rows(
    random: np.random.RandomState, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in a random order, which is Keras's for the same seed.

    Args:
        random: where the order comes from.
        x, y: arrays with as many rows.
    """
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def split_rows(x: np.ndarray, y: np.ndarray, test_split: float) -> Split:
    """The first rows to train on, the last ones to test on.

    Args:
        x, y: arrays with as many rows.
        test_split: fraction of the rows to test on, in [0, 1).

    Returns:
        `(x_train, y_train), (x_test, y_test)`.
    """
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])
