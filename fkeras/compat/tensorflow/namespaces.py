"""Which names each namespace of TensorFlow has: tables of the modules here, put together."""

from __future__ import annotations

import functools
from typing import Any

from fkeras import data
from fkeras.compat.tensorflow import (
    absent,
    arithmetic,
    arranging,
    checkpoints,
    control,
    creation,
    data_sets,
    debugging,
    devices,
    distribute,
    dtypes,
    examples,
    files,
    files_of_models,
    gradient_tape,
    image_random,
    linalg,
    lookup,
    modules,
    nn,
    numpy_names,
    old_names,
    picking,
    ragged_functions,
    random,
    reductions,
    signal,
    sparse,
    strings,
    summary,
    tensor_array,
    variables,
)
from fkeras.compat.tensorflow.notes import Inert, without_effect

TENSORFLOW_VERSION = "2.19.0"

# Names of `tf.math` that `tf` has, too.
_IN_TF = (
    "abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh clip_by_global_norm "
    "clip_by_norm clip_by_value cos cosh cumsum divide equal exp floor greater greater_equal less "
    "less_equal logical_and logical_not logical_or maximum minimum multiply negative not_equal pow "
    "reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod "
    "reduce_sum round scalar_mul sigmoid sign sin sinh sqrt square subtract tan tanh truediv "
    "truncatediv truncatemod"
).split()


_MATH = ragged_functions.aware(
    {
        **arithmetic.NAMES,
        **reductions.NAMES,
        **picking.IN_MATH,
        **{
            name: nn.NAMES[name]
            for name in ("l2_normalize", "log_softmax", "softmax", "zero_fraction")
        },
    },
    "math",
)
_CORE: dict[str, Any] = {
    **ragged_functions.aware({**creation.NAMES, **arranging.NAMES, **picking.NAMES}, ""),
    **control.NAMES,
    **debugging.IN_CORE,
    **gradient_tape.NAMES,
    **variables.NAMES,
    **modules.NAMES,
    **tensor_array.NAMES,
    **linalg.IN_CORE,
    **{name: _MATH[name] for name in _IN_TF},
    **dtypes.NAMES,
    "RaggedTensor": ragged_functions.RaggedTensor,
    "SparseTensor": sparse.SparseTensor,
    "TensorSpec": data.TensorSpec,
    "edit_distance": sparse.edit_distance,
    "Event": Inert,
    "__version__": TENSORFLOW_VERSION,
    "device": devices.device,
    "get_logger": old_names.get_logger,
    "newaxis": None,
}
_VERSION = {"COMPILER_VERSION": "", "GIT_VERSION": "fkeras", "VERSION": TENSORFLOW_VERSION}

absent.INSTEAD.update(distribute.INSTEAD)

# Dotted path in `tf` -> names.
TREE: dict[str, dict[str, Any]] = {
    "": _CORE,
    "audio": signal.AUDIO,
    "autograph": control.AUTOGRAPH,
    "autograph.experimental": control.AUTOGRAPH_EXPERIMENTAL,
    "bitwise": arithmetic.BITWISE,
    "compat": strings.IN_COMPAT,
    "compat.v1": old_names.V1,
    "compat.v1.data": data_sets.V1,
    "compat.v1.gfile": old_names.GFILE,
    "compat.v1.logging": old_names.LOGGING,
    "config": devices.NAMES,
    "config.experimental": devices.EXPERIMENTAL,
    "config.optimizer": devices.OPTIMIZER,
    "config.threading": devices.THREADING,
    "data": data_sets.NAMES,
    "data.experimental": data_sets.EXPERIMENTAL,
    "debugging": debugging.NAMES,
    "debugging.experimental": {
        "enable_dump_debug_info": without_effect("enable_dump_debug_info"),
    },
    "distribute": distribute.NAMES,
    "distribute.cluster_resolver": distribute.CLUSTER_RESOLVER,
    "dtypes": {
        **dtypes.NAMES,
        **{name: creation.NAMES[name] for name in ("cast", "complex", "saturate_cast")},
    },
    "errors": old_names.ERRORS,
    "experimental.numpy": numpy_names.NAMES,
    "experimental.numpy.random": numpy_names.RANDOM,
    "image": image_random.ALL,
    "io": {**files.NAMES, **examples.IO},
    "io.gfile": files.GFILE,
    "linalg": {**linalg.NAMES, "global_norm": arithmetic.global_norm},
    "logging": old_names.LOGGING,
    "lookup": lookup.NAMES,
    "lookup.experimental": lookup.EXPERIMENTAL,
    "math": _MATH,
    "nest": old_names.NEST,
    "nn": nn.NAMES,
    "python_io": {name: examples.IO[name] for name in ("TFRecordOptions", "TFRecordWriter")},
    "python.client.device_lib": {"list_local_devices": devices.list_logical_devices},
    "ragged": ragged_functions.NAMES,
    "random": random.NAMES,
    "random.experimental": random.EXPERIMENTAL,
    "saved_model": files_of_models.SAVED_MODEL,
    "sets": sparse.SETS,
    "signal": signal.NAMES,
    "sparse": sparse.NAMES,
    "strings": ragged_functions.aware(strings.NAMES, "strings"),
    "summary": summary.NAMES,
    "summary.experimental": summary.EXPERIMENTAL,
    "sysconfig": {"get_build_info": dict},
    "test": devices.TEST,
    "train": {**checkpoints.TRAIN, **examples.TRAIN},
    "version": _VERSION,
}


# Where names of TensorFlow 1 went.
_PLACES = ("math", "linalg", "nn", "image", "io", "strings", "random", "debugging", "config")


@functools.cache
def parts_of(path: str) -> frozenset[str]:
    """The namespaces inside of one: `'experimental'` in `'config'`."""
    inside = [
        p.removeprefix(f"{path}.") if path else p
        for p in TREE
        if p.startswith(f"{path}.") or not path
    ]
    return frozenset(p.partition(".")[0] for p in inside if p)


def names_of(path: str) -> list[str]:
    """All that a namespace has."""
    return sorted({*TREE.get(path, {}), *parts_of(path)})


def find(path: str, name: str) -> Any:
    """The value of a name in a namespace.

    Raises:
        AttributeError: there is none; says what to write instead.
    """
    names = TREE.get(path, {})
    if name in names:
        value = names[name]
        return value.make() if isinstance(value, examples.Late) else value
    elsewhere = next((p for p in _PLACES if p != path and name in TREE[p]), "")
    raise AttributeError(absent.message(path, name, names_of(path), elsewhere))
