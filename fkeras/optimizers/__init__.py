"""Optimizers: pure Optax-style transformations under Keras's names, with Keras's arithmetic."""

from fkeras.core.config import registry
from fkeras.optimizers import legacy, schedules
from fkeras.optimizers.adadelta import Adadelta
from fkeras.optimizers.adafactor import Adafactor
from fkeras.optimizers.adagrad import Adagrad
from fkeras.optimizers.adam import Adam, AdamW
from fkeras.optimizers.adamax import Adamax
from fkeras.optimizers.by_name import deserialize, get, serialize
from fkeras.optimizers.ftrl import Ftrl
from fkeras.optimizers.lamb import Lamb
from fkeras.optimizers.leaves import Leaf, Slot
from fkeras.optimizers.lion import Lion
from fkeras.optimizers.loss_scale import LossScaleOptimizer
from fkeras.optimizers.multi import MultiOptimizer, OptimizerMap
from fkeras.optimizers.muon import Muon
from fkeras.optimizers.nadam import Nadam
from fkeras.optimizers.optax_optimizer import OptaxOptimizer
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.rmsprop import RMSprop
from fkeras.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from fkeras.optimizers.sgd import SGD

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Leaf",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptaxOptimizer",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "Slot",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

registry.add_builtins(
    "keras.optimizers",
    {
        cls.__name__: cls
        for cls in (
            Adadelta,
            Adafactor,
            Adagrad,
            Adam,
            AdamW,
            Adamax,
            Ftrl,
            Lamb,
            Lion,
            LossScaleOptimizer,
            MultiOptimizer,
            Muon,
            Nadam,
            OptaxOptimizer,
            Optimizer,
            OptimizerMap,
            RMSprop,
            SGD,
            ScheduleFreeAdamW,
        )
    },
)
