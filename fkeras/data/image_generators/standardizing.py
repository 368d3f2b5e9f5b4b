"""`Standardizing`: images on one scale, by their own mean or by that of a data set."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import DataFormat, DTypeLike

_SMALL = 1e-6


class Standardizing:
    """The half of `ImageDataGenerator` that concerns scales; see there for the arguments."""

    def __init__(
        self,
        featurewise_center: bool,
        samplewise_center: bool,
        featurewise_std_normalization: bool,
        samplewise_std_normalization: bool,
        zca_whitening: bool,
        zca_epsilon: float,
        rescale: float | None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None,
        data_format: DataFormat,
        dtype: DTypeLike,
    ) -> None:
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = data_format
        self.dtype = dtype
        last = data_format == "channels_last"
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 3) if last else (2, 3, 1)
        self.mean: np.ndarray | None = None
        self.std: np.ndarray | None = None
        self.zca_whitening_matrix: np.ndarray | None = None
        self._turn_on_what_belongs_together()

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Puts an image, or a batch of them, on its scale.

        Args:
            x: the images, which are overwritten: pass a copy to keep them.

        Returns:
            The images.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + _SMALL
        if self.featurewise_center and self._is_known("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_known(
            "featurewise_std_normalization", self.std
        ):
            x /= self.std + _SMALL
        if self.zca_whitening and self._is_known("zca_whitening", self.zca_whitening_matrix):
            flat = x.reshape(-1, math.prod(x.shape[-3:]))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _turn_on_what_belongs_together(self) -> None:
        if self.zca_whitening:
            self._turn("zca_whitening", "featurewise_center", True)
            self._turn("zca_whitening", "featurewise_std_normalization", False)
        if self.featurewise_std_normalization:
            self._turn("featurewise_std_normalization", "featurewise_center", True)
        if self.samplewise_std_normalization:
            self._turn("samplewise_std_normalization", "samplewise_center", True)

    def _turn(self, by: str, name: str, value: bool) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            warn_user(
                f"This ImageDataGenerator specifies `{by}`, which overrides setting of `{name}`."
            )

    def _is_known(self, name: str, value: np.ndarray | None) -> bool:
        if value is None:
            warn_user(
                f"This ImageDataGenerator specifies `{name}`, but it hasn't been fit on any "
                "training data. Fit it first by calling `.fit(numpy_data)`."
            )
        return value is not None

    def _check_fit(self, images: np.ndarray) -> None:
        """Refuses what `fit` cannot learn from."""
        if images.ndim != 4:
            raise UserInputError(
                "Input to `.fit()` should have rank 4. Got array with shape: "
                f"{images.shape}. Grey images need an axis for their channel."
            )
        channels = images.shape[self.channel_axis]
        if channels not in (1, 3, 4):
            warn_user(
                "Expected input to be images (as Numpy array) following the data format convention "
                f'"{self.data_format}" (channels on axis {self.channel_axis}), i.e. expected '
                f"either 1, 3 or 4 channels on axis {self.channel_axis}. However, it was passed an "
                f"array with shape {images.shape} ({channels} channels)."
            )

    def _learn(self, images: np.ndarray) -> None:
        """Mean, deviation and whitening of images, which are overwritten."""
        axes = (0, self.row_axis, self.col_axis)
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = images.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(images, axis=axes).reshape(shape)
            images -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(images, axis=axes).reshape(shape)
            images /= self.std + _SMALL
        if self.zca_whitening:
            flat = images.reshape(len(images), -1)
            directions, deviations, _ = np.linalg.svd(flat.T, full_matrices=False)
            inverse = np.sqrt(len(flat)) / (deviations + self.zca_epsilon)
            self.zca_whitening_matrix = (directions * inverse).dot(directions.T)
