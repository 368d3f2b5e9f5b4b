"""Kernels of a convolution that computes a short-time Fourier transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.config import serialization
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import first_values
from fkeras.errors import UserInputError
from fkeras.initializers.initializer import Initializer

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config, DTypeLike, ShapeLike


class STFT(Initializer):
    """The real or imaginary part of a short-time Fourier transform, as a convolution's kernel.

    The weight's shape is (frame length, 1, bins), where a transform of size F has F / 2 + 1 bins.
    Computed in float64, then rounded.

    Args:
        side: `'real'` or `'imag'`.
        window: name of a window of `scipy.signal.windows`, an array of frame length, or None for
            none.
        scaling: `'density'` divides by the window's L2 norm, `'spectrum'` by its L1 norm, None by
            nothing.
        periodic: whether a named window is a periodic one.

    Raises:
        UserInputError: for an unknown side, window or scaling; when called with a shape of other
            than three axes, or one that does not fit the window.

    Examples:
        >>> import fkeras
        >>> fkeras.initializers.STFT("real", window=None)((4, 1, 3))[:, 0, 1].round(3).tolist()
        [1.0, 0.0, -1.0, -0.0]
    """

    def __init__(
        self,
        side: str = "real",
        window: str | ArrayLike | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise UserInputError(
                f"STFT: `side` should be 'real' or 'imag'. Received: side={side!r}"
            )
        if scaling not in (None, "density", "spectrum"):
            raise UserInputError(
                "STFT: `scaling` must be None, 'density' or 'spectrum'. Received: "
                f"scaling={scaling!r}"
            )
        if isinstance(window, str):
            _window(window, 1, periodic)  # raises for an unknown name
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None) -> jax.Array:
        shape = first_values.as_shape(shape)
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise UserInputError(
                "STFT expected a shape (frame length, 1, bins) with two or more bins. Received: "
                f"shape={shape}"
            )
        frame, _, bins = shape
        frequencies = np.arange(bins) / (2 * (bins - 1))  # in cycles a sample
        angle = -2 * np.pi * np.arange(frame)[:, None, None] * frequencies  # (frame, 1, bins)
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            kernel = self._windowed(kernel)
        return jnp.asarray(kernel.astype(jnp.dtype(standardize_dtype(dtype))))

    def _windowed(self, kernel: np.ndarray) -> np.ndarray:
        frame = len(kernel)
        if isinstance(self.window, str):
            window = _window(self.window, frame, self.periodic)
        else:
            window = np.asarray(self.window, np.float64)
        if window.shape != (frame,):
            raise UserInputError(
                f"STFT expected a window of shape {(frame,)}, the frame length. Received: "
                f"window.shape={window.shape}"
            )
        scales = {
            None: 1.0,
            "density": np.sqrt(np.sum(window**2)),
            "spectrum": np.sum(np.abs(window)),
        }
        return kernel * window[:, None, None] / scales[self.scaling]

    def get_config(self) -> Config:
        window = serialization.serialize_keras_object(self.window)
        return {
            "side": self.side,
            "window": window,
            "periodic": self.periodic,
            "scaling": self.scaling,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        window = serialization.deserialize_keras_object(config.get("window", "hann"))
        return cls(**{**config, "window": window})


def _window(name: str, length: int, periodic: bool) -> np.ndarray:
    from scipy.signal import get_window

    try:
        return get_window(name, length, fftbins=periodic)
    except ValueError as error:
        raise UserInputError(f"STFT: unknown window {name!r}: {error}") from error
