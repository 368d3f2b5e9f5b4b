"""The modules that a script gets for `keras`, `tensorflow` and `tf_keras`.

They are never entered in `sys.modules`: there every library would take them for the real thing.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from typing import TYPE_CHECKING, Any

import fkeras
from fkeras.compat import former_modules
from fkeras.core import former_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

KERAS_VERSION = "3.15.1+fkeras"
TENSORFLOW_VERSION = "2.19.0+fkeras"
TENSORFLOW = ("tensorflow", "tf_keras")
ROOTS = ("keras", *TENSORFLOW)

# What there is of TensorFlow, and where to find the rest.
_OFFERED = (
    "keras, function, random.set_seed, config.list_physical_devices, distribute.MirroredStrategy "
    "and __version__"
)
# Rooms of fkeras, and Keras's own private one.
_NOT_KERAS = ("compat", "core", "errors", "io", "keras2", "src", "types")
_NO_GRAPHS = (
    "There are no graphs and sessions of TensorFlow 1: layers and steps are compiled by JAX."
)
_INSTEAD = {
    "GradientTape": "Use `jax.grad` over the pure form of a model: `model.apply(variables, x)`.",
    "data": "`fit` takes arrays, data frames, generators, `keras.utils.PyDataset` and PyTorch or "
    "Grain loaders.",
    "image": "Use `keras.ops.image`.",
    "io": "Use Python's own files.",
    "linalg": "Use `keras.ops.linalg` or `jax.numpy.linalg`.",
    "math": "Use `keras.ops` or `jax.numpy`.",
    "nn": "Use `keras.ops`, which has the functions of `tf.nn` under the same names, or `jax.nn`.",
    "Module": "Use `keras.layers.Layer`.",
    "Session": _NO_GRAPHS,
    "Tensor": "Results are JAX arrays.",
    "Variable": "Use `keras.Variable`.",
    "compat": _NO_GRAPHS,
    "config.experimental": "JAX chooses devices by itself: `jax.devices()`. Without "
    "`XLA_PYTHON_CLIENT_PREALLOCATE=false` in the environment it takes most of a GPU's memory.",
    "constant": "Use `keras.ops.convert_to_tensor`.",
    "convert_to_tensor": "Use `keras.ops.convert_to_tensor`.",
    "estimator": "Use `keras.Model` and `fit`.",
    "feature_column": "Use named inputs and layers: `keras.Input(name=...)`.",
    "lite": "Models are not exported yet.",
    "losses": "Use `keras.losses`.",
    "placeholder": _NO_GRAPHS,
    "saved_model": "Use `model.save` and `keras.models.load_model`.",
    "summary": "Write the logs in a callback: `keras.callbacks.CSVLogger`.",
    "train": "Use `keras.optimizers`, and `model.save_weights` for checkpoints.",
}
# Where else to look, by the module that a name was looked for in.
_ELSEWHERE = {
    "tf": "Look for it in `keras.ops` or `jax.numpy`.",
    "tf.random": "Look for it in `keras.random`.",
    "tf.config": "Look for it in `keras.config`; devices are `jax.devices()`.",
    "tf.distribute": "Use `keras.distribution`.",
    "tf.distribute.cluster_resolver": "Use `fkeras.distribution.initialize()`, which asks SLURM, "
    "Open MPI, Kubernetes and Cloud TPU.",
    "tf.python": "It is TensorFlow's own.",
}


class Loader(importlib.abc.Loader):
    """For the `__spec__` of stand-ins."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name, {}, lambda name: getattr(find(spec.name), name))

    def exec_module(self, module: ModuleType) -> None:
        pass  # complete as it is


class StandIn(types.ModuleType):
    """A module whose further names come from a function.

    Args:
        name: of the module.
        contents: the names that it has.
        more: function (name) -> value for the others; raises AttributeError for unknown ones.
    """

    def __init__(self, name: str, contents: Mapping[str, Any], more: Callable[[str], Any]) -> None:
        super().__init__(name)
        self.__dict__.update(
            contents, __path__=[], __spec__=spec_of(name), __package__=name, _more=more
        )
        self.__loader__ = self.__spec__.loader

    def __getattr__(self, name: str) -> Any:
        return self._more(name)

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return find, (self.__name__,)

    def __dir__(self) -> list[str]:
        own = {name for name in vars(self) if not name.startswith("_")}
        more = {"__version__", *dir(fkeras)} - {*_NOT_KERAS} if self.__name__ == "keras" else set()
        if isinstance(self, FormerModule):
            more = set(self.__all__)
        return sorted(own | more)


def spec_of(name: str) -> ModuleSpec:
    """What `importlib.util.find_spec` gives for a stand-in."""
    return importlib.machinery.ModuleSpec(name, Loader(), origin="fkeras", is_package=True)


