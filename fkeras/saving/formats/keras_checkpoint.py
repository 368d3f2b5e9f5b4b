"""One step of Keras's own `OrbaxCheckpoint`: read, never written.

pytree/                       four groups of arrays by the paths that Variables have in Keras
model_config/_strings.json    the architecture, where not only weights were saved
assets/                       files of layers, as arrays of bytes
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving.formats import orbax
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.formats.links import refuse_links
from fkeras.saving.keras_names import slots_by_weight
from fkeras.saving.record import ModelRecord, OptimizerRecord

METADATA = "_CHECKPOINT_METADATA"
_ARRAYS, _CONFIG, _ASSETS = "pytree", "model_config", "assets"
_GENERATOR = "/seed_generator_state"
_WEIGHTS = ("trainable_variables/", "non_trainable_variables/")


class KerasCheckpoint:
    """What `keras.callbacks.OrbaxCheckpoint` writes for one step."""

    suffixes = ()
    layout: Literal["paths"] = "paths"
    holds_models = holds_weights = False

    def is_saved_at(self, path: Path) -> bool:
        return (path / METADATA).is_file() and (path / _ARRAYS / "_METADATA").is_file()

    def write(self, record: ModelRecord, path: Path) -> None:
        raise UserInputError(f"'{path}' was written by Keras: choose another path.")

    def read(self, path: Path) -> ModelRecord:
        refuse_links(path)
        arrays = orbax.read_arrays(path / _ARRAYS)
        groups = {name.partition("/")[0] for name in arrays}
        if not groups & {prefix.rstrip("/") for prefix in _WEIGHTS}:
            raise CorruptFileError(
                f"'{path}' is no checkpoint of a model: expected the groups "
                f"'trainable_variables' and 'non_trainable_variables'. Received: {sorted(groups)}."
            )
        weights: dict[str, np.ndarray] = {}
        for prefix in _WEIGHTS:
            weights |= _below(prefix, arrays)
        # A model here draws by its key, its steps and the places of its layers.
        weights = {name: w for name, w in weights.items() if not name.endswith(_GENERATOR)}
        slots = _below("optimizer_variables/", arrays)
        names = slots_by_weight(slots, {name: name for name in weights})
        return ModelRecord(
            weights,
            by_variable=True,
            config=_read_config(path),
            optimizer=OptimizerRecord(tuple(slots.values()), None, tuple(names)) if slots else None,
            metrics=_below("metrics_variables/", arrays),
            assets=_read_assets(path / _ASSETS),
        )


def _read_config(path: Path) -> dict[str, Any] | None:
    folder = path / _CONFIG
    if not folder.is_dir():
        return None
    file = folder / "_strings.json"
    if not file.is_file():
        raise CorruptFileError(f"'{path}' is not whole: '{_CONFIG}/{file.name}' is missing.")
    text = read_json(file.read_bytes(), f"'{file}'").get("config")
    if not isinstance(text, str):
        raise CorruptFileError(f"'{file}' is damaged: it holds no config.")
    return read_json(text.encode(), f"'{file}'")


def _read_assets(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {
        name: value.astype(np.uint8).tobytes() for name, value in orbax.read_arrays(folder).items()
    }


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
