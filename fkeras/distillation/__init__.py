"""`keras.distillation`: a small model learns from a large one. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config import registry
from fkeras.distillation.distillation_loss import DistillationLoss as DistillationLoss
from fkeras.distillation.distiller import Distiller as Distiller
from fkeras.distillation.feature_distillation import FeatureDistillation as FeatureDistillation
from fkeras.distillation.logits_distillation import LogitsDistillation as LogitsDistillation

registry.add_builtins(
    "keras.distillation",
    {
        cls.__name__: cls
        for cls in (DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation)
    },
)

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
