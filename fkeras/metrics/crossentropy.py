"""Crossentropies and divergences as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.losses.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from fkeras.losses.divergence import kl_divergence, poisson
from fkeras.metrics.reduction import MeanMetricWrapper

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike


class KLDivergence(MeanMetricWrapper):
    """The mean of `fkeras.losses.kl_divergence`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438
    """

    _direction = "down"

    def __init__(self, name: str = "kl_divergence", dtype: DTypePolicyLike | None = None):
        super().__init__(kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of `fkeras.losses.poisson`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.Poisson()([[1.0]], [[2.0]])), 4)
        1.3069
    """

    _direction = "down"

    def __init__(self, name: str = "poisson", dtype: DTypePolicyLike | None = None):
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `fkeras.losses.binary_crossentropy`.

    Args:
        name, dtype: as for `Metric`.
        from_logits, label_smoothing: as for the loss.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: DTypePolicyLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        super().__init__(
            binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `fkeras.losses.categorical_crossentropy`: one-hot or soft targets.

    Args:
        name, dtype: as for `Metric`.
        from_logits, label_smoothing, axis: as for the loss.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.CategoricalCrossentropy()([[0, 1]], [[0.5, 0.5]])), 4)
        0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: DTypePolicyLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `fkeras.losses.sparse_categorical_crossentropy`: targets are class ids.

    Args:
        name, dtype: as for `Metric`.
        from_logits, axis: as for the loss.
        ignore_class: an id that is left out of the mean, as in the loss. (Keras leaves it out of
            the sum but divides by all examples, unless there are sample weights.)

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.SparseCategoricalCrossentropy(ignore_class=-1)
        >>> round(float(metric([1, -1], [[0.5, 0.5], [0.5, 0.5]])), 4)
        0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypePolicyLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
