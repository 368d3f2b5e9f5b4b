"""Initializers without chance."""

import jax.numpy as jnp
import numpy as np

from fkeras.core import registry
from fkeras.core.symbolic import standardize_dtype
from fkeras.errors import UserInputError
from fkeras.initializers.initializer import Initializer


class Zeros(Initializer):
    """All 0.

    Examples:
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape, dtype=None):
        return jnp.zeros(tuple(shape), standardize_dtype(dtype))


class Ones(Initializer):
    """All 1.

    Examples:
        >>> Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, shape, dtype=None):
        return jnp.ones(tuple(shape), standardize_dtype(dtype))


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array that broadcasts to the weight's shape. It is cast to the weight's dtype.

    Examples:
        >>> Constant(3)((2, 2)).tolist()
        [[3.0, 3.0], [3.0, 3.0]]
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        value, shape = jnp.asarray(self.value), tuple(shape)
        try:
            return jnp.broadcast_to(value.astype(standardize_dtype(dtype)), shape)
        except ValueError as error:
            raise UserInputError(f"Constant's `value` has shape {value.shape}, which does not broadcast to the weight's shape {shape}. "
                                 "Pass a number or an array of that shape.") from error

    def get_config(self):
        return {"value": registry.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        return cls(registry.deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """The identity matrix times `gain`; for matrices only. One that is not square has ones where row and column number agree.

    Args:
        gain: factor.

    Examples:
        >>> Identity(2)((2, 3)).tolist()
        [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        shape = tuple(shape)
        if len(shape) != 2:
            raise UserInputError("Identity matrix initializer can only be used for 2D matrices. "
                                 f"Received: shape={shape} of rank {len(shape)}.")
        return (self.gain * jnp.eye(*shape, dtype=standardize_dtype(dtype))).astype(standardize_dtype(dtype))

    def get_config(self):
        return {"gain": self.gain}


class STFT(Initializer):
    """The kernel of a convolution that computes a short-time Fourier transform; used by `STFTSpectrogram`.

    Values of shape (frame length, 1, fft_length // 2 + 1): a (windowed) wave for each frequency bin.

    Args:
        side: `'real'` (cosines) or `'imag'` (negative sines).
        window: name of a window of `scipy.signal`, an array of frame length values, or None for none.
        scaling: divide the window by its L2 norm (`'density'`), by its L1 norm (`'spectrum'`), or not (None).
        periodic: True for the periodic form of the named window (its first value is not repeated at its end). It is passed to
            `scipy.signal.get_window` as Keras does.

    Examples:
        >>> STFT("real", window=None)((4, 1, 3)).shape
        (4, 1, 3)
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        if side not in ("real", "imag"):
            raise UserInputError(f"`side` should be 'real' or 'imag'. Received: side={side!r}")
        if scaling not in (None, "density", "spectrum"):
            raise UserInputError(f"Scaling is invalid: it must be None, 'density' or 'spectrum'. Received: scaling={scaling!r}")
        if isinstance(window, str):
            _named_window(window, 1, periodic)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape, dtype=None):
        shape = tuple(shape)
        if len(shape) != 3 or shape[2] < 2:
            raise UserInputError("STFT expects a weight of shape (frame length, 1, fft_length // 2 + 1) with two or more frequencies. "
                                 f"Received: shape={shape}")
        frame, channels, bins = shape
        period = 2 * (bins - 1)
        # Turns are counted in integers: the angle of a late sample at a high frequency loses no digits.
        turns = (np.arange(frame)[:, None, None] * np.arange(bins)) % period
        angle = -2 * np.pi * turns / period
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            named = isinstance(self.window, str)
            window = np.asarray(_named_window(self.window, frame, self.periodic) if named else self.window, np.float64)
            if window.shape != (frame,):
                raise UserInputError(f"The shape of `window` must be ({frame},), one value for each sample of a frame. "
                                     f"Received: window of shape {window.shape}")
            norm = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(np.abs(window)), None: 1.0}[self.scaling]
            kernel = kernel * (window / norm)[:, None, None]
        return jnp.broadcast_to(jnp.asarray(kernel.astype(np.float32)), (frame, channels, bins)).astype(standardize_dtype(dtype))

    def get_config(self):
        window = self.window if self.window is None or isinstance(self.window, str) else np.asarray(self.window).tolist()
        return {"side": self.side, "window": window, "periodic": self.periodic, "scaling": self.scaling}


def _named_window(name, length, periodic):
    from scipy import signal

    try:
        return signal.get_window(name, length, periodic)
    except ValueError as error:
        raise UserInputError(f"`scipy.signal.get_window` knows no window of this name without parameters. Received: window={name!r}") from error
