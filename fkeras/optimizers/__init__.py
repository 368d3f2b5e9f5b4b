"""Optimizers under Keras's names, with Keras's arithmetic: a table of contents.

Each is a pure `init` and `update` on trees, much like Optax's, and the same on Variables. They are
converted to Optax transformations by `to_optax()`, and from them by `get`.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config import registry
from fkeras.optimizers import legacy as legacy
from fkeras.optimizers import schedules as schedules
from fkeras.optimizers.adadelta import Adadelta as Adadelta
from fkeras.optimizers.adafactor import Adafactor as Adafactor
from fkeras.optimizers.adagrad import Adagrad as Adagrad
from fkeras.optimizers.adam import Adam as Adam
from fkeras.optimizers.adam import AdamW as AdamW
from fkeras.optimizers.adamax import Adamax as Adamax
from fkeras.optimizers.by_name import deserialize as deserialize
from fkeras.optimizers.by_name import get as get
from fkeras.optimizers.by_name import serialize as serialize
from fkeras.optimizers.ftrl import Ftrl as Ftrl
from fkeras.optimizers.lamb import Lamb as Lamb
from fkeras.optimizers.lion import Lion as Lion
from fkeras.optimizers.loss_scale import LossScaleOptimizer as LossScaleOptimizer
from fkeras.optimizers.multi import MultiOptimizer as MultiOptimizer
from fkeras.optimizers.muon import Muon as Muon
from fkeras.optimizers.nadam import Nadam as Nadam
from fkeras.optimizers.optax_optimizer import OptaxOptimizer as OptaxOptimizer
from fkeras.optimizers.optimizer import Optimizer as Optimizer
from fkeras.optimizers.optimizer_map import OptimizerMap as OptimizerMap
from fkeras.optimizers.parameter_info import ParameterInfo as ParameterInfo
from fkeras.optimizers.rmsprop import RMSprop as RMSprop
from fkeras.optimizers.schedule_free_adamw import ScheduleFreeAdamW as ScheduleFreeAdamW
from fkeras.optimizers.sgd import SGD as SGD
from fkeras.optimizers.slot_spec import SlotSpec as SlotSpec

Leaf = ParameterInfo  # their former names
Slot = SlotSpec

# The imports above are the one table of optimizers: names and configs are looked up in it.
registry.add_builtins(
    "keras.optimizers",
    {
        name: value
        for name, value in dict(globals()).items()
        if isinstance(value, type) and issubclass(value, (Optimizer, OptimizerMap))
    },
)

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__, submodules=("legacy", "schedules"))
