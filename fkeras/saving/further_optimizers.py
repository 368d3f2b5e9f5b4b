"""Optimizers that a model holds beside the one it was compiled with, as two networks that are
trained against each other have them: `self.d_optimizer`, `self.g_optimizer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.optimizers import Optimizer

if TYPE_CHECKING:
    from fkeras.models import Model


def further_optimizers(model: Model) -> dict[str, Optimizer]:
    """Such optimizers by the names of the model's attributes, each once.

    Examples:
        >>> import fkeras
        >>> from fkeras.saving.further_optimizers import further_optimizers
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.d_optimizer = fkeras.optimizers.Adam()
        >>> list(further_optimizers(model))
        ['d_optimizer']
    """
    found: dict[str, Optimizer] = {}
    for name, value in vars(model).items():
        is_known = value is model.optimizer or any(value is other for other in found.values())
        if isinstance(value, Optimizer) and not is_known:
            found[name] = value
    return found
