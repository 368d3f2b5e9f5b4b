"""What a backup belongs to: enough of the model, the data and the arguments of `fit` to tell that a
backup is of another training, and nothing that differs between two runs of one script.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.nested import flatten
from fkeras.layers.base import tracking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.data import Source
    from fkeras.training.trainable import Trainable

# Names carry counters, and seeds may come from the clock.
_LEFT_OUT = frozenset(("name", "seed", "registered_name", "module", "build_config", "dtype"))
_SAMPLES = 64  # rows that are looked at


def describe_owner(
    model: Trainable,
    source: Source,
    validation: Source | None,
    arguments: Mapping[str, Any],
) -> dict[str, Any]:
    """What a backup of a `fit` belongs to.

    Args:
        model: built and compiled, as it is before the first hook.
        source, validation: the data.
        arguments: of `fit`, by name.

    Returns:
        Plain values under `fixed`, which must be the same; `at_begin`, which a running training may
        change; `loose`, whose difference is told only.
    """
    optimizer = _plain_config(model.optimizer)
    rate = optimizer.pop("learning_rate", None)
    fixed = {
        "layers": {
            "/".join(path) or "model": _describe_layer(layer)
            for path, layer in tracking.structure_of(model).layers
        },
        "optimizer": {"class": type(model.optimizer).__name__, **optimizer},
        "data": _describe_source(source),
        "validation": _describe_source(validation),
        "arguments": _plain(dict(arguments)),
    }
    loose = {"data": _digest(source), "validation": _digest(validation)}
    return {"fixed": fixed, "at_begin": {"learning_rate": rate}, "loose": loose}


def differences(found: Any, now: Any, place: str = "") -> list[str]:
    """A line for each place in which two nested dicts differ.

    Examples:
        >>> differences({"data": {"rows": 64}}, {"data": {"rows": 48}})
        ['data rows: backup 64, now 48']
    """
    if isinstance(found, dict) and isinstance(now, dict):
        return [
            line
            for key in {**found, **now}
            for line in differences(
                found.get(key, "nothing"), now.get(key, "nothing"), f"{place} {key}".strip()
            )
        ]
    if _as_lists(found) == _as_lists(now):
        return []
    return [f"{place}: backup {found}, now {now}"]


def _as_lists(value: Any) -> Any:
    return [_as_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _describe_layer(layer: Any) -> dict[str, Any]:
    config = {} if layer._members() else _plain_config(layer)  # that of a model has names
    policy = getattr(getattr(layer, "dtype_policy", None), "name", None)
    return {"class": type(layer).__name__, "policy": policy, **config}


def _plain_config(owner: Any) -> dict[str, Any]:
    try:
        return _plain(owner.get_config())
    except Exception:  # classes of users may have none; what else is known of them has to do
        return {}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items() if key not in _LEFT_OUT}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return type(value).__name__


def _describe_source(source: Source | None) -> dict[str, Any] | None:
    if source is None:
        return None
    described = {"kind": getattr(source, "kind", "arrays"), "steps": source.steps}
    described["shuffle"] = getattr(source, "shuffle", None)
    if source.in_memory:
        described["rows"] = source.num_samples
        described["batch_size"] = source.batch_size
        described["shapes"] = [list(np.shape(x)[1:]) for x in flatten(source.arrays)]
    return described


def _digest(source: Source | None) -> int | None:
    """A checksum of some rows of arrays; None for streams."""
    if source is None or not source.in_memory:
        return None
    checksum = 0
    for array in flatten(source.arrays):
        if isinstance(array, (np.ndarray, jax.Array)) and array.dtype.kind not in "OUS":
            rows = np.linspace(0, len(array) - 1, min(len(array), _SAMPLES)).astype(int)
            checksum = zlib.crc32(np.ascontiguousarray(array[rows]).tobytes(), checksum)
    return checksum
