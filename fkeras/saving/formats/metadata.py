"""What a file says of itself: who wrote it, and under `"fkeras"` what Keras has no place for."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import IncompatibleFileError
from fkeras.saving.record import Lifetime, ModelRecord

if TYPE_CHECKING:
    from fkeras.types import Config

KERAS_VERSION = "3.15.0"  # whose layouts are written
_NEWEST_MAJOR = 3
_OWN = "fkeras"
_OWN_FORMAT = 1


def describe(record: ModelRecord) -> Config:
    """The metadata of a record, as a `.keras` has them."""
    return {
        "keras_version": KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        _OWN: describe_own(record),
    }


def describe_own(record: ModelRecord) -> Config:
    """What makes training go on, and Keras does not know."""
    own: dict[str, Any] = {"format": _OWN_FORMAT}
    if record.lifetime is not None:
        own["steps"] = record.lifetime.steps
        own["epochs"] = record.lifetime.epochs
        own["key"] = list(record.lifetime.key)
    if record.automatic is not None:
        own["automatic"] = list(map(int, record.automatic))
    if record.trained is not None:
        own["trained"] = list(record.trained)
    own["generators"] = {path: value.tolist() for path, value in record.generators.items()}
    return own


def own_part(metadata: Config) -> Config:
    """The part of the metadata that is fkeras's."""
    own = metadata.get(_OWN)
    return own if isinstance(own, dict) else {}


def check_version(version: object, own: Config, shown: str) -> None:
    """Refuses files of releases to come.

    Args:
        version: of Keras, such as `"3.15.0"`; anything else says nothing.
        own: fkeras's part of the metadata.
        shown: how messages name the file.

    Raises:
        IncompatibleFileError: a newer major release of Keras, or a newer format of fkeras.
    """
    major = str(version).partition(".")[0]
    if major.isdecimal() and int(major) > _NEWEST_MAJOR:
        raise IncompatibleFileError(
            f"{shown}: written by Keras {str(version)[:20]}; this release reads files of Keras 2 "
            f"and {_NEWEST_MAJOR}. Install a newer fkeras."
        )
    number = own.get("format", 0)
    if not isinstance(number, int) or number > _OWN_FORMAT:
        raise IncompatibleFileError(
            f"{shown}: format {number!r} of fkeras; this release reads up to {_OWN_FORMAT}. "
            "Install a newer fkeras."
        )


def lifetime_of(own: Config) -> Lifetime | None:
    """How far training had come; None in files of Keras's."""
    try:
        first, second = own["key"]
        return Lifetime(int(own["steps"]), int(own["epochs"]), (int(first), int(second)))
    except (KeyError, TypeError, ValueError):
        return None


def choices_of(own: Config) -> dict[str, Any]:
    """The fields of a record that say whose choice names were, and what is trained."""
    automatic, trained = own.get("automatic"), own.get("trained")
    are_flags = isinstance(automatic, list) and all(flag in (0, 1) for flag in automatic)
    are_paths = isinstance(trained, list) and all(isinstance(path, str) for path in trained)
    return {
        "automatic": tuple(map(bool, automatic)) if are_flags else None,
        "trained": tuple(trained) if are_paths else None,
    }


def generators_of(own: Config) -> dict[str, np.ndarray]:
    """The states of seed generators by structural path."""
    states = own.get("generators")
    if not isinstance(states, dict):
        return {}
    return {
        path: np.array(state, "uint32")
        for path, state in states.items()
        if isinstance(state, list) and all(isinstance(word, int) for word in state)
    }
