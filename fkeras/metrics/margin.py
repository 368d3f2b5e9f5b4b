"""Hinge losses as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.losses.margin import categorical_hinge, hinge, squared_hinge
from fkeras.metrics.reduction import MeanMetricWrapper

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike


class Hinge(MeanMetricWrapper):
    """The mean of `fkeras.losses.hinge`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.Hinge()([[1.0], [-1.0]], [[0.5], [0.5]]))
        1.0
    """

    _direction = "down"

    def __init__(self, name: str = "hinge", dtype: DTypePolicyLike | None = None):
        super().__init__(hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of `fkeras.losses.squared_hinge`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.SquaredHinge()([[1.0], [-1.0]], [[0.5], [0.5]]))
        1.25
    """

    _direction = "down"

    def __init__(self, name: str = "squared_hinge", dtype: DTypePolicyLike | None = None):
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of `fkeras.losses.categorical_hinge`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]))
        0.75
    """

    _direction = "down"

    def __init__(self, name: str = "categorical_hinge", dtype: DTypePolicyLike | None = None):
        super().__init__(categorical_hinge, name, dtype)
