"""Names of what metrics hold: `(loss, total)`, each pair once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fkeras.metrics.metric import Metric


def names_of_states(metrics: Iterable[Metric]) -> list[tuple[str, str]]:
    """(metric name, variable name) for each Variable of the metrics, in their order.

    Examples:
        >>> import fkeras
        >>> names_of_states([fkeras.metrics.Mean("loss"), fkeras.metrics.Mean("loss")])
        [('loss', 'total'), ('loss', 'count'), ('loss_1', 'total'), ('loss_1', 'count')]
    """
    names, used = [], set()
    for metric in metrics:
        for variable in metric.variables:
            name, i = metric.name, 1
            while (name, variable.name) in used:
                name, i = f"{metric.name}_{i}", i + 1
            used.add((name, variable.name))
            names.append((name, variable.name))
    return names
