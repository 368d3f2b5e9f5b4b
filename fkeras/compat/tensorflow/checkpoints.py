"""`tf.train.Checkpoint`: the values of Variables, layers, optimizers and iterators in a file.

A value goes by its path: the names of attributes, keys and positions from the checkpoint to it.
"""

from __future__ import annotations

import json
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from fkeras import io
from fkeras.compat.tensorflow import modules
from fkeras.core.values.variable import Variable
from fkeras.data import DatasetIterator
from fkeras.errors import CorruptFileError, UserInputError, UserTypeError
from fkeras.layers import Layer
from fkeras.layers.base import tracking
from fkeras.metrics import Metric
from fkeras.optimizers import Optimizer
from fkeras.saving.formats import format_at

SUFFIX = ".ckpt.npz"  # behind the path that `save` returns
_NAMES = "fkeras_checkpoint"
_TAIL = "/.ATTRIBUTES/VARIABLE_VALUE"  # of names in TensorFlow's own files


class _Place(NamedTuple):
    """Where a value is read and set; `shape` is None where any fits."""

    read: Callable[[], np.ndarray]
    write: Callable[[np.ndarray], Any]
    shape: tuple[int, ...] | None


class Checkpoint:
    """Keeps the values of what it is given in files, and sets them again.

    Args:
        root: a layer, model or module whose parts go by their own names.
        **kwargs: Variables, layers, models, optimizers, metrics, modules, iterators of data sets,
            other checkpoints, and lists and dicts of these. They become attributes.

    Attributes:
        save_counter: how often `save` was called; it is saved, too.

    Raises:
        UserTypeError: one of them has no values to keep.

    Examples:
        >>> import os, tempfile, fkeras
        >>> step = fkeras.Variable(3)
        >>> path = Checkpoint(step=step).save(os.path.join(tempfile.mkdtemp(), "ckpt"))
        >>> os.path.basename(path), step.assign(0).tolist()
        ('ckpt-1', 0)
        >>> status = Checkpoint(step=step).restore(path)
        >>> int(step)
        3
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        for name, value in {"root": root, **kwargs}.items():
            if not (value is None or _is_kept(value) or callable(getattr(value, "items", None))):
                raise UserTypeError(
                    f"tf.train.Checkpoint: {name}={value!r} is nothing that can be saved. Expected "
                    "Variables, layers, optimizers, metrics, modules, iterators of data sets, or "
                    "lists and dicts of these."
                )
        self._root = root
        vars(self).update(kwargs)
        self.save_counter = Variable(0, dtype="int32", trainable=False, name="save_counter")

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Writes a further file.

        Args:
            file_prefix: of the path; a number is added.
            options: not used.

        Returns:
            The path for `restore`.
        """
        self.save_counter.assign_add(1)
        return self.write(f"{os.fspath(file_prefix)}-{int(self.save_counter)}")

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Writes a file under the very name, and returns the name."""
        path = os.fspath(file_prefix)
        _write(path, {name: place.read() for name, place in _places(self).items()})
        return path

    def restore(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Sets the values to those of a file. What is not built yet gets them as it is built.

        Args:
            save_path: what `save` returned; None to leave all as it is.
            options: not used.

        Returns:
            An object that asserts what was found, if it is asked.

        Raises:
            FileNotFoundError: there is no such file.
            UserInputError: a value has another shape; nothing is set then.
        """
        if save_path is None:
            return LoadStatus(set(), set(), "there was no path to restore from")
        arrays = _read(os.fspath(save_path))
        places = _places(self)
        for name in places.keys() & arrays.keys():
            shape = places[name].shape
            if shape is not None and arrays[name].shape != shape:
                raise UserInputError(
                    f"tf.train.Checkpoint: '{name}' has shape {shape}. In '{save_path}' it has "
                    f"shape {arrays[name].shape}."
                )
        for name in places.keys() & arrays.keys():
            places[name].write(arrays[name])
        waiting = _give_to_unbuilt(self, arrays)
        taken = (places.keys() & arrays.keys()) | waiting
        return LoadStatus(arrays.keys() - taken, places.keys() - arrays.keys(), "")

    read = restore


class LoadStatus:
    """What `restore` found.

    Args:
        unused: names in the file that nothing has.
        unfound: names of values that the file has not.
        nothing: why nothing was restored; empty where something was.
    """

    def __init__(self, unused: set[str], unfound: set[str], nothing: str) -> None:
        # Every checkpoint has a counter, those inside of others too.
        self._unused, self._unfound = (
            {name for name in names if not name.endswith("save_counter")}
            for names in (unused, unfound)
        )
        self._nothing = nothing

    def assert_consumed(self) -> LoadStatus:
        """Raises AssertionError unless file and objects have the same values."""
        self.assert_existing_objects_matched()
        if self._unused:
            raise AssertionError(f"Nothing has these values of the file: {sorted(self._unused)}")
        return self

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Raises AssertionError where a value was not in the file."""
        if self._nothing:
            raise AssertionError(f"Nothing was restored: {self._nothing}.")
        if self._unfound:
            raise AssertionError(f"The file does not have {sorted(self._unfound)}.")
        return self

    def assert_nontrivial_match(self) -> LoadStatus:
        """Raises AssertionError where nothing was restored."""
        if self._nothing:
            raise AssertionError(f"Nothing was restored: {self._nothing}.")
        return self

    def expect_partial(self) -> LoadStatus:
        """Itself: what does not match is never complained of by itself."""
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Does nothing: it is done."""


