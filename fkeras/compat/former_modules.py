"""Modules of Keras 1, Keras 2 and tf.keras 2 that have another place today: the one table of them.

`keras.layers.core` and its kin are stand-ins that look their names up in today's namespaces.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from fkeras.core import former_names

_LAYERS = (
    "core convolutional convolutional_recurrent recurrent recurrent_v2 rnn cudnn_recurrent "
    "embeddings normalization normalization_v2 advanced_activations activation noise pooling local "
    "wrappers merge merging attention dense_attention reshaping regularization kernelized "
    "containers"
).split()
_ENGINE = ("layers", "models", "utils", "backend")

# Former module -> the namespaces of today that have its names, in the order of the search.
FORMER: dict[str, tuple[str, ...]] = {
    **{f"layers.{name}": ("layers",) for name in _LAYERS},
    "layers.experimental": ("layers",),
    "layers.experimental.preprocessing": ("layers",),
    "layers.preprocessing": ("layers",),
    "engine": _ENGINE,
    **{
        f"engine.{name}": _ENGINE
        for name in (
            "topology training input_layer input_spec base_layer network functional sequential "
            "data_adapter training_utils keras_tensor"
        ).split()
    },
    "legacy.layers": ("layers",),
    "legacy.interfaces": (),
    "objectives": ("losses",),
    "initializations": ("initializers",),
    "initializers.initializers_v1": ("initializers",),
    "initializers.initializers_v2": ("initializers",),
    "utils.np_utils": ("utils",),
    "utils.vis_utils": ("utils",),
    "utils.visualize_util": ("utils",),
    "utils.data_utils": ("utils",),
    "utils.generic_utils": ("utils",),
    "utils.layer_utils": ("utils",),
    "utils.io_utils": ("utils",),
    "utils.image_utils": ("utils",),
    "utils.dataset_utils": ("utils",),
    "utils.conv_utils": ("utils",),
    "utils.tf_utils": ("utils", "backend"),
    "utils.training_utils": ("utils",),
    "utils.test_utils": ("utils",),
    "utils.losses_utils": ("losses",),
    "optimizers.legacy": ("optimizers",),
    "optimizers.experimental": ("optimizers",),
    "optimizers.optimizer_v2": ("optimizers",),
    "optimizers.learning_rate_schedule": ("optimizers.schedules",),
    "optimizer_v1": ("optimizers",),
    "optimizer_v2": ("optimizers",),
    **{
        f"optimizer_v2.{name}": ("optimizers",)
        for name in (
            "optimizer_v2 adam gradient_descent rmsprop adagrad adadelta adamax nadam ftrl"
        ).split()
    },
    "optimizer_v2.learning_rate_schedule": ("optimizers.schedules",),
    "callbacks.callbacks": ("callbacks",),
    "callbacks.tensorboard_v1": ("callbacks",),
    "callbacks.experimental": ("callbacks",),
    "backend.tensorflow_backend": ("backend",),
    "backend.common": ("backend",),
    "backend_config": ("backend",),
    "models.experimental": ("models",),
    "losses.losses": ("losses",),
    "metrics.metrics": ("metrics",),
    "mixed_precision.experimental": ("mixed_precision",),
    "experimental": ("optimizers.schedules", "layers", "models", "optimizers"),
    "saving.hdf5_format": ("saving",),
    "saving.save": ("models", "saving"),
    "saving.saving_utils": ("saving",),
}
_PARENTS = {name.rpartition(".")[0] for name in FORMER} - {""}
_told: set[str] = set()  # former modules that this process was told of


def has(name: str) -> bool:
    """Whether a dotted name below `keras` is a former module, or has one in it."""
    return name in FORMER or name in _PARENTS


def tell(name: str) -> None:
    """One warning in the life of the process that a module is a former one."""
    if name in _told or name not in FORMER or former_names.is_silent():
        return
    _told.add(name)
    homes = " and ".join(f"`keras.{home}`" for home in FORMER[name])
    now = f"its names are in {homes} today" if homes else "it has no names today"
    former_names.tell(f"`keras.{name}` is a module of older Keras: {now}.")


def find(name: str, attribute: str, package: ModuleType) -> Any:
    """A name of a former module, or of a namespace that has one in it.

    Args:
        name: the module's, below `keras`. attribute: what is asked for.
        package: where the namespaces of today are.

    Raises:
        AttributeError: none of the namespaces has it; says what the last one says.
    """
    homes = _homes(name, package)
    if attribute == "__all__":
        return sorted({known for home in homes for known in dir(home) if known[0] != "_"})
    reason = AttributeError(f"`keras.{name}` has no {attribute!r}")
    if attribute.startswith("__"):
        raise reason  # tools probe for these
    for home in homes:
        try:
            value = getattr(home, attribute)
        except AttributeError as error:
            reason = error
            continue
        room = home.__name__.removeprefix(f"{package.__name__}.")
        if isinstance(value, ModuleType) and former_names.today(room, attribute):
            # A file of ours has the name of something else: `optimizers.adam`.
            return former_names.find(room, attribute)
        return value
    raise AttributeError(str(reason))


def rooms_of(module_name: str) -> tuple[str, ...]:
    """The namespaces whose names a module has: a former one, or a namespace itself.

    Examples:
        >>> rooms_of("keras.layers.core"), rooms_of("fkeras.losses")
        (('layers',), ('losses',))
    """
    name = module_name.partition(".")[2]
    return FORMER.get(name, (name,))


def _homes(name: str, package: ModuleType) -> list[ModuleType]:
    """The namespaces of today in which the names of a module are looked for."""
    homes = FORMER.get(name)
    if homes is None:
        homes = (name,) if isinstance(getattr(package, name, None), ModuleType) else ()
    return [importlib.import_module(f"{package.__name__}.{home}") for home in homes]
