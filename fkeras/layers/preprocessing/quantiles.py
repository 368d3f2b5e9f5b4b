"""Quantiles of data that come in batches: a *summary* stands for all values seen so far.

A summary is an array (2, points): ascending values, and above each how many values of the data it
stands for. Summaries are made of batches, merged, and kept short, so that memory does not grow
with the data.
"""

from __future__ import annotations

import numpy as np

EMPTY = np.zeros((2, 0), "float32")


def summarized(values: np.ndarray, epsilon: float) -> np.ndarray:
    """The summary of a batch: about 1 / epsilon of its values, at equal distances in their order.

    Args:
        values: finite numbers, any shape.
        epsilon: error of a quantile, a fraction in (0, 1).

    Examples:
        >>> import numpy as np
        >>> from fkeras.layers.preprocessing import quantiles
        >>> quantiles.summarized(np.arange(8.0, dtype="float32"), 0.5).tolist()
        [[3.0, 7.0], [4.0, 4.0]]
    """
    ordered = np.sort(values, axis=None)
    step = max(ordered.size * epsilon, 1.0)
    points = ordered[int(step - 1) :: int(step)]
    return np.stack([points, np.full_like(points, step)])


def merged(first: np.ndarray, second: np.ndarray, epsilon: float) -> np.ndarray:
    """One summary for the data of two."""
    both = np.concatenate([first, second], axis=1)
    return _shortened(both[:, np.argsort(both[0])], epsilon)


def boundaries(summary: np.ndarray, num_bins: int) -> np.ndarray:
    """The values that cut the data into `num_bins` parts of about equal size: (num_bins - 1,), or
    fewer where fewer values were seen.
    """
    return _shortened(summary, 1.0 / num_bins)[0, :-1]


def _shortened(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """About 1 / epsilon points at equal shares of the data, between the points there are."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    counts = np.cumsum(summary[1])  # of the values up to each point
    reached = counts / counts[-1]
    values = np.interp(shares, reached, summary[0])
    up_to = np.interp(shares, reached, counts)
    return np.stack([values, np.diff(up_to, prepend=0.0)]).astype("float32")
