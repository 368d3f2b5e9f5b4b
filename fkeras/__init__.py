"""fkeras: Keras's layers, models and training on a pure Flax/JAX core.

A table of contents. Nothing is imported until a name is used: `import fkeras` costs nothing,
`fkeras.layers` loads the layers.
"""

import functools
import importlib
import typing

from fkeras.core import former_names, namespaces
from fkeras.core.config import homes as config_homes

if typing.TYPE_CHECKING:
    from fkeras import activations as activations
    from fkeras import backend as backend
    from fkeras import callbacks as callbacks
    from fkeras import compat as compat
    from fkeras import config as config
    from fkeras import constraints as constraints
    from fkeras import core as core
    from fkeras import data as data
    from fkeras import datasets as datasets
    from fkeras import distillation as distillation
    from fkeras import distribution as distribution
    from fkeras import dtype_policies as dtype_policies
    from fkeras import errors as errors
    from fkeras import initializers as initializers
    from fkeras import layers as layers
    from fkeras import legacy as legacy
    from fkeras import lift as lift
    from fkeras import losses as losses
    from fkeras import metrics as metrics
    from fkeras import mixed_precision as mixed_precision
    from fkeras import models as models
    from fkeras import ops as ops
    from fkeras import optimizers as optimizers
    from fkeras import preprocessing as preprocessing
    from fkeras import quantizers as quantizers
    from fkeras import random as random
    from fkeras import regularizers as regularizers
    from fkeras import saving as saving
    from fkeras import tree as tree
    from fkeras import types as types
    from fkeras import utils as utils
    from fkeras import visualization as visualization
    from fkeras import wrappers as wrappers
    from fkeras.backend import device as device
    from fkeras.backend import name_scope as name_scope
    from fkeras.core.dtype_policy import DTypePolicy as DTypePolicy
    from fkeras.core.dtype_policy import FloatDTypePolicy as FloatDTypePolicy
    from fkeras.core.symbolic.operation import Operation as Operation
    from fkeras.core.values.remat import RematScope as RematScope
    from fkeras.core.values.stateless_scope import StatelessScope as StatelessScope
    from fkeras.core.values.stateless_scope import SymbolicScope as SymbolicScope
    from fkeras.core.values.variable import Variable as Variable
    from fkeras.initializers import Initializer as Initializer
    from fkeras.layers import Input as Input
    from fkeras.layers import InputSpec as InputSpec
    from fkeras.layers import Layer as Layer
    from fkeras.layers.base.lift import remat as remat
    from fkeras.losses import Loss as Loss
    from fkeras.metrics import Metric as Metric
    from fkeras.models import Function as Function
    from fkeras.models import Model as Model
    from fkeras.models import Sequential as Sequential
    from fkeras.ops.operators import KerasTensor as KerasTensor
    from fkeras.optimizers import Optimizer as Optimizer
    from fkeras.quantizers import Quantizer as Quantizer
    from fkeras.regularizers import Regularizer as Regularizer

__version__ = "0.1.0"

_NAMES = {
    "fkeras.backend": ("device", "name_scope"),
    "fkeras.core.dtype_policy": ("DTypePolicy", "FloatDTypePolicy"),
    "fkeras.core.symbolic.operation": ("Operation",),
    "fkeras.core.values.remat": ("RematScope",),
    "fkeras.layers.base.lift": ("remat",),
    "fkeras.core.values.stateless_scope": ("StatelessScope", "SymbolicScope"),
    "fkeras.ops.operators": ("KerasTensor",),
    "fkeras.core.values.variable": ("Variable",),
    "fkeras.initializers": ("Initializer",),
    "fkeras.layers": ("Input", "InputSpec", "Layer"),
    "fkeras.losses": ("Loss",),
    "fkeras.metrics": ("Metric",),
    "fkeras.models": ("Function", "Model", "Sequential"),
    "fkeras.optimizers": ("Optimizer",),
    "fkeras.quantizers": ("Quantizer",),
    "fkeras.regularizers": ("Regularizer",),
}
_ROOMS = (
    "activations",
    "backend",
    "callbacks",
    "compat",
    "config",
    "constraints",
    "core",
    "data",
    "datasets",
    "distillation",
    "distribution",
    "dtype_policies",
    "errors",
    "initializers",
    "layers",
    "legacy",
    "lift",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "quantizers",
    "random",
    "regularizers",
    "saving",
    "tree",
    "types",
    "utils",
    "visualization",
    "wrappers",
)
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
__all__ = [  # noqa: PLE0604
    "__version__",
    "version",
    *_HOMES,
    *(room for room in _ROOMS if room not in ("compat", "core", "data", "errors", "types")),
]


# The rooms whose classes and functions configs name, in the order in which a name without a module
# is looked for.
_NAMED_IN_CONFIGS = (
    "layers",
    "lift",
    "models",
    "initializers",
    "regularizers",
    "constraints",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
    "dtype_policies",
    "quantizers",
    "random",
    "activations",
    "callbacks",
    "ops",
    "distillation",
    "utils",
)
config_homes.install(
    {
        f"keras.{room}": functools.partial(importlib.import_module, f"fkeras.{room}")
        for room in _NAMED_IN_CONFIGS
    }
)
# Functional models that were made with functions of `tf`.
config_homes.install(
    {
        "tensorflow": functools.partial(
            importlib.import_module, "fkeras.compat.tensorflow.namespaces"
        )
    }
)
former_names.install(importlib.import_module)


def version() -> str:
    """The version of fkeras."""
    return __version__


def load_ipython_extension(ipython: object) -> None:
    """What `%load_ext fkeras` does in a notebook: `fkeras.compat.install()`.

    Args:
        ipython: the notebook's shell; not used.
    """
    importlib.import_module("fkeras.compat").install()


def unload_ipython_extension(ipython: object) -> None:
    """What `%unload_ext fkeras` does in a notebook: `fkeras.compat.uninstall()`.

    Args:
        ipython: the notebook's shell; not used.
    """
    importlib.import_module("fkeras.compat").uninstall()


if not typing.TYPE_CHECKING:  # a checker must see that other names do not exist

    def __getattr__(name):
        if name in _HOMES:
            value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
            return value
        if name in _ROOMS:
            return importlib.import_module(f"fkeras.{name}")
        raise AttributeError(namespaces.describe_missing("fkeras", name, __dir__))


def __dir__():
    return sorted({"__version__", "version", *_HOMES, *_ROOMS} - {"core"})


namespaces.watch_imports()
