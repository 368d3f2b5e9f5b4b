"""Mean and variance of data that come in batches, each of which is looked at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fkeras.types import Shape

_PART = 1 << 22  # values of a batch that are looked at together: float64 copies of 32 MiB


class RunningMoments:
    """Mean and variance over some axes of all batches so far, in float64.

    Args:
        axes: that are reduced, counted from the front; () keeps every value apart, and all batches
            must then have the same shape.

    Attributes:
        count: values behind each mean so far.
        mean, variance: float64 arrays without the reduced axes; the variance divides by `count`.

    Examples:
        >>> import numpy as np
        >>> from fkeras.layers.preprocessing.moments import RunningMoments
        >>> moments = RunningMoments((0,))
        >>> for batch in np.array([[[1.0], [2.0]], [[3.0], [6.0]]]):
        ...     moments.add(batch)
        >>> moments.count, moments.mean.tolist(), moments.variance.tolist()
        (4, [3.0], [3.5])

    References:
        Chan et al., 1983, https://doi.org/10.2307/2683386
    """

    def __init__(self, axes: Shape) -> None:
        self.axes = axes
        self.count = 0
        self.mean: np.ndarray | float = 0.0
        self.variance: np.ndarray | float = 0.0

    def add(self, batch: np.ndarray) -> None:
        """Takes a batch into account."""
        for part in self._parts(batch):
            count = math.prod(part.shape[axis] for axis in self.axes) if self.axes else 1
            mean = part.mean(axis=self.axes, dtype=np.float64)
            self._merge(count, mean, part.var(axis=self.axes, dtype=np.float64))

    def _parts(self, batch: np.ndarray) -> list[np.ndarray]:
        """The batch in parts that are small enough to be copied."""
        count = math.ceil(batch.size / _PART)
        if 0 not in self.axes or count < 2:
            return [batch] if batch.size else []
        return np.array_split(batch, min(count, len(batch)))

    def _merge(self, count: int, mean: np.ndarray, variance: np.ndarray) -> None:
        share = count / (self.count + count)
        difference = mean - self.mean
        self.mean = self.mean + difference * share
        self.variance = (
            self.variance * (1 - share) + variance * share + difference**2 * share * (1 - share)
        )
        self.count += count