def _refuse(module: str) -> Callable[[str], Any]:
    """The further names of a module that has none."""

    def more(name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # tools probe for these
        inside = f"{module}.{name}".removeprefix("tf.")
        instead = _INSTEAD.get(inside, _ELSEWHERE[module])
        raise AttributeError(
            f"fkeras has no `{module}.{name}`: of TensorFlow, a script gets {_OFFERED}. {instead}"
        )

    return more


def _set_seed(seed: int) -> None:
    """Seeds all random numbers of fkeras. NumPy's and Python's are seeded by
    `keras.utils.set_random_seed`.
    """
    from fkeras.core.randomness import process_generator

    process_generator.reset(int(seed) % 2**32)


@dataclasses.dataclass(frozen=True)
class PhysicalDevice:
    """What `tf.config.list_physical_devices` lists.

    Attributes:
        name: such as '/physical_device:GPU:0'.
        device_type: 'CPU', 'GPU' or 'TPU'.
    """

    name: str
    device_type: str


def _list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """This process's devices of one type, or of all for None; the CPU comes first."""
    import jax

    devices = {"CPU": jax.local_devices(backend="cpu")}
    accelerator = jax.default_backend().upper()
    if accelerator != "CPU":
        devices[accelerator] = jax.local_devices()
    kinds = devices if device_type is None else [device_type]
    return [
        PhysicalDevice(f"/physical_device:{kind}:{i}", kind)
        for kind in kinds
        for i in range(len(devices.get(kind, ())))
    ]


_said: set[str] = set()  # notes that this process has had


def _function(func: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """Gives the function back as it is: fkeras compiles whole training steps."""
    if "tf.function" not in _said:
        _said.add("tf.function")
        sys.stderr.write(
            "fkeras: note: tf.function does nothing here: whole steps are compiled. For functions "
            "of your own, use jax.jit.\n"
        )
    return (lambda f: f) if func is None else func


def _fkeras_name(name: str) -> Any:
    """A name of `keras`. fkeras's own rooms are not among them."""
    if name in _NOT_KERAS:
        raise AttributeError(f"`keras.{name}` is not a public name of Keras")
    if former_modules.has(name):
        former_modules.tell(name)
        return _former_module(name)
    return getattr(fkeras, name)


class FormerModule(StandIn):
    """A stand-in that Keras 1 had a function of the same name beside: `layers.merge`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        room, _, name = self.__name__.removeprefix("keras.").rpartition(".")
        function = former_names.find(room, name)
        if function is None:
            raise TypeError(f"the module {self.__name__!r} is not callable")
        return function(*args, **kwargs)


@functools.cache
def _former_module(name: str) -> FormerModule:
    """The stand-in for a module below `keras` that is a former one, or has one in it."""

    def more(attribute: str) -> Any:
        inner = f"{name}.{attribute}"
        if former_modules.has(inner):
            former_modules.tell(inner)
            return _former_module(inner)
        return former_modules.find(name, attribute, fkeras)

    return FormerModule(f"keras.{name}", {}, more)


keras = StandIn(
    "keras",
    {"__version__": KERAS_VERSION, "__doc__": fkeras.__doc__, "version": lambda: KERAS_VERSION},
    _fkeras_name,
)


def _part(name: str, **contents: Any) -> StandIn:
    """A module of TensorFlow that has these names alone."""
    return StandIn(f"tensorflow.{name}", contents, _refuse(f"tf.{name}"))


def _distribute(name: str) -> Any:
    """A name of `tf.distribute`, whose module loads JAX."""
    from fkeras.compat.tensorflow import distribute

    _INSTEAD.update(distribute.INSTEAD)
    if name == "cluster_resolver":
        return _part("distribute.cluster_resolver", **distribute.CLUSTER_RESOLVER)
    return distribute.NAMES[name] if name in distribute.NAMES else _refuse("tf.distribute")(name)


tensorflow = StandIn(
    "tensorflow",
    {
        "keras": keras,
        "__version__": TENSORFLOW_VERSION,
        "function": _function,
        "random": _part("random", set_seed=_set_seed),
        "config": _part("config", list_physical_devices=_list_physical_devices),
        "distribute": StandIn("tensorflow.distribute", {}, _distribute),
        "python": _part("python", keras=keras),
    },
    _refuse("tf"),
)
_MODULES = {"keras": keras, "tensorflow": tensorflow, "tf_keras": keras}


def find(name: str) -> types.ModuleType:
    """The module that a script gets for a dotted name.

    Raises:
        ModuleNotFoundError: there is none; says what there is instead.
    """
    root, *rest = name.split(".")
    module: ModuleType = _MODULES[root]
    path = root
    for part in rest:
        module = _child(module, path, part)
        path = f"{path}.{part}"
    return module


def _child(module: ModuleType, path: str, part: str) -> ModuleType:
    """A module in a module, which a script calls `path`."""
    try:
        child = getattr(module, part)
    except AttributeError as error:
        child, reason = None, str(error)
    else:
        reason = f"{path}.{part} is not a module"
    if isinstance(child, types.ModuleType):
        return child
    inner = f"{module.__name__}.{part}"
    if inner.startswith("fkeras."):  # a submodule that its package does not import by itself
        try:
            return importlib.import_module(inner)
        except ModuleNotFoundError as error:
            if error.name != inner:
                raise
    name = f"{path}.{part}"
    raise ModuleNotFoundError(f"No module named '{name}': {reason}", name=name)
