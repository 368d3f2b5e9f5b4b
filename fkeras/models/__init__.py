"""Models: the stateful facade over layers and pure steps."""

from typing import TYPE_CHECKING

from fkeras import ops
from fkeras.core import namespaces
from fkeras.core.config import registry
from fkeras.core.symbolic import keras_tensor
from fkeras.models.cloning import clone_model as clone_model
from fkeras.models.function import Function as Function
from fkeras.models.functional import Functional as Functional
from fkeras.models.model import Model as Model
from fkeras.models.model import model_from_json as model_from_json
from fkeras.models.sequential import Sequential as Sequential
from fkeras.saving.checkpoint import load_model as load_model
from fkeras.saving.checkpoint import save_model as save_model

# Where Keras looks for it.
registry.add_builtins("keras.src.models.functional", {"Functional": Functional})
registry.add_builtins(
    "keras.models", {"Model": Model, "Functional": Functional, "Sequential": Sequential}
)
registry.add_builtins("keras", {"Model": Model, "Sequential": Sequential})
# Functions stand in functional configs by name.
registry.add_builtins("keras.ops", {fn.__name__: fn for fn in keras_tensor.TENSOR_METHODS.values()})
registry.add_builtins(
    "keras.ops", {name: fn for name, fn in vars(ops).items() if hasattr(fn, "compute_output_spec")}
)

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
