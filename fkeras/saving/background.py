"""`CheckpointWriter`: checkpoints of a model that is being trained, written beside the training.

The training stops for as long as a copy of the model's values on their devices takes. What is
written is that copy, on a thread of its own; one checkpoint at a time.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax

from fkeras.errors import SaveError
from fkeras.saving import record as records
from fkeras.saving.formats import step_directories
from fkeras.saving.formats.orbax_directory import OrbaxDirectory

if TYPE_CHECKING:
    from fkeras.models import Model


# Seconds that a thread leaves to the training, which copies what was read of it before its next
# step: both want all of the memory's speed.
_HEAD_START = 0.1


class CheckpointWriter:
    """Writes checkpoints into one directory, each below it under the number of its step.

    A checkpoint stands at its place when it is whole, and not before. Earlier ones are removed
    after that. One that fails leaves those before it as they were; its error is raised by the next
    `save`, or by `wait`.

    Args:
        directory: where they go.
        max_to_keep: how many stay; None for all.
        in_background: whether `save` returns before all is written.
        weights_only: whether architecture, optimizer and counts are left out.
        owner: whose checkpoints they are, for messages.
    """

    def __init__(
        self,
        directory: Path,
        max_to_keep: int | None = 1,
        in_background: bool = True,
        weights_only: bool = False,
        owner: str = "CheckpointWriter",
    ) -> None:
        self.directory = directory
        self.max_to_keep = max_to_keep
        self.in_background = in_background
        self.weights_only = weights_only
        self.owner = owner
        self._thread: threading.Thread | None = None
        self._is_awaited = threading.Event()
        self._failures: list[str] = []
        # A program may end by another error before anybody asks.
        weakref.finalize(self, _tell, self._failures)

    def save(self, model: Model, step: int, training: Mapping[str, Any] | None = None) -> None:
        """Saves a model as it is now; waits for the one before first.

        Args:
            model: built.
            step: the number that the checkpoint is named after; one of that number is replaced.
            training: what else a run wants to remember, plain values as JSON has them.

        Raises:
            SaveError: the checkpoint before could not be written; or this one, where it is not
                written in the background.
        """
        self.wait()
        record_of = records.record_weights if self.weights_only else records.record_model
        record = record_of(model)
        path = self.directory / str(step)
        record = records.with_training(record, training)
        finish = OrbaxDirectory().begin(record, path, self.in_background)
        if not self.in_background:
            self._finish(finish, path)
            self._raise_failure()
            return
        # Not a daemon: a program that ends waits for its last checkpoint.
        name = f"{self.owner} {path.name}"
        self._is_awaited.clear()
        self._thread = threading.Thread(target=self._finish_later, args=(finish, path), name=name)
        self._thread.start()

    def wait(self) -> None:
        """Waits until the last checkpoint stands.

        Raises:
            SaveError: it could not be written.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            self._is_awaited.set()
            thread.join()
        self._raise_failure()

    close = wait

    def _finish_later(self, finish: Callable[[], None], path: Path) -> None:
        self._is_awaited.wait(_HEAD_START)
        self._finish(finish, path)

    def _finish(self, finish: Callable[[], None], path: Path) -> None:
        try:
            finish()
            if jax.process_index() == 0:
                step_directories.keep_last(self.directory, self.max_to_keep)
        except Exception as error:  # whatever it is, it is told on the thread that trains
            standing = step_directories.steps_in(self.directory)
            last = f"The last one that stands is '{standing[-1].path}'." if standing else ""
            # Its text alone: the frames of the error hold this object.
            self._failures.append(
                f"{self.owner}: the checkpoint '{path}' could not be written: {error} {last}"
            )

    def _raise_failure(self) -> None:
        if self._failures:
            raise SaveError(self._failures.pop())


def _tell(failures: list[str]) -> None:
    """Says what nobody was told."""
    for failure in failures:
        logging.getLogger("fkeras").error("%s", failure)
