"""Learning rates as functions of the step."""

from fkeras.core.config import registry
from fkeras.optimizers.schedules.by_name import deserialize, get, serialize
from fkeras.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from fkeras.optimizers.schedules.decays import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from fkeras.optimizers.schedules.schedule import LearningRateSchedule

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "get",
    "serialize",
]

registry.add_builtins(
    "keras.optimizers.schedules",
    {
        cls.__name__: cls
        for cls in (
            CosineDecay,
            CosineDecayRestarts,
            ExponentialDecay,
            InverseTimeDecay,
            LearningRateSchedule,
            PiecewiseConstantDecay,
            PolynomialDecay,
        )
    },
)
