"""`ImageDataGenerator`: images changed at random, and put on one scale."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.core.warn_once import warn_user
from fkeras.data.image_generators.array_iterator import NumpyArrayIterator
from fkeras.data.image_generators.directory_iterator import DirectoryIterator
from fkeras.data.image_generators.frame_iterator import DataFrameIterator
from fkeras.data.image_generators.geometry import apply_affine_transform, draw_zoom, flip_axis
from fkeras.data.image_generators.intensity import (
    apply_brightness_shift,
    apply_channel_shift,
    check_brightness_range,
)
from fkeras.data.image_generators.standardizing import Standardizing
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fkeras.types import DataFormat, DTypeLike


class ImageDataGenerator(Standardizing):
    """Changes images at random while a model is trained on them, as Keras 2 did.

    `flow`, `flow_from_directory` and `flow_from_dataframe` give sources for `fit`. All numbers are
    drawn from NumPy's global generator: after `np.random.seed`, or with `flow(seed=...)`, they are
    those of Keras.

    Args:
        featurewise_center, featurewise_std_normalization: whether the mean of the data set is
            subtracted, and values are divided by its deviation; both are of each channel, and
            known after `fit`.
        samplewise_center, samplewise_std_normalization: the same with mean and deviation of each
            image.
        zca_whitening: whether pixels are made uncorrelated; known after `fit`.
        zca_epsilon: added to deviations there.
        rotation_range: largest angle in degrees, to both sides.
        width_shift_range, height_shift_range: how far images move, to both sides: below 1 as a
            fraction of the size, an int for whole pixels below it, a list of ways to choose from.
            As in Keras, where the names are the wrong way round, the former moves along the height.
        brightness_range: smallest and largest factor of brightness; None for none.
        shear_range: largest angle in degrees, to both sides.
        zoom_range: smallest and largest factor, or a number z for [1 - z, 1 + z].
        channel_shift_range: largest number to add to all values, to both sides.
        fill_mode: what is outside of an image: 'nearest', 'constant', 'reflect' or 'wrap'.
        cval: value outside, for 'constant'.
        horizontal_flip, vertical_flip: whether half of the images are mirrored.
        rescale: factor for all values, such as `1 / 255`; None for none.
        preprocessing_function: function (image) -> image, called after the changes and before all
            that concerns scales.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        validation_split: fraction of the data, in (0, 1), for `subset="validation"`.
        interpolation_order: of the splines to interpolate with, 0 to 5.
        dtype: of the images; None for `floatx()`.

    Raises:
        UserInputError: a range that is none.

    Examples:
        >>> import numpy as np, fkeras
        >>> generator = fkeras.preprocessing.image.ImageDataGenerator(
        ...     rescale=1 / 255, rotation_range=20, horizontal_flip=True
        ... )
        >>> images, labels = np.full((8, 6, 6, 1), 255.0), np.arange(8)
        >>> source = generator.flow(images, labels, batch_size=4)
        >>> x, y = source[0]
        >>> len(source), x.shape, float(x.max())
        (2, (4, 6, 6, 1), 1.0)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: float | Sequence[float] = 0.0,
        height_shift_range: float | Sequence[float] = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None,
        data_format: DataFormat | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(
            featurewise_center,
            samplewise_center,
            featurewise_std_normalization,
            samplewise_std_normalization,
            zca_whitening,
            zca_epsilon,
            rescale,
            preprocessing_function,
            settings.standardize_data_format(data_format),
            dtype or settings.floatx(),
        )
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = shear_range
        self.zoom_range = _range_of_zoom(zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.interpolation_order = interpolation_order
        if validation_split and not 0 < validation_split < 1:
            raise UserInputError(
                "`validation_split` must be strictly between 0 and 1.  Received: "
                f"{validation_split}"
            )
        self._validation_split = validation_split
        if brightness_range is not None:
            check_brightness_range(brightness_range)
        self.brightness_range = brightness_range

    def flow(
        self,
        x: Any,
        y: ArrayLike | None = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Batches of changed images of an array; see `NumpyArrayIterator` for the arguments."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            ignore_class_split=ignore_class_split,
            subset=subset,
            dtype=self.dtype,
        )

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Batches of changed image files, from a folder for each class; see `DirectoryIterator` for
        the arguments.
        """
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            keep_aspect_ratio=keep_aspect_ratio,
            classes=classes,
            class_mode=class_mode,
            data_format=self.data_format,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: str | os.PathLike[str] | None = None,
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
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Batches of changed image files that a data frame names; see `DataFrameIterator` for the
        arguments. `has_ext`, `sort` and `drop_duplicates` of older code have no effect.
        """
        for name in sorted({"has_ext", "sort", "drop_duplicates"} & set(kwargs)):
            warn_user(f"flow_from_dataframe: `{name}` has no effect any more.")
        if class_mode == "other":
            warn_user('`class_mode="other"` is deprecated, please use `class_mode="raw"`.')
            class_mode = "raw"
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            data_format=self.data_format,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            validate_filenames=validate_filenames,
            dtype=self.dtype,
        )

    def fractions_of(self, subset: str) -> tuple[float, float]:
        """Where a part of the data begins and ends, as fractions. The validation part comes first.

        Args:
            subset: 'training' or 'validation'.

        Raises:
            UserInputError: any other.
        """
        if subset not in ("training", "validation"):
            raise UserInputError(
                f'Invalid subset name: {subset!r}; expected "training" or "validation".'
            )
        cut = self._validation_split
        return (0, cut) if subset == "validation" else (cut, 1)

    def part_of_rows(self, subset: str, rows: int) -> slice:
        """The rows of a part of the data.

        Args:
            subset: 'training' or 'validation'.
            rows: how many there are.
        """
        first, end = (int(rows * fraction) for fraction in self.fractions_of(subset))
        return slice(first, end)

    def get_random_transform(
        self, img_shape: Sequence[int], seed: int | None = None
    ) -> dict[str, Any]:
        """Random numbers for the changes of one image.

        Args:
            img_shape: of the image.
            seed: for NumPy's global generator; None to draw on.

        Returns:
            dict to hand to `apply_transform`.
        """
        if seed is not None:
            np.random.seed(seed)
        # In the order in which Keras draws, so that the same seed gives the same changes.
        theta = _draw_to_both_sides(self.rotation_range) if self.rotation_range else 0
        tx = _draw_shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = _draw_shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = _draw_to_both_sides(self.shear_range) if self.shear_range else 0
        zx, zy = draw_zoom(self.zoom_range)
        flip_horizontal = (np.random.random() < 0.5) * self.horizontal_flip
        flip_vertical = (np.random.random() < 0.5) * self.vertical_flip
        channel_shift = None
        if self.channel_shift_range != 0:
            channel_shift = _draw_to_both_sides(self.channel_shift_range)
        brightness = None
        if self.brightness_range is not None:
            brightness = np.random.uniform(self.brightness_range[0], self.brightness_range[1])
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flip_horizontal,
            "flip_vertical": flip_vertical,
            "channel_shift_intensity": channel_shift,
            "brightness": brightness,
        }

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Changes one image by given numbers.

        Args:
            x: the image, of rank 3.
            transform_parameters: dict as `get_random_transform` gives it; what is missing changes
                nothing.

        Returns:
            An image of the same shape.
        """
        given = transform_parameters.get
        row_axis, col_axis = self.row_axis - 1, self.col_axis - 1
        channel_axis = self.channel_axis - 1
        x = apply_affine_transform(
            x,
            given("theta", 0),
            given("tx", 0),
            given("ty", 0),
            given("shear", 0),
            given("zx", 1),
            given("zy", 1),
            row_axis=row_axis,
            col_axis=col_axis,
            channel_axis=channel_axis,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        if given("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given("channel_shift_intensity"), channel_axis)
        if given("flip_horizontal", False):
            x = flip_axis(x, col_axis)
        if given("flip_vertical", False):
            x = flip_axis(x, row_axis)
        if given("brightness") is not None:
            x = apply_brightness_shift(x, given("brightness"), False)
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Changes one image at random.

        Args:
            x: the image, of rank 3.
            seed: for NumPy's global generator; None to draw on.

        Returns:
            An image of the same shape.
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def changed(self, x: np.ndarray) -> np.ndarray:
        """An image after all: changed at random, then put on its scale.

        Args:
            x: the image, of rank 3, which may be overwritten.
        """
        return self.standardize(self.random_transform(x))

    def fit(
        self, x: ArrayLike, augment: bool = False, rounds: int = 1, seed: int | None = None
    ) -> None:
        """Learns mean, deviation and whitening of a data set, where they are wanted.

        Args:
            x: images of rank 4.
            augment: whether to learn from randomly changed images.
            rounds: how often each image counts then.
            seed: for NumPy's global generator; None to draw on.

        Raises:
            UserInputError: not images.
        """
        images = np.array(x, dtype=self.dtype)
        self._check_fit(images)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            images *= self.rescale
        if augment:
            images = np.stack(
                [self.random_transform(image) for _ in range(rounds) for image in images]
            ).astype(self.dtype)
        self._learn(images)


def _draw_to_both_sides(largest: float) -> float:
    return np.random.uniform(-largest, largest)


def _draw_shift(shift_range: Any, size: int) -> float:
    """How far to move, in pixels."""
    if not np.ndim(shift_range) and not shift_range:
        return 0
    try:  # a list of ways, or the whole pixels below a number
        shift = np.random.choice(shift_range) * np.random.choice([-1, 1])
    except ValueError:  # a fraction
        shift = _draw_to_both_sides(shift_range)
    return shift * size if np.max(shift_range) < 1 else shift


def _range_of_zoom(zoom_range: Any) -> list[float]:
    if isinstance(zoom_range, int | float):
        return [1 - zoom_range, 1 + zoom_range]
    if len(zoom_range) == 2 and all(isinstance(factor, int | float) for factor in zoom_range):
        return [zoom_range[0], zoom_range[1]]
    raise UserInputError(
        f"`zoom_range` should be a float or a tuple or list of two floats. Received: {zoom_range}"
    )
