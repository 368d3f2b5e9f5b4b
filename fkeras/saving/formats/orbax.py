"""The Orbax directory: `fkeras.json` beside the arrays. The only module that knows Orbax.

    fkeras.json     config, counts, the order of the weights
    arrays/         variables by structural path, the optimizer's state by position
    assets/         other files of layers

Format 1, which is read and no longer written, had positions in place of paths.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from fkeras import io
from fkeras.errors import UserInputError
from fkeras.saving.record import LayerRecord, Lifetime, ModelRecord, OptimizerRecord

if TYPE_CHECKING:
    from typing import Any

    import orbax.checkpoint as ocp

    Arrays = dict[str, np.ndarray]

FORMAT = 2
INDEX = "fkeras.json"  # also what makes a directory a saved model
_ARRAYS = "arrays"
_ASSETS = "assets"


class OrbaxDirectory:
    """A directory that Orbax's own tools can read, too.

    Examples:
        >>> import fkeras, pathlib
        >>> from fkeras.saving.formats.orbax import OrbaxDirectory
        >>> from fkeras.saving.record import record_model
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> OrbaxDirectory().write(record_model(model), pathlib.Path("model"))
        >>> list(OrbaxDirectory().read(pathlib.Path("model")).weights)
        ['dense/kernel', 'dense/bias']
    """

    suffixes = ("",)
    layout: Literal["paths"] = "paths"
    holds_models = True
    holds_weights = True

    def is_saved_at(self, path: Path) -> bool:
        return (path / INDEX).is_file()

    def write(self, record: ModelRecord, path: Path) -> None:
        if path.exists() and not self._may_go(path):
            raise UserInputError(
                f"'{path}' holds something else than a saved model: it is not replaced."
            )
        optimizer = record.optimizer.values if record.optimizer is not None else ()
        arrays, empty = _without_empty(record.weights)
        with io.replacing_directory(path) as directory:
            _checkpointer().save(
                (directory / _ARRAYS).absolute(),
                {"variables": arrays, "optimizer": _by_position(optimizer)},
            )
            for name, content in record.assets.items():
                # Refuses names that would leave the directory.
                target = io.entry_path(name, directory / _ASSETS)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            index = json.dumps(_index_of(record, empty))
            (directory / INDEX).write_text(index, encoding="utf-8")

    def _may_go(self, path: Path) -> bool:
        return self.is_saved_at(path) or (path.is_dir() and not any(path.iterdir()))

    def read(self, path: Path) -> ModelRecord:
        index = _read_index(path)
        stored = _checkpointer().restore((path / _ARRAYS).absolute())
        record = _record_of(index, stored)
        return dataclasses.replace(record, assets=_read_assets(path / _ASSETS))


# -- fkeras.json -------------------------------------------------------------------------------


def _index_of(record: ModelRecord, empty: dict[str, Any]) -> dict[str, Any]:
    index: dict[str, Any] = {
        "format": FORMAT,
        "config": record.config,
        "weights": list(record.weights),
        "layers": [dataclasses.asdict(layer) for layer in record.layers],
    }
    if empty:
        index["empty"] = empty
    if record.lifetime is not None:
        index["progress"] = dataclasses.asdict(record.lifetime)
    if record.optimizer is not None:
        index["trained"] = record.optimizer.trained
    return index


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
        number = index.get("format", 0)
    except (ValueError, AttributeError) as error:
        raise UserInputError(
            f"'{path / INDEX}' is damaged: {error}. Save the model again, or take another copy."
        ) from None
    if number > FORMAT:
        raise UserInputError(
            f"'{path}' has format {number}; this release reads up to {FORMAT}. "
            "Install a newer fkeras."
        )
    return index


def _record_of(index: dict[str, Any], stored: dict[str, Arrays]) -> ModelRecord:
    variables = stored["variables"]
    for name, (shape, dtype) in index.get("empty", {}).items():
        variables[name] = np.empty(shape, dtype)
    # Orbax gives the arrays in the order of their names; Keras's is in the index.
    by_position = index.get("format", 0) < 2
    order = sorted(variables) if by_position else index["weights"]
    optimizer = stored.get("optimizer")
    trained = index.get("trained")
    return ModelRecord(
        weights={name: np.asarray(variables[name]) for name in order},
        by_position=by_position,
        layers=tuple(
            LayerRecord(layer["path"], layer["class_name"], tuple(layer["weights"]))
            for layer in index.get("layers", ())
        ),
        config=index["config"],
        optimizer=OptimizerRecord(
            tuple(np.asarray(optimizer[name]) for name in sorted(optimizer)),
            None if trained is None else tuple(trained),
        )
        if optimizer
        else None,
        lifetime=_lifetime_of(index.get("progress")),
    )


def _lifetime_of(progress: dict[str, Any] | None) -> Lifetime | None:
    if progress is None:
        return None
    first, second = progress["key"]
    return Lifetime(int(progress["steps"]), int(progress["epochs"]), (int(first), int(second)))


# -- arrays and assets -------------------------------------------------------------------------


def _by_position(values: tuple[np.ndarray, ...]) -> Arrays:
    return {f"{position:05d}": value for position, value in enumerate(values)}


def _without_empty(weights: Arrays) -> tuple[Arrays, dict[str, Any]]:
    """Arrays for Orbax, which refuses those of no element; and the shapes and dtypes of these."""
    arrays = {path: array for path, array in weights.items() if array.size}
    empty = {
        path: (array.shape, array.dtype.name) for path, array in weights.items() if not array.size
    }
    return arrays, empty


def _read_assets(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _checkpointer() -> ocp.PyTreeCheckpointer:
    try:
        import orbax.checkpoint as ocp  # takes seconds: only who saves or loads pays
    except ImportError as error:
        raise ImportError(
            "Saving and loading checkpoint directories needs orbax-checkpoint: `pip install "
            "orbax-checkpoint`."
        ) from error
    return ocp.PyTreeCheckpointer()
