"""`fkeras.json` of an Orbax directory: which array of a record is which array of the `state`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.errors import IncompatibleFileError, UserInputError
from fkeras.saving.formats import orbax
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.record import LayerRecord, Lifetime, ModelRecord, OptimizerRecord

if TYPE_CHECKING:
    from fkeras.types import ArrayLike

    Index = dict[str, Any]

FORMAT = 3
INDEX = "fkeras.json"  # also what makes a directory a saved model

# Fields of a `TrainState`, so that what plain Orbax restores is the fields of one.
_OPTIMIZER, _METRICS, _TRAINING = "opt_state/", "metrics/", "training/"
_FURTHER = "further_opt_state/"


def arrays_of(record: ModelRecord) -> dict[str, ArrayLike]:
    """All arrays of a record by their paths in the `state`.

    Raises:
        UserInputError: two of them would have one path.
    """
    arrays: dict[str, ArrayLike] = dict(_weights_of(record))
    if record.optimizer is not None:
        named = zip(_names_of(record.optimizer), record.optimizer.values, strict=True)
        arrays |= {_OPTIMIZER + name: value for name, value in named}
    for key, state in record.further.items():
        named = zip(_names_of(state), state.values, strict=True)
        arrays |= {f"{_FURTHER}{key}/{name}": value for name, value in named}
    arrays |= {_METRICS + name: value for name, value in record.metrics.items()}
    arrays |= {_TRAINING + name: value for name, value in record.training_arrays.items()}
    if record.lifetime is not None:
        arrays["step"] = np.asarray(record.lifetime.steps, "int32")
        arrays["key"] = np.asarray(record.lifetime.key, "uint32")
    folders: dict[str, str] = {}
    for path in arrays:
        other = folders.setdefault(path.replace("/", "."), path)
        if other != path:
            raise UserInputError(
                f"'{path}' and '{other}' cannot both be saved in a directory, where they would be "
                "one name. Give one of the layers a name without '.', or save a '.keras' file."
            )
    return arrays


def index_of(record: ModelRecord, arrays: Mapping[str, ArrayLike]) -> Index:
    """The index of a record.

    Args:
        record: all that is saved.
        arrays: `arrays_of` it.
    """
    index: Index = {
        "format": FORMAT,
        "processes": jax.process_count(),
        "joined": orbax.are_joined(arrays),
        "config": record.config,
        "weights": {path: record.roles.get(path, "params") for path in record.weights},
        "layers": [dataclasses.asdict(layer) for layer in record.layers],
        "metrics": list(record.metrics),
        "training_arrays": list(record.training_arrays),
        # Orbax refuses arrays of no element.
        "empty": {
            path: (np.shape(array), array.dtype.name)
            for path, array in arrays.items()
            if not np.size(array)
        },
    }
    if record.automatic is not None:
        index["automatic"] = list(map(int, record.automatic))
    if record.trained is not None:
        index["trained"] = record.trained
    if record.lifetime is not None:
        index["progress"] = dataclasses.asdict(record.lifetime)
    if record.optimizer is not None:
        index["optimizer"] = _names_of(record.optimizer)
    if record.further:
        index["further"] = {
            key: {"names": _names_of(state), "trained": state.trained}
            for key, state in record.further.items()
        }
    return index


def read_index(path: Path) -> Index:
    """The index in a directory.

    Raises:
        CorruptFileError: it is damaged.
        IncompatibleFileError: of a format to come.
    """
    index = read_json((path / INDEX).read_bytes(), f"'{path / INDEX}'")
    number = index.get("format", 0)
    if not isinstance(number, int) or number > FORMAT:
        raise IncompatibleFileError(
            f"'{path}' has format {number!r}; this release reads up to {FORMAT}. "
            "Install a newer fkeras."
        )
    return index


def stored_names(index: Index) -> list[str]:
    """Paths of the arrays that stand in the `state`."""
    names = [f"{role}/{path}" for path, role in index["weights"].items()]
    names += [_OPTIMIZER + name for name in index.get("optimizer", ())]
    for key, said in index.get("further", {}).items():
        names += [f"{_FURTHER}{key}/{name}" for name in said["names"]]
    names += [_METRICS + name for name in index["metrics"]]
    names += [_TRAINING + name for name in index["training_arrays"]]
    if "progress" in index:
        names += ["step", "key"]
    return [name for name in names if name not in index["empty"]]


def record_of(
    index: Index, stored: Mapping[str, np.ndarray], training: Mapping[str, Any] | None
) -> ModelRecord:
    """The record that was written."""
    arrays = dict(stored)
    for path, (shape, dtype) in index["empty"].items():
        if 0 not in shape:
            raise ValueError(f"{path!r} is said to be empty")
        arrays[path] = np.zeros(shape, jnp.dtype(dtype))
    trained = index.get("trained")
    return ModelRecord(
        weights={path: arrays[f"{role}/{path}"] for path, role in index["weights"].items()},
        roles=dict(index["weights"]),
        layers=tuple(
            LayerRecord(layer["path"], layer["class_name"], tuple(layer["weights"]))
            for layer in index["layers"]
        ),
        config=index["config"],
        optimizer=_optimizer_of(index, arrays),
        further={
            key: OptimizerRecord(
                tuple(arrays[f"{_FURTHER}{key}/{name}"] for name in said["names"]),
                tuple(said["trained"]),
                tuple(said["names"]),
            )
            for key, said in index.get("further", {}).items()
        },
        lifetime=lifetime_of(index.get("progress")),
        metrics={name: arrays[_METRICS + name] for name in index["metrics"]},
        automatic=tuple(map(bool, index["automatic"])) if "automatic" in index else None,
        trained=None if trained is None else tuple(trained),
        training=training,
        training_arrays={name: arrays[_TRAINING + name] for name in index["training_arrays"]},
    )


def lifetime_of(progress: Index | None) -> Lifetime | None:
    """The counts and the key of an index."""
    if progress is None:
        return None
    first, second = progress["key"]
    return Lifetime(int(progress["steps"]), int(progress["epochs"]), (int(first), int(second)))


def _optimizer_of(index: Index, arrays: Mapping[str, np.ndarray]) -> OptimizerRecord | None:
    names = index.get("optimizer")
    if names is None:
        return None
    trained = index.get("trained")
    return OptimizerRecord(
        tuple(arrays[_OPTIMIZER + name] for name in names),
        None if trained is None else tuple(trained),
        tuple(names),
    )


def _weights_of(record: ModelRecord) -> dict[str, ArrayLike]:
    return {
        f"{record.roles.get(path, 'params')}/{path}": value
        for path, value in record.weights.items()
    }


def _names_of(optimizer: OptimizerRecord) -> list[str]:
    if optimizer.names is not None:
        return list(optimizer.names)
    return [f"{position:05d}" for position in range(len(optimizer.values))]