class CheckpointManager:
    """Numbered checkpoints in a folder, of which the newest are kept.

    Args:
        checkpoint: the `Checkpoint`.
        directory: the folder; it is made.
        max_to_keep: how many files stay; None for all.
        keep_checkpoint_every_n_hours: of those that would be deleted, one in so many hours stays.
        checkpoint_name: what files are called, before their number.
        step_counter: a Variable that tells the step, for `checkpoint_interval`.
        checkpoint_interval: steps between two files.
        init_fn: called by `restore_or_initialize` where there is no file.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._hours = keep_checkpoint_every_n_hours
        self._prefix = os.path.join(self._directory, checkpoint_name)
        self._step_counter = step_counter
        self._interval = checkpoint_interval
        self._init_fn = init_fn
        self._last_step: int | None = None
        self._last_kept = time.time()
        os.makedirs(self._directory, exist_ok=True)
        self._paths = _numbered(self._prefix)

    @property
    def checkpoint(self) -> Checkpoint:
        """The `Checkpoint`."""
        return self._checkpoint

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def checkpoints(self) -> list[str]:
        """The paths that are kept, oldest first."""
        return list(self._paths)

    @property
    def latest_checkpoint(self) -> str | None:
        """The newest path; None where there is none."""
        return self._paths[-1] if self._paths else None

    def save(
        self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None
    ) -> str | None:
        """Writes a file and deletes the oldest beyond `max_to_keep`.

        Args:
            checkpoint_number: in its name; None for how often it was saved.
            check_interval: whether `checkpoint_interval` counts.
            options: not used.

        Returns:
            The path; None where the interval is not over.
        """
        if check_interval and self._interval is not None:
            step = int(self._step_counter)
            if self._last_step is not None and step - self._last_step < self._interval:
                return None
            self._last_step = step
        if checkpoint_number is None:
            path = self._checkpoint.save(self._prefix)
        else:
            self._checkpoint.save_counter.assign_add(1)
            path = self._checkpoint.write(f"{self._prefix}-{int(checkpoint_number)}")
        self._paths = [*(p for p in self._paths if p != path), path]
        while self._max_to_keep is not None and len(self._paths) > self._max_to_keep:
            self._drop(self._paths.pop(0))
        return path

    def _drop(self, path: str) -> None:
        now = time.time()
        if self._hours is not None and now - self._last_kept >= self._hours * 3600:
            self._last_kept = now
            return
        Path(path + SUFFIX).unlink(missing_ok=True)

    def restore_or_initialize(self) -> str | None:
        """Restores the newest file, else calls `init_fn`; the path, or None."""
        if self.latest_checkpoint is not None:
            self._checkpoint.restore(self.latest_checkpoint)
            return self.latest_checkpoint
        if self._init_fn is not None:
            self._init_fn()
        return None


# -- files -----------------------------------------------------------------------------------------


def _write(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    # NumPy's files know no bfloat16.
    dtypes = {name: array.dtype.name for name, array in arrays.items()}
    stored = {str(i): _as_known(array) for i, array in enumerate(arrays.values())}
    told = np.frombuffer(json.dumps(dtypes).encode(), np.uint8)
    with io.replacing_file(Path(path + SUFFIX)) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{_NAMES: told, **stored})


def _as_known(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "biufc" else array.view(f"u{array.dtype.itemsize}")


def _read(path: str) -> dict[str, np.ndarray]:
    if not os.path.exists(path + SUFFIX):
        raise FileNotFoundError(f"There is no checkpoint '{path}' (a file '{path}{SUFFIX}').")
    try:
        with np.load(path + SUFFIX, allow_pickle=False) as file:
            dtypes = json.loads(file[_NAMES].tobytes())
            return {
                name: _in_dtype(file[str(i)], dtype)
                for i, (name, dtype) in enumerate(dtypes.items())
            }
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise CorruptFileError(f"'{path}{SUFFIX}' is no checkpoint, or damaged: {error}") from None


def _in_dtype(array: np.ndarray, name: str) -> np.ndarray:
    return array if array.dtype.name == name else array.view(getattr(ml_dtypes, name))


def _numbered(prefix: str) -> list[str]:
    """The checkpoints of a prefix in the order in which they were written."""
    folder, name = os.path.split(prefix)
    pattern = re.compile(rf"{re.escape(name)}-(\d+){re.escape(SUFFIX)}")
    found = [(entry, pattern.fullmatch(entry)) for entry in os.listdir(folder or ".")]
    numbers = sorted(int(match[1]) for _, match in found if match)
    return [f"{prefix}-{number}" for number in numbers]


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The newest of the files and directories of weights in a folder; None where there is none.
    What `Checkpoint`, `model.save_weights` and `keras.callbacks.ModelCheckpoint` write counts.
    """
    folder = Path(os.fspath(checkpoint_dir))
    if not folder.is_dir():
        return None
    found = [p for p in folder.iterdir() if p.name.endswith(SUFFIX) or format_at(p) is not None]
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
    return None if newest is None else str(newest).removesuffix(SUFFIX)


