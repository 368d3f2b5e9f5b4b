"""`DataFrameIterator`: batches of image files whose names and targets stand in a data frame."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import messages
from fkeras.core.warn_once import warn_user
from fkeras.data.image_generators.directory_iterator import check_class_mode
from fkeras.data.image_generators.file_batches import BatchFromFilesMixin
from fkeras.data.image_generators.iterator import Iterator
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.data.image_generators.generator import ImageDataGenerator
    from fkeras.types import DataFormat, DTypeLike

_WITHOUT_CLASSES = ("input", "multi_output", "raw", None)


class DataFrameIterator(BatchFromFilesMixin, Iterator):
    """Batches of randomly changed image files; `ImageDataGenerator.flow_from_dataframe` makes it.

    Args:
        dataframe: pandas frame with a row for each image.
        directory: folder that the names count from; None for paths as they are.
        image_data_generator: what changes the images; None for nothing.
        x_col: column of the names.
        y_col: column, or list of columns, of the targets.
        weight_col: column of the weights of images; None for none.
        target_size: (height, width) of all images.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        classes: names of classes, whose order numbers them; None for all, sorted.
        class_mode: 'categorical' for one-hot rows (a list of names for several), 'binary' and
            'sparse' for numbers, 'raw' for values as they are, 'multi_output' for a list of
            columns, 'input' for the images themselves, None for no targets.
        batch_size: images in a batch.
        shuffle: whether the order is random.
        seed: of orders and changes.
        data_format: 'channels_last' or 'channels_first'.
        save_to_dir: folder to save changed images in, to look at; None saves none.
        save_prefix, save_format: of their names.
        subset: 'training' or 'validation', the parts of the generator's `validation_split`; None
            for all.
        interpolation, keep_aspect_ratio: see `load_img`.
        dtype: of the batches.
        validate_filenames: whether rows without a file are left out, with a warning.

    Attributes:
        samples: number of images. class_indices: dict from names of classes to their numbers.
        classes: the number of each image's class. filenames: of the images.

    Raises:
        UserInputError: an unknown mode, or columns that do not fit the mode.
    """

    allowed_class_modes = {
        "binary",
        "categorical",
        "input",
        "multi_output",
        "raw",
        "sparse",
        None,
    }

    def __init__(
        self,
        dataframe: Any,
        directory: str | os.PathLike[str] | None = None,
        image_data_generator: ImageDataGenerator | None = None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: DataFormat = "channels_last",
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: DTypeLike = "float32",
        validate_filenames: bool = True,
    ) -> None:
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
        )
        self.directory = directory or ""
        self.class_mode = class_mode
        self.dtype = dtype
        check_class_mode(class_mode, self.allowed_class_modes)
        _check_columns(dataframe, class_mode, x_col, y_col, weight_col, classes)
        frame = self._with_files(dataframe, x_col) if validate_filenames else dataframe
        has_classes = class_mode not in _WITHOUT_CLASSES
        if has_classes:
            frame, names = _with_known_classes(frame, y_col, classes)
            self.class_indices = {name: number for number, name in enumerate(names)}
        if self.split:
            first, end = (int(fraction * len(frame)) for fraction in self.split)
            frame = frame.iloc[first:end, :]
        if has_classes:
            self.classes = [self._number_of(label) for label in frame[y_col]]
        self.filenames = frame[x_col].tolist()
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self._sample_weight = frame[weight_col].to_numpy() if weight_col else None
        if class_mode == "multi_output":
            self._targets = [np.array(frame[column].tolist()) for column in y_col]
        elif class_mode == "raw":
            self._targets = frame[y_col].to_numpy()
        self.samples = len(self.filenames)
        belonging = f" belonging to {len(self.class_indices)} classes" if has_classes else ""
        validated = "validated" if validate_filenames else "non-validated"
        messages.write(f"Found {self.samples} {validated} image filenames{belonging}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """Paths of the images."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """The targets: numbers of classes, or the values of the columns."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self) -> np.ndarray | None:
        """The weights of the images."""
        return self._sample_weight

    def _number_of(self, label: Any) -> Any:
        if isinstance(label, list | tuple):
            return [self.class_indices[name] for name in label]
        return self.class_indices[label]

    def _with_files(self, frame: Any, x_col: str) -> Any:
        is_image = [
            name.lower().endswith(self.white_list_formats)
            and os.path.isfile(os.path.join(self.directory, name))
            for name in frame[x_col]
        ]
        missing = [name for name, there in zip(frame[x_col], is_image, strict=True) if not there]
        if missing:
            where = f" in '{self.directory}'" if self.directory else ""
            warn_user(
                f'Found {len(missing)} invalid image filename(s) in x_col="{x_col}". These '
                f"filename(s) will be ignored. The first of them, {missing[0]!r}, is no image file"
                f"{where}."
            )
        return frame[is_image]


