"""From files with labels to datasets of what is in them, ours or Grain's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from fkeras.data.encoding import to_categorical
from fkeras.data.folders.labeled_files import LabeledFiles, Request, find_files, parts_of
from fkeras.data.pipeline import AUTOTUNE, Dataset, elements
from fkeras.errors import UserInputError


def make_datasets(
    request: Request,
    kind: str,
    formats: tuple[str, ...],
    load: Callable[[str], Any],
    pads: bool = False,
) -> Any:
    """The dataset of a request; a list of two for `subset='both'`.

    Args:
        request: checked.
        kind: what the files are, for messages: `'images'`.
        formats: endings in small letters.
        load: path -> the content.
        pads: whether contents of a batch may be of different lengths.
    """
    files = find_files(request, formats)
    listed = "Allowed formats: " + ", ".join(formats)
    parts = parts_of(files, request, kind, listed)
    made = []
    for number, part in enumerate(parts):
        is_shuffled = request.shuffle and number == 0 and request.subset != "validation"
        build = _grain_dataset if request.format == "grain" else _dataset
        dataset = build(part, request, _Loader(load, kind), is_shuffled, pads)
        dataset.class_names = files.class_names
        dataset.file_paths = part.paths
        made.append(dataset)
    return made if request.subset == "both" else made[0]


class _Loader:
    """Reads a file; an error says which."""

    def __init__(self, load: Callable[[str], Any], kind: str) -> None:
        self.load = load
        self.kind = kind

    def __call__(self, path: str) -> Any:
        try:
            return self.load(path)
        except (OSError, ValueError) as error:
            if isinstance(error, UserInputError):
                raise
            raise UserInputError(
                f"{path!r} cannot be read (one of the {self.kind}): {error}"
            ) from error


def _encoded(part: LabeledFiles, request: Request) -> np.ndarray | None:
    """Labels as the mode wants them; None for none."""
    if part.labels is None or part.class_names is None:
        return None
    if request.label_mode == "binary":
        return part.labels.astype(np.float32)[:, None]
    if request.label_mode == "categorical":
        return np.asarray(to_categorical(part.labels, len(part.class_names)), np.float32)
    return part.labels


def _dataset(
    part: LabeledFiles, request: Request, load: _Loader, is_shuffled: bool, pads: bool
) -> Dataset:
    labels = _encoded(part, request)
    paths = np.array(part.paths, object)
    dataset = Dataset.from_tensor_slices(paths if labels is None else (paths, labels))
    if is_shuffled:
        # Names of files are small: all of them are put in order, where Keras uses a buffer.
        dataset = dataset.shuffle(len(part.paths), seed=request.seed)
    if labels is None:
        dataset = dataset.map(lambda path: load(path.numpy().decode()), AUTOTUNE)
    else:
        dataset = dataset.map(lambda path, label: (load(path.numpy().decode()), label), AUTOTUNE)
    if request.batch_size is not None:
        join = dataset.padded_batch if pads else dataset.batch
        dataset = join(request.batch_size)
    return dataset.prefetch(AUTOTUNE)


class _Items:
    """Contents by index, for Grain."""

    def __init__(self, paths: list[str], labels: np.ndarray | None, load: _Loader) -> None:
        self.paths = paths
        self.labels = labels
        self.load = load

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        content = self.load(self.paths[index])
        return content if self.labels is None else (content, self.labels[index])


def _grain_dataset(
    part: LabeledFiles, request: Request, load: _Loader, is_shuffled: bool, pads: bool
) -> Any:
    grain = import_grain()
    dataset = grain.MapDataset.source(_Items(part.paths, _encoded(part, request), load))
    if is_shuffled:
        # Grain takes seeds of 32 bits.
        seed = np.random.randint(10**6) if request.seed is None else request.seed
        dataset = dataset.shuffle(seed=seed)
    dataset = dataset.to_iter_dataset()
    if request.batch_size is not None:
        join = _pad_rows if pads else _join
        batch = lambda items: elements.transpose(list(items), join)
        dataset = dataset.batch(request.batch_size, batch_fn=batch)
    return dataset


def import_grain() -> ModuleType:
    """The library.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module("grain")
    except ImportError:
        raise ImportError(
            '`format="grain"` needs Grain: `pip install fkeras[data]`. The default returns a '
            "`fkeras.data.Dataset`, which needs nothing."
        ) from None


def _join(values: list[Any], name: str) -> Any:
    """Values of one shape as a batch; strings stay a list, as in Keras."""
    if isinstance(values[0], str):
        return values
    return elements.stack([np.asarray(value)[()] for value in values], name)


def _pad_rows(values: list[Any], name: str) -> Any:
    """Values of different lengths as a batch, zeros behind the shorter ones; labels as they are."""
    if np.ndim(values[0]) < 2:
        return _join(values, name)
    longest = max(len(value) for value in values)
    padded = [np.pad(v, [(0, longest - len(v)), *[(0, 0)] * (v.ndim - 1)]) for v in values]
    return _join(padded, name)