class CheckpointReader:
    """The values in a file, by name.

    Args:
        path: what `Checkpoint.save` returned.
    """

    def __init__(self, path: str) -> None:
        self._arrays = _read(path)

    def get_tensor(self, tensor_str: str) -> np.ndarray:
        """A value."""
        return self._arrays[tensor_str.removesuffix(_TAIL)]

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is such a value."""
        return tensor_str.removesuffix(_TAIL) in self._arrays

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Shapes by name."""
        return {name: list(array.shape) for name, array in self._arrays.items()}

    def get_variable_to_dtype_map(self) -> dict[str, str]:
        """Dtypes by name."""
        return {name: array.dtype.name for name, array in self._arrays.items()}


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """The values in a file, or in the newest one of a folder."""
    path = os.fspath(ckpt_dir_or_file)
    newest = latest_checkpoint(path) if os.path.isdir(path) else path
    if newest is None:
        raise FileNotFoundError(f"There is no checkpoint in '{path}'.")
    return CheckpointReader(newest)


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Names and shapes of the values in a file, sorted."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


# -- what there is to keep -------------------------------------------------------------------------


def _is_kept(value: Any) -> bool:
    kinds = (Variable, Layer, Optimizer, Metric, DatasetIterator, Checkpoint, modules.Module)
    return isinstance(value, (*kinds, list, tuple, Mapping))


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(owner, Checkpoint):
        if owner._root is not None:
            yield "", owner._root
        yield from ((k, v) for k, v in vars(owner).items() if not k.startswith("_"))
    else:
        yield from modules.children(owner)


def _owners(owner: Any, path: str = "", above: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """(path, object) for all that has values of its own."""
    if isinstance(owner, (Variable, Layer, Optimizer, Metric, DatasetIterator)):
        yield path, owner
    elif id(owner) not in above:
        for name, child in _children(owner):
            yield from _owners(child, "/".join(filter(None, (path, name))), (*above, id(owner)))


def _places(checkpoint: Checkpoint) -> dict[str, _Place]:
    return {
        "/".join(filter(None, (path, name))): place
        for path, owner in _owners(checkpoint)
        for name, place in _values_of(owner)
    }


def _values_of(owner: Any) -> Iterator[tuple[str, _Place]]:
    if isinstance(owner, DatasetIterator):
        yield (
            "",
            _Place(
                lambda: np.frombuffer(json.dumps(owner.get_state()).encode(), np.uint8),
                lambda array: owner.set_state(json.loads(array.tobytes())),
                None,
            ),
        )
    elif isinstance(owner, Variable):
        yield "", _place_of(owner)
    elif isinstance(owner, Layer):
        for path, variable in tracking.structure_of(owner).separate:
            yield "/".join(path), _place_of(variable)
    else:
        for i, variable in enumerate(owner.variables):
            yield str(i), _place_of(variable)


def _place_of(variable: Variable) -> _Place:
    return _Place(lambda: np.asarray(variable.numpy()), variable.assign, tuple(variable.shape))


def _give_to_unbuilt(checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> set[str]:
    """Leaves values with layers and optimizers that will want them as they are built."""
    given: set[str] = set()
    for path, owner in _owners(checkpoint):
        if isinstance(owner, Optimizer) and not owner.built:
            values = _below(path, arrays)
            owner.await_weights(list(values.values()))
            given |= values.keys()
        elif isinstance(owner, Layer):
            for inner, layer in [((), owner), *tracking.structure_of(owner).layers]:
                if not layer.built and not tracking.structure_of(layer).layers:
                    values = _below("/".join(filter(None, (path, *inner))), arrays)
                    if values:
                        layer._info.initial_weights = list(values.values())
                    given |= values.keys()
    return given


def _below(path: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in arrays.items() if name.startswith(f"{path}/")}


TRAIN: dict[str, Any] = {
    "Checkpoint": Checkpoint,
    "CheckpointManager": CheckpointManager,
    "latest_checkpoint": latest_checkpoint,
    "list_variables": list_variables,
    "load_checkpoint": load_checkpoint,
}