def _check_columns(
    frame: Any,
    class_mode: str | None,
    x_col: str,
    y_col: str | Sequence[str],
    weight_col: str | None,
    classes: Collection[str] | None,
) -> None:
    """Refuses columns that do not fit the class mode."""
    if class_mode == "multi_output" and not isinstance(y_col, list):
        raise UserTypeError(
            f'If class_mode="{class_mode}", y_col must be a list. Received {type(y_col).__name__}.'
        )
    uses_targets = class_mode not in ("input", None)
    targets = [y_col] if isinstance(y_col, str) else list(y_col)
    wanted = [x_col, *(targets if uses_targets else ()), *([weight_col] if weight_col else ())]
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        raise UserInputError(
            f"The data frame has no column {absent[0]!r}. It has: {list(frame.columns)}. Name the "
            "columns by `x_col`, `y_col` and `weight_col`."
        )
    if not all(isinstance(name, str) for name in frame[x_col]):
        raise UserTypeError(f"All values in column x_col={x_col} must be strings.")
    _check_labels(frame, class_mode, y_col, classes)
    if weight_col and getattr(frame[weight_col].dtype, "kind", "O") not in "iuf":
        raise UserTypeError(f"Column weight_col={weight_col} must be numeric.")


def _check_labels(
    frame: Any, class_mode: str | None, y_col: Any, classes: Collection[str] | None
) -> None:
    """Refuses values of targets that do not fit the class mode."""
    kinds = {
        "binary": (str, "strings"),
        "sparse": (str, "strings"),
        "categorical": ((str, list, tuple), "type string, list or tuple"),
    }
    if class_mode in kinds:
        types, said = kinds[class_mode]
        if not all(isinstance(label, types) for label in frame[y_col]):
            raise UserTypeError(
                f'If class_mode="{class_mode}", y_col="{y_col}" column values must be {said}. '
                'Convert them (`frame[column].astype(str)`), or use `class_mode="raw"`.'
            )
    if class_mode == "binary":
        count = len(set(classes)) if classes else frame[y_col].nunique()
        if count != 2:
            raise UserInputError(
                f'If class_mode="binary" there must be 2 classes. Found {count} classes.'
            )
    if classes and class_mode in _WITHOUT_CLASSES:
        warn_user(f'`classes` will be ignored given the class_mode="{class_mode}"')


def _with_known_classes(
    frame: Any, y_col: str, classes: Collection[str] | None
) -> tuple[Any, list[Any]]:
    """The rows that have a class, and the classes."""
    labels = list(frame[y_col])
    if not classes:
        each = (label if isinstance(label, list | tuple) else [label] for label in labels)
        return frame, sorted({name for names in each for name in names})
    kept = list(dict.fromkeys(classes))
    frame = frame.copy()
    frame[y_col] = [_known(label, kept) for label in labels]
    return frame.dropna(subset=[y_col]), kept


def _known(label: Any, classes: Collection[str]) -> Any:
    """A label without unknown classes; None where nothing is left."""
    if isinstance(label, list | tuple):
        return [name for name in label if name in classes] or None
    return label if label in classes else None
