"""Learning rates as functions of the step: a table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config import registry
from fkeras.optimizers.schedules.by_name import deserialize as deserialize
from fkeras.optimizers.schedules.by_name import get as get
from fkeras.optimizers.schedules.by_name import serialize as serialize
from fkeras.optimizers.schedules.cosine import CosineDecay as CosineDecay
from fkeras.optimizers.schedules.cosine import CosineDecayRestarts as CosineDecayRestarts
from fkeras.optimizers.schedules.decays import ExponentialDecay as ExponentialDecay
from fkeras.optimizers.schedules.decays import InverseTimeDecay as InverseTimeDecay
from fkeras.optimizers.schedules.decays import PiecewiseConstantDecay as PiecewiseConstantDecay
from fkeras.optimizers.schedules.decays import PolynomialDecay as PolynomialDecay
from fkeras.optimizers.schedules.schedule import LearningRateSchedule as LearningRateSchedule

# The imports above are the one table of schedules: configs are looked up in it.
registry.add_builtins(
    "keras.optimizers.schedules",
    {
        name: value
        for name, value in dict(globals()).items()
        if isinstance(value, type) and issubclass(value, LearningRateSchedule)
    },
)

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
