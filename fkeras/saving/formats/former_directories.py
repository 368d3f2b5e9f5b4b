"""Orbax directories of formats 1 and 2: read, and no longer written.

Format 1 had positions in place of paths; the optimizer's state goes by position in both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving.formats import orbax
from fkeras.saving.formats.checkpoint_index import INDEX, lifetime_of
from fkeras.saving.record import LayerRecord, ModelRecord, OptimizerRecord

_ARRAYS = "arrays"


def read_record(index: dict[str, Any], path: Path) -> ModelRecord:
    """The record of a directory, but for its assets.

    Raises:
        CorruptFileError: it is damaged.
    """
    try:
        return _record_of(index, orbax.read_arrays(path / _ARRAYS))
    except UserInputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptFileError(
            f"'{path / INDEX}' is damaged: {error!r}. Save the model again, or take another copy."
        ) from None


def _record_of(index: dict[str, Any], stored: dict[str, np.ndarray]) -> ModelRecord:
    variables = _below("variables/", stored)
    for name, (shape, dtype) in index.get("empty", {}).items():
        variables[name] = np.empty(shape, dtype)
    # Orbax gives the arrays in the order of their names; Keras's is in the index.
    by_position = index.get("format", 0) < 2
    order = sorted(variables) if by_position else index["weights"]
    optimizer = _below("optimizer/", stored)
    trained = index.get("trained")
    state = OptimizerRecord(
        tuple(optimizer[name] for name in sorted(optimizer)),
        None if trained is None else tuple(trained),
    )
    return ModelRecord(
        weights={name: variables[name] for name in order},
        by_position=by_position,
        layers=tuple(
            LayerRecord(layer["path"], layer["class_name"], tuple(layer["weights"]))
            for layer in index.get("layers", ())
        ),
        config=index["config"],
        optimizer=state if optimizer else None,
        trained=state.trained if optimizer else None,
        lifetime=lifetime_of(index.get("progress")),
    )


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
