"""`Backups`: what `BackupAndRestore` asks for, done by the loop of `fit`.

A backup is taken between two device calls, when all hooks have run: nothing is half done then. It
holds the values of all Variables that training changes, the model's key and counts, the place in
the epoch, the states of all callbacks, and where the data stand.

A hook at the beginning of training or of an epoch runs again in the process that goes on, since
what it sets up died with the other one. What it did to weights, rates and states of callbacks was
done once already: the backup is put in place behind these hooks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import placement
from fkeras.core.randomness.process_generator import RootKey
from fkeras.core.values import stacking
from fkeras.core.warn_once import warn_user
from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving.backup_file import read_backup, write_backup
from fkeras.saving.packed_state import pack, unpack
from fkeras.training import agreement
from fkeras.training.backup_owner import differences
from fkeras.training.forgetful import Forgetful
from fkeras.training.termination import Terminated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fkeras.callbacks import BackupAndRestore, CallbackList
    from fkeras.core.values.variable import Variable
    from fkeras.data import Source
    from fkeras.training.epoch_batches import EpochBatches
    from fkeras.training.loan import Loan
    from fkeras.training.progress import Progress
    from fkeras.training.termination import Termination
    from fkeras.training.trainable import Trainable
    from fkeras.training.variable_groups import VariableGroups

_MOST_LISTED = 6
_GROUPS = ("params", "state", "optimizer", "metrics")


@dataclasses.dataclass(frozen=True)
class Point:
    """Where a training stands, between two device calls.

    Attributes:
        epoch: index of the epoch that is under way, or comes next.
        batch: batches done of it.
        in_epoch: whether its first hooks have run.
        is_trained: whether all its batches are done.
        logs: the last results.
        is_stopped: whether a callback has set `stop_training`.
        is_new: whether nothing of this training has been run.
    """

    epoch: int
    batch: int = 0
    in_epoch: bool = False
    is_trained: bool = False
    logs: dict[str, Any] = dataclasses.field(default_factory=dict)
    is_stopped: bool = False
    is_new: bool = False

    @property
    def batch_of_pass(self) -> int:
        """The batches done of the epoch, where its pass over the data goes on."""
        return 0 if self.is_trained else self.batch


class Backups:
    """The backups of one `fit`.

    Args:
        callback: says when and where.
        model: the model, built and compiled.
        groups: its Variables by role.
        progress: its lifetime counts.
        callbacks: all callbacks.
        validation: source of validation batches, or None.
        termination: tells of SIGTERM.
        owner: what the backups belong to, as `backup_owner` describes it.
    """

    def __init__(
        self,
        callback: BackupAndRestore,
        model: Trainable,
        groups: VariableGroups,
        progress: Progress,
        callbacks: CallbackList,
        validation: Source | None,
        termination: Termination,
        owner: dict[str, Any],
    ) -> None:
        self._callback = callback
        self._model = model
        self._groups = groups
        self._progress = progress
        self._callbacks = callbacks
        self._validation = validation
        self._termination = termination
        self._owner = owner
        self._forgetful = Forgetful(callbacks.callbacks)
        self._found: tuple[dict[str, np.ndarray], dict[str, Any]] | None = None
        self._began_at = progress.steps
        self._validation_position: dict[str, Any] | None = None  # while it is under way

    @property
    def counts_batches(self) -> bool:
        """Whether backups go by batches: epochs must not be whole device calls then."""
        return self._callback.counts_batches

    def batches_until_due(self) -> int | None:
        """How many batches the next device call may take; None for any number."""
        return self._callback.batches_until_due()

    # -- before the loop -------------------------------------------------------

    def find(self, initial_epoch: int) -> Point:
        """Where to begin: at the last backup, whose key and counts the model gets, or anew.

        Args:
            initial_epoch: of a training that begins anew.

        Raises:
            UserInputError: a backup of another model, other data or other arguments.
            CorruptFileError: a damaged one, and no earlier one.
        """
        self._point = Point(initial_epoch, is_new=True)
        self._found = self._read()
        agreement.any_of(False)  # no process writes before all have read
        if self._found is None:
            return self._point
        arrays, content = self._found
        self._refuse_foreign(arrays, content)
        life = content["life"]
        self._began_at = life["began_at"]
        self._progress.update(life)
        self._progress.predicted = life["predicted"]
        self._model._info.root_key = RootKey.from_data(life["key"])
        self._point = Point(**unpack(content["point"], arrays))
        return self._point

    def _read(self):
        callback = self._callback
        folder, path, earlier = callback.path.parent, callback.path, callback.earlier_path
        if jax.process_index() == 0 and folder.is_dir():
            for left in folder.glob(".*.backup-*"):  # of a process that was killed while it wrote
                shutil.rmtree(left, ignore_errors=True)
            if not path.exists() and _next_to(path).exists():  # killed between two renamings
                os.replace(_next_to(path), path)
        self._agree_on_folder(path.exists() or earlier.exists())
        if not folder.is_dir():
            return None
        if path.exists():
            try:
                return read_backup(path)
            except CorruptFileError as error:
                if not earlier.exists():
                    raise CorruptFileError(
                        f"{error} Remove the folder to begin anew. "
                        "`BackupAndRestore(double_checkpoint=True)` keeps the backup before it "
                        "too, to go on from."
                    ) from None
                warn_user(f"BackupAndRestore goes on from the earlier backup '{earlier}': {error}")
        return read_backup(earlier) if earlier.exists() else None

    def _agree_on_folder(self, has_backup: bool) -> None:
        """Raises where some of several processes see a backup and others do not."""
        if agreement.is_needed() and len(set(agreement.gather(int(has_backup)).tolist())) > 1:
            raise UserInputError(
                f"BackupAndRestore: some processes find a backup in '{self._callback.backup_dir}' "
                "and others do not. Give a folder on a file system that all of them share."
            )

    def _refuse_foreign(self, arrays, content):
        """Raises where the backup is not one of this `fit`."""
        problems = differences(content["owner"]["fixed"], self._owner["fixed"])
        if self._progress.steps < content["life"]["began_at"]:
            problems.append(
                f"it was begun at step {content['life']['began_at']} of the model's life, which "
                f"has {self._progress.steps} now: it is of a later `fit`; each needs a folder of "
                "its own"
            )
        elif self._progress.steps == content["life"]["began_at"]:
            problems += differences(content["owner"]["at_begin"], self._owner["at_begin"])
        now = {
            name: (str(variable.dtype), tuple(variable.shape))
            for name, variable in _named(self._groups).items()
        }
        # States of callbacks and logs are arrays of the backup too.
        saved = {
            name: (array.dtype.name, array.shape)
            for name, array in arrays.items()
            if name.split("/")[0] in _GROUPS
        }
        problems += differences({"values": saved}, {"values": now})
        if not problems:
            if differences(content["owner"]["loose"], self._owner["loose"]):
                warn_user(
                    "BackupAndRestore: the data have other values than when the backup was made. "
                    "Training goes on, but not as if it had never been interrupted. Fix the seed "
                    "with which they are made or split."
                )
            return
        more = len(problems) - _MOST_LISTED
        listed = "\n".join(f"  {problem}" for problem in problems[:_MOST_LISTED])
        raise UserInputError(
            f"The backup in '{self._callback.backup_dir}' belongs to another training:\n{listed}"
            + (f"\n  and {more} more" if more > 0 else "")
            + "\nRemove the folder to begin anew, or give this `fit` another `backup_dir`."
        )

    # -- at the begin of the loop ----------------------------------------------

    def begin(self, loan: Loan, batches: EpochBatches) -> Point:
        """Called behind the hooks of the beginning. Restores what was found, unless that has to
        wait for the hooks of its epoch. Returns where to begin.

        Args:
            loan: of the values. batches: of the epochs that are run step by step.
        """
        self._loan = loan
        self._batches = batches
        self._epoch_began_at = self._progress.steps - self._point.batch
        self._forgetful.look()
        if self._found is None:
            if self._callback.save_freq is not False:
                self.save()
        elif not self._point.in_epoch:
            self._restore()
        return self._point

    def begin_epoch(self, epoch: int) -> None:
        """Called behind the hooks of an epoch's beginning."""
        if self._found is not None:
            self._restore()
            return
        self._epoch_began_at = self._progress.steps
        self._point = Point(epoch, in_epoch=True)

    def _restore(self):
        (arrays, content), self._found = self._found, None
        stacking.assign_all(
            [(variable, arrays[name]) for name, variable in _named(self._groups).items()]
        )
        self._callbacks.set_state(unpack(content["callbacks"], arrays))
        self._callback.is_due = False
        data = self._own_position(unpack(content["data"], arrays))
        self._batches.go_on(data["training"], self._point.batch_of_pass)
        if self._validation is not None:
            self._validation.go_on(data["validation"])
        self._model.stop_training = self._point.is_stopped

    def _own_position(self, positions: Any) -> dict[str, Any]:
        """Where this process's data stand."""
        if isinstance(positions, dict):  # the same in all processes, or there is only one
            return positions
        if len(positions) == jax.process_count():
            return positions[jax.process_index()]
        raise UserInputError(
            f"The backup in '{self._callback.backup_dir}' is of {len(positions)} processes, each "
            f"with data of its own. Now there are {jax.process_count()}: start as many, or remove "
            "the folder to begin anew."
        )

    # -- in the loop -----------------------------------------------------------

    def after_batches(self, logs: Any) -> None:
        """Called behind the hooks of a device call."""
        self._point = dataclasses.replace(
            self._point, batch=self._progress.steps - self._epoch_began_at, logs=logs
        )
        if self._callback.is_due:
            self.save()

    def before_validation(self) -> None:
        """Called before the first hook of a validation. If that is cut short, it begins again."""
        self._point = dataclasses.replace(self._point, is_trained=True)
        self._validation_position = self._validation.position()

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Called behind the hooks of an epoch's end."""
        self._validation_position = None
        self._point = Point(epoch + 1, logs=logs)
        if self._callback.is_due:
            self.save()

    def check(self) -> None:
        """Saves and raises `Terminated` where SIGTERM has come."""
        if self._termination.has_come():
            self.save()
            raise Terminated

    def while_waiting_for(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The same batches, of which none keeps SIGTERM waiting."""
        try:
            yield from self._termination.while_waiting_for(batches)
        except Terminated:
            self.save()
            raise

    def finish(self) -> None:
        """Called when training has come to its end, all hooks included."""
        callback = self._callback
        is_kept = not callback.delete_checkpoint or self._termination.is_requested
        if is_kept or jax.process_index() != 0:
            return
        for path in (callback.path, callback.earlier_path, _next_to(callback.path)):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else's files are in it
            callback.path.parent.rmdir()

    # -- saving ----------------------------------------------------------------

    def save(self) -> None:
        """Writes a backup of the present point. The one before it stays until this one is whole."""
        self._callback.is_due = False
        self._forgetful.warn()
        with self._loan.lock:
            values = self._loan.values_to_donate()
            if not agreement.is_needed():
                values = jax.device_get(values)
            flat = [placement.fetch(value) for group in values for value in group]
        arrays = dict(zip(_named(self._groups), flat, strict=True))
        point = self._point
        is_stopped = bool(self._model.stop_training)
        point = dataclasses.replace(
            point,
            logs=dict(point.logs or {}),
            is_stopped=is_stopped,
            is_trained=point.is_trained
            or (point.in_epoch and (is_stopped or self._batches.is_whole(point.batch))),
        )
        validation = self._validation_position
        if validation is None and self._validation is not None:
            validation = self._validation.position()
        content = {
            "owner": self._owner,
            "life": {
                **self._progress.to_plain(),
                "predicted": self._progress.predicted,
                "key": [int(word) for word in jax.random.key_data(self._model.build_key)],
                "began_at": self._began_at,
            },
            "point": pack(dataclasses.asdict(point), "point", arrays),
            "callbacks": pack(self._callbacks.get_state(), "callbacks", arrays),
            "data": _gather_positions(
                {
                    "training": self._batches.position(point.batch),
                    "validation": validation or {},
                },
                arrays,
            ),
        }
        if jax.process_index() == 0:
            self._write(arrays, content)

    def _write(self, arrays, content):
        path = self._callback.path
        keeps_earlier = self._callback.double_checkpoint and path.exists()
        new = _next_to(path) if keeps_earlier else path
        try:
            write_backup(new, arrays, content)
        except OSError as error:
            error.add_note(
                f"fkeras: BackupAndRestore could not write to '{path.parent}'. The backup before "
                "this one is as it was."
            )
            raise
        if keeps_earlier:
            os.replace(path, self._callback.earlier_path)
            os.replace(new, path)


def _gather_positions(position: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """Where the data stand, as JSON has it: of each process, where they have data of their own.

    Args:
        position: in this process.
        arrays: takes the arrays in it.
    """
    if not agreement.is_needed():
        return pack(position, "data", arrays)
    own: dict[str, np.ndarray] = {}
    described = json.dumps(pack(position, f"data/{jax.process_index()}", own)).encode()
    packed = io.BytesIO()
    np.savez(packed, **own)
    positions = [json.loads(text) for text in agreement.gather_bytes(described)]
    for content in agreement.gather_bytes(packed.getvalue()):
        with np.load(io.BytesIO(content)) as theirs:
            arrays.update(theirs)
    same = all(other == positions[0] for other in positions)
    return positions[0] if same else positions


def _named(groups: VariableGroups) -> dict[str, Variable]:
    """The Variables that training changes, by names that do not depend on what else the process has
    made; in the order of `groups.groups()`.
    """
    trainable, others, slots, metrics = groups.groups()
    paths = dict(groups.paths)
    for path, generator in groups.structure.generators:
        paths[id(generator.state)] = (*path, "state")
    named: dict[str, Variable] = {}
    for i, variable in enumerate([*trainable, *others]):
        group = "params" if groups.is_param.get(id(variable)) else "state"
        name = f"{group}/{'/'.join(paths.get(id(variable), (str(i),)))}"
        named[name if name not in named else f"{name}#{i}"] = variable
    named.update({f"optimizer/{i}": variable for i, variable in enumerate(slots)})
    named.update({f"metrics/{i}": variable for i, variable in enumerate(metrics)})
    return named


def _next_to(path: Path) -> Path:
    return path.with_name("next.backup")
