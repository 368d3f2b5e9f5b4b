"""The files of a folder with their labels, in the order and the parts that Keras gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fkeras.core import messages
from fkeras.errors import UserInputError


class LabeledFiles(NamedTuple):
    """Paths, and what is known of each.

    Attributes:
        paths: list of str.
        labels: class ids, int32; None for no labels.
        class_names: by class id; None for no labels.
    """

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def part(self, start: int, stop: int | None) -> LabeledFiles:
        """Some of the files."""
        labels = None if self.labels is None else self.labels[start:stop]
        return LabeledFiles(self.paths[start:stop], labels, self.class_names)


class Request(NamedTuple):
    """The arguments that all functions of this folder share; see `image_dataset_from_directory`."""

    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    format: str
    verbose: bool

    @property
    def has_labels(self) -> bool:
        """Whether elements are pairs of a file and a label."""
        return self.labels is not None and self.label_mode is not None

    def check(self, kind: str) -> None:
        """Raises `UserInputError` for what cannot be right, before a folder is looked at.

        Args:
            kind: of the files, for messages.
        """
        if self.labels not in ("inferred", None):
            if not isinstance(self.labels, (list, tuple, np.ndarray)):
                raise UserInputError(
                    "`labels` argument should be a list/tuple of integer labels, one for each "
                    f"{kind} file in the directory in sorted order; 'inferred' for the names of "
                    f"subdirectories; or None for no labels. Received: labels={self.labels!r}"
                )
            if self.class_names:
                raise UserInputError(
                    'You can only pass `class_names` if `labels="inferred"`. Received: '
                    f"labels={self.labels}, and class_names={self.class_names}"
                )
        if self.label_mode not in ("int", "categorical", "binary", None):
            raise UserInputError(
                '`label_mode` argument must be one of "int", "categorical", "binary", or None. '
                f"Received: label_mode={self.label_mode!r}"
            )
        if self.format not in ("tf", "grain"):
            raise UserInputError(
                '`format` should be either "tf" (a `fkeras.data.Dataset`) or "grain". Received: '
                f"format={self.format!r}"
            )
        self._check_split()

    def _check_split(self) -> None:
        split = self.validation_split
        if split and not 0 < split < 1:
            raise UserInputError(f"`validation_split` must be between 0 and 1, received: {split}")
        if bool(split) != bool(self.subset):
            raise UserInputError(
                "If `subset` is set, `validation_split` must be set, and inversely. Received: "
                f"subset={self.subset!r}, validation_split={split}"
            )
        if self.subset not in ("training", "validation", "both", None):
            raise UserInputError(
                '`subset` must be either "training", "validation" or "both", received: '
                f"{self.subset!r}"
            )
        if split and self.shuffle and self.seed is None:
            raise UserInputError(
                "If using `validation_split` and shuffling the data, you must provide a `seed` "
                "argument, to make sure that there is no overlap between the training and "
                "validation subset."
            )


def find_files(request: Request, formats: tuple[str, ...]) -> LabeledFiles:
    """All files of a request, in the order of its seed.

    Args:
        request: checked.
        formats: endings in small letters.

    Raises:
        UserInputError: labels, names of classes and files do not go together.
    """
    directory = os.path.expanduser(os.fspath(request.directory))
    if not os.path.isdir(directory):
        raise UserInputError(f"There is no directory {directory!r}.")
    labels = request.labels if request.has_labels else None
    if isinstance(labels, str):
        found = _of_subfolders(directory, request, formats)
    else:
        found = _of_labels(directory, labels, request, formats)
    if request.verbose:
        count = f"Found {len(found.paths)} files"
        if found.class_names is None:
            messages.write(f"{count}.")
        else:
            messages.write(f"{count} belonging to {len(found.class_names)} classes.")
    if request.label_mode == "binary" and found.class_names is not None:
        if len(found.class_names) != 2:
            raise UserInputError(
                'When passing `label_mode="binary"`, there must be exactly 2 class_names. '
                f"Received: class_names={found.class_names}"
            )
    return _shuffled(found, request.seed) if request.shuffle else found


def _of_subfolders(directory: str, request: Request, formats: tuple[str, ...]) -> LabeledFiles:
    names = [
        name
        for name in sorted(os.listdir(directory))
        if os.path.isdir(os.path.join(directory, name)) and not name.startswith(".")
    ]
    if request.class_names is not None:
        if not set(request.class_names) <= set(names):
            raise UserInputError(
                "The `class_names` passed did not match the names of the subdirectories of the "
                f"target directory. Expected: {names} (or a subset of it), but received: "
                f"class_names={list(request.class_names)}"
            )
        names = list(request.class_names)
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        found = list(_walk(os.path.join(directory, name), request.follow_links, formats))
        paths += found
        labels += [label] * len(found)
    return LabeledFiles(paths, np.array(labels, np.int32), names)


def _of_labels(
    directory: str, labels: Any, request: Request, formats: tuple[str, ...]
) -> LabeledFiles:
    if request.class_names is not None:
        raise UserInputError(
            f"`class_names` cannot be passed with labels={labels!r}: they are for "
            '`labels="inferred"`.'
        )
    paths = list(_walk(directory, request.follow_links, formats))
    if labels is None:
        return LabeledFiles(paths, None, None)
    if len(labels) != len(paths):
        raise UserInputError(
            "Expected the lengths of `labels` to match the number of files in the target "
            f"directory. len(labels) is {len(labels)} while we found {len(paths)} files in "
            f"directory {directory}."
        )
    names = [str(label) for label in sorted({int(label) for label in labels})]
    return LabeledFiles(paths, np.array(labels, np.int32), names)


def _walk(directory: str, follow_links: bool, formats: tuple[str, ...]) -> Iterator[str]:
    for root, _, names in sorted(os.walk(directory, followlinks=follow_links)):
        for name in sorted(names):
            if name.lower().endswith(formats):
                yield os.path.join(root, name)


def _shuffled(files: LabeledFiles, seed: int | None) -> LabeledFiles:
    # NumPy's old generator: the order, and so the two parts of a split, are Keras's.
    order = np.arange(len(files.paths))
    np.random.RandomState(seed).shuffle(order)
    paths = [files.paths[i] for i in order]
    labels = None if files.labels is None else files.labels[order]
    return LabeledFiles(paths, labels, files.class_names)


def parts_of(files: LabeledFiles, request: Request, kind: str, formats: str) -> list[LabeledFiles]:
    """The part that was asked for; both, the training part first, for `subset='both'`.

    Args:
        files: in their order.
        request: which part.
        kind, formats: for messages: `'images'`.

    Raises:
        UserInputError: a part has no file.
    """
    subset = request.subset
    if not request.validation_split:
        parts = {"": files}
    else:
        held_out = int(request.validation_split * len(files.paths))
        at = len(files.paths) - held_out
        parts = {"training": files.part(0, at), "validation": files.part(at, None)}
        if subset != "both":
            parts = {str(subset): parts[str(subset)]}
        if request.verbose:
            for name, part in parts.items():
                messages.write(f"Using {len(part.paths)} files for {name}.")
    for name, part in parts.items():
        if not part.paths:
            of_part = f"{name} " if name and subset == "both" else ""
            raise UserInputError(
                f"No {of_part}{kind} found in directory {request.directory}. {formats}"
            )
    return list(parts.values())
