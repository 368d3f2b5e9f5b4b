"""A directory of checkpoints, one below the other, each named after its step: `checkpoints/12`.

What is read is the one that was written last, which need not be the one of the highest number: a
training that begins anew counts from the start.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Literal, NamedTuple

from fkeras.errors import UserInputError
from fkeras.saving.formats import keras_checkpoint
from fkeras.saving.formats.checkpoint_index import INDEX
from fkeras.saving.formats.keras_checkpoint import KerasCheckpoint
from fkeras.saving.formats.orbax_directory import OrbaxDirectory
from fkeras.saving.record import ModelRecord

_UNFINISHED = re.compile(r"\.\d+-\w+")  # what a process that was killed leaves of a step
_OURS, _KERAS = OrbaxDirectory(), KerasCheckpoint()


class Step(NamedTuple):
    """A complete checkpoint.

    Attributes:
        path: its directory.
        number: the step that it is named after.
        saved_at_ns: when it was written.
    """

    path: Path
    number: int
    saved_at_ns: int


class StepDirectories:
    """Reads the last of several checkpoints. A callback writes them, one by one."""

    suffixes = ()
    layout: Literal["paths"] = "paths"
    holds_models = holds_weights = False

    def is_saved_at(self, path: Path) -> bool:
        return bool(steps_in(path))

    def write(self, record: ModelRecord, path: Path) -> None:
        raise UserInputError(f"'{path}' is a directory of checkpoints: name one of them.")

    def read(self, path: Path) -> ModelRecord:
        last = steps_in(path)[-1].path
        return (_OURS if _OURS.is_saved_at(last) else _KERAS).read(last)


def steps_in(path: Path) -> list[Step]:
    """The complete checkpoints in a directory, the one that was written last at the end."""
    if not path.is_dir():
        return []
    steps = []
    for child in path.iterdir():
        if child.name.isdecimal() and not child.is_symlink():
            if _OURS.is_saved_at(child):
                steps.append(Step(child, int(child.name), _time_of(child / INDEX, "saved_at_ns")))
            elif _KERAS.is_saved_at(child):
                metadata = child / keras_checkpoint.METADATA
                steps.append(Step(child, int(child.name), _time_of(metadata, _COMMITTED)))
    return sorted(steps, key=lambda step: (step.saved_at_ns, step.number))


def keep_last(path: Path, count: int | None) -> None:
    """Removes all checkpoints but the last ones; None keeps all."""
    for step in steps_in(path)[: -count or None] if count is not None else ():
        shutil.rmtree(step.path, ignore_errors=True)


def remove_unfinished(path: Path) -> None:
    """Removes what killed processes left of steps that they had begun."""
    for child in path.iterdir() if path.is_dir() else ():
        if _UNFINISHED.fullmatch(child.name) and not (child / "old").exists():
            shutil.rmtree(child, ignore_errors=True)


_COMMITTED = "commit_timestamp_nsecs"


def _time_of(file: Path, key: str) -> int:
    """A time that a JSON file says; 0 where it says none."""
    try:
        said = json.loads(file.read_bytes())[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
    return said if isinstance(said, int) else 0
