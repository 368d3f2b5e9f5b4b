"""The modules that a script gets for `keras`, `tensorflow` and `tf_keras`.

They are never entered in `sys.modules`: there every library would take them for the real thing.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import types

import fkeras

KERAS_VERSION = "3.15.1+fkeras"
TENSORFLOW_VERSION = "2.19.0+fkeras"
TENSORFLOW = ("tensorflow", "tf_keras")
ROOTS = ("keras", *TENSORFLOW)

_OFFERED = "keras, function, random.set_seed, config.list_physical_devices and __version__"
_INSTEAD = {
    "GradientTape": "Use `jax.grad` over the pure form of a model: `model.apply(variables, x)`.",
    "data": "`fit` takes arrays, data frames, generators, `keras.utils.PyDataset` and PyTorch or "
    "Grain loaders.",
    "distribute": "Use `keras.distribution`.",
    "image": "Use `keras.ops.image`.",
    "io": "Use `keras.utils.load_img` or Python's own files.",
    "linalg": "Use `keras.ops.linalg` or `jax.numpy.linalg`.",
    "math": "Use `keras.ops` or `jax.numpy`.",
    "nn": "Use `keras.ops`, which has the functions of `tf.nn` under the same names, or `jax.nn`.",
    "Variable": "Use `keras.Variable`.",
}


class Loader(importlib.abc.Loader):
    """For the `__spec__` of stand-ins."""

    def create_module(self, spec):
        return StandIn(spec.name, {}, lambda name: getattr(find(spec.name), name))

    def exec_module(self, module):
        pass


class StandIn(types.ModuleType):
    """A module whose further names come from a function (name) -> value, which raises
    AttributeError for unknown ones.
    """

    def __init__(self, name, contents, more):
        super().__init__(name)
        self.__dict__.update(
            contents, __path__=[], __spec__=spec_of(name), __package__=name, _more=more
        )
        self.__loader__ = self.__spec__.loader

    def __getattr__(self, name):
        return self._more(name)

    def __reduce__(self):
        return find, (self.__name__,)

    def __dir__(self):
        return sorted({*super().__dir__(), *(dir(fkeras) if self.__name__ == "keras" else ())})


def spec_of(name):
    return importlib.machinery.ModuleSpec(name, Loader(), origin="fkeras", is_package=True)


def _refuse(where):
    def more(name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # tools probe for these
        raise AttributeError(
            f"fkeras has no `{where}.{name}`: of TensorFlow, a script gets {_OFFERED}. "
            f"{instead_of(name)}".rstrip()
        )

    return more


def instead_of(name):
    return _INSTEAD.get(name, "Look for it in `keras.ops` or `jax.numpy`.")


def _set_seed(seed):
    """Seeds all random numbers of fkeras. NumPy's and Python's are seeded by
    `keras.utils.set_random_seed`.
    """
    from fkeras.core.randomness import seeds

    seeds.reset(int(seed) % 2**32)


class PhysicalDevice:
    """What `tf.config.list_physical_devices` lists: `name` and `device_type` ('CPU', 'GPU' or
    'TPU').
    """

    def __init__(self, name, device_type):
        self.name, self.device_type = name, device_type

    def __repr__(self):
        return f"PhysicalDevice(name={self.name!r}, device_type={self.device_type!r})"

    def __eq__(self, other):
        return isinstance(other, PhysicalDevice) and (self.name, self.device_type) == (
            other.name,
            other.device_type,
        )

    def __hash__(self):
        return hash((self.name, self.device_type))


def _list_physical_devices(device_type=None):
    """This process's devices of one type, or of all for None; the CPU comes first."""
    import jax

    found = {"CPU": jax.local_devices(backend="cpu")}
    kind = jax.default_backend().upper()
    if kind != "CPU":
        found[kind] = jax.local_devices()
    wanted = found if device_type is None else [device_type]
    return [
        PhysicalDevice(f"/physical_device:{k}:{i}", k)
        for k in wanted
        for i, _ in enumerate(found.get(k, ()))
    ]


_noted: list[str] = []


def _function(func=None, **options):
    """Gives the function back as it is: fkeras compiles whole training steps."""
    if not _noted:
        _noted.append("tf.function")
        sys.stderr.write(
            "fkeras: note: tf.function does nothing here: whole steps are compiled. For functions "
            "of your own, use jax.jit.\n"
        )
    return (lambda f: f) if func is None else func


def _fkeras_name(name):
    if name == "src" or name in ("core", "compat", "errors"):
        raise AttributeError(f"`keras.{name}` is not a public name of Keras")
    return getattr(fkeras, name)


keras = StandIn(
    "keras",
    {"__version__": KERAS_VERSION, "__doc__": fkeras.__doc__, "version": lambda: KERAS_VERSION},
    _fkeras_name,
)
tensorflow = StandIn("tensorflow", {
    "keras": keras, "__version__": TENSORFLOW_VERSION, "function": _function,
    "random": StandIn("tensorflow.random", {"set_seed": _set_seed}, _refuse("tf.random")),
    "config": StandIn("tensorflow.config", {"list_physical_devices": _list_physical_devices}, _refuse("tf.config")),
    "python": StandIn("tensorflow.python", {"keras": keras}, _refuse("tf.python")),
}, _refuse("tf"))  # fmt: skip
_MODULES = {"keras": keras, "tensorflow": tensorflow, "tf_keras": keras}


def find(name: str) -> types.ModuleType:
    """The module that a script gets for a dotted name.

    Raises:
        ModuleNotFoundError: there is none; says what there is instead.
    """
    root, *rest = name.split(".")
    module, at = _MODULES[root], root
    for part in rest:
        module, at = _child(module, at, part), f"{at}.{part}"
    return module


def _child(module, at, part):
    try:
        child = getattr(module, part)
    except AttributeError as error:
        child, why = None, str(error)
    else:
        why = f"{at}.{part} is not a module"
    if isinstance(child, types.ModuleType):
        return child
    inner = f"{module.__name__}.{part}"
    if inner.startswith("fkeras."):  # a submodule that its package does not import by itself
        try:
            return importlib.import_module(inner)
        except ModuleNotFoundError as error:
            if error.name != inner:
                raise
    raise ModuleNotFoundError(f"No module named '{at}.{part}': {why}", name=f"{at}.{part}")
