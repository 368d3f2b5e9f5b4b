"""Fourier transforms, and frames of a signal.

Complex numbers are pairs (real part, imaginary part) of float arrays, as in Keras.
"""

from __future__ import annotations

from numbers import Integral
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fkeras.core import broadcasting
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.tensors import as_array
from fkeras.types import DTypeLike, Tensor, TensorLike

Pair: TypeAlias = tuple[TensorLike, TensorLike]  # real and imaginary part, of one shape


def _complex(x: Pair, rank: int = 1) -> jax.Array:
    """The pair `x` as one complex array."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise UserInputError(
            f"Input `x` should be a tuple of two tensors - real and imaginary. Received: x={x}"
        )
    real, imag = as_array(x[0]), as_array(x[1])
    if real.shape != imag.shape:
        raise UserInputError(
            "Input `x` should be a tuple of two tensors - real and imaginary. Both the real and "
            f"imaginary parts should have the same shape. Received: x[0].shape = {real.shape}, "
            f"x[1].shape = {imag.shape}"
        )
    if not all(jnp.issubdtype(part.dtype, jnp.floating) for part in (real, imag)):
        raise UserInputError(
            f"Both parts of `x` must be of a float dtype. Received: {real.dtype} and {imag.dtype}."
        )
    if real.ndim < rank:
        raise UserInputError(
            f"Input should have rank >= {rank}. Received: input.shape = {real.shape}"
        )
    return lax.complex(real, imag)


def _pair(z: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.real(z), jnp.imag(z)


@op
def fft(x: Pair) -> tuple[Tensor, Tensor]:
    """Fourier transform along the last axis.

    Args:
        x: pair (real, imaginary) of float arrays of one shape.

    Returns:
        Such a pair, of the same shape.
    """
    return _pair(jnp.fft.fft(_complex(x)))


@op
def fft2(x: Pair) -> tuple[Tensor, Tensor]:
    """Fourier transform along the last two axes; arguments and result as in `fft`."""
    return _pair(jnp.fft.fft2(_complex(x, rank=2)))


@op
def ifft2(x: Pair) -> tuple[Tensor, Tensor]:
    """Inverse of `fft2`."""
    return _pair(jnp.fft.ifft2(_complex(x, rank=2)))


@op
def rfft(x: TensorLike, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """Fourier transform of real numbers along the last axis.

    The fft_length // 2 + 1 frequencies that are not redundant.

    Args:
        x: float array (..., n).
        fft_length: the signal is cut or padded with zeros to this length; None means n.

    Returns:
        Pair (real, imaginary).
    """
    x = as_array(x)
    if x.ndim < 1:
        raise UserInputError(f"Input should have rank >= 1. Received: input.shape = {x.shape}")
    return _pair(jnp.fft.rfft(x, fft_length))


@op
def irfft(x: Pair, fft_length: int | None = None) -> Tensor:
    """Inverse of `rfft`: pair (real, imaginary) (..., n) -> (..., fft_length).

    None for `fft_length` means 2 * (n - 1).
    """
    return jnp.fft.irfft(_complex(x), fft_length)


@op
def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Tensor:
    """Frames of a signal.

    (..., n) -> (..., 1 + (n - sequence_length) // sequence_stride, sequence_length).

    >>> from fkeras import ops
    >>> ops.extract_sequences([1, 2, 3, 4, 5], 3, 2)
    Array([[1, 2, 3],
           [3, 4, 5]], dtype=int32)
    """
    x = as_array(x)
    if x.ndim < 1:
        raise UserInputError(f"Input should have rank >= 1. Received: input.shape = {x.shape}")
    # Static indices (frames, sequence_length): one gather.
    starts = np.arange(0, x.shape[-1] - sequence_length + 1, sequence_stride)
    return x[..., starts[:, None] + np.arange(sequence_length)]


def _check_stride(sequence_stride: int) -> None:
    if not isinstance(sequence_stride, Integral) or sequence_stride <= 0:
        raise UserInputError(
            "`sequence_stride` must be a positive integer. Received: "
            f"sequence_stride={sequence_stride}"
        )


_COSINE_WINDOWS = {"hann": 0.5, "hamming": 0.54}


def _window(
    window: str | TensorLike | None, sequence_length: int, fft_length: int, dtype: DTypeLike
) -> jax.Array:
    """The window, centered in `fft_length`; None: ones everywhere."""
    if fft_length < sequence_length:
        raise UserInputError(
            "`fft_length` must equal or larger than `sequence_length`. "
            f"Received: sequence_length={sequence_length}, fft_length={fft_length}"
        )
    if window is None:
        return jnp.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in _COSINE_WINDOWS:
            raise UserInputError(
                f"If a string is passed to `window`, it must be one of {list(_COSINE_WINDOWS)}. "
                f"Received: window={window}"
            )
        a = _COSINE_WINDOWS[window]  # periodic, as FFTs want it
        window = a - (1 - a) * np.cos(2 * np.pi * np.arange(sequence_length) / sequence_length)
        window = window if sequence_length > 1 else np.ones(1)
    window = as_array(window).astype(dtype)
    if window.shape != (sequence_length,):
        raise UserInputError(
            f"The shape of `window` must be equal to [sequence_length], here ({sequence_length},). "
            f"Received: window shape={window.shape}"
        )
    left = (fft_length - sequence_length) // 2
    return jnp.pad(window, (left, fft_length - sequence_length - left))


@op
def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | TensorLike | None = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """Short-time Fourier transform of real signals.

    Args:
        x: float32 or float64, (..., n).
        sequence_length: length of the window.
        sequence_stride: positions from one frame to the next.
        fft_length: frames are this long, the window in their middle; at least `sequence_length`.
        window: `'hann'`, `'hamming'`, an array (sequence_length,), or None for none.
        center: whether the signal is first padded (mirrored) by fft_length // 2 on both sides, so
            that frame i is centered at i * sequence_stride.

    Returns:
        Pair (real, imaginary), (..., frames, fft_length // 2 + 1).
    """
    _check_stride(sequence_stride)
    x = as_array(x)
    if x.dtype not in (jnp.float32, jnp.float64):
        raise UserTypeError(
            f"Invalid input type. Expected `float32` or `float64`. Received: input type={x.dtype}"
        )
    window = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        x = jnp.pad(
            x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)], mode="reflect"
        )
    if x.shape[-1] < fft_length:
        raise UserInputError(
            f"stft: a signal of length {x.shape[-1]} (after padding) has no frame of "
            f"fft_length={fft_length}."
        )
    frames = extract_sequences(x, fft_length, sequence_stride)
    return _pair(jnp.fft.rfft(broadcasting.multiply(frames, window)))


@op
def istft(
    x: Pair,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | TensorLike | None = "hann",
    center: bool = True,
) -> Tensor:
    """Inverse of `stft`.

    Frames are windowed again, added where they overlap, and divided by the sum of the squared
    windows.

    Args:
        x: pair (real, imaginary), (..., frames, fft_length // 2 + 1).
        length: of the result; None means all that the frames give.
        sequence_length, sequence_stride, fft_length, window, center: as given to `stft`. With
            `window=None` the frames are only added, not divided.

    Returns:
        (..., length)
    """
    _check_stride(sequence_stride)
    z = _complex(x, rank=2)
    frames = jnp.fft.irfft(z, fft_length)  # (..., frames, fft_length)
    taper = _window(window, sequence_length, fft_length, frames.dtype)
    count = frames.shape[-2]
    # Overlapping frames add up at their positions, and so do the squared windows.
    size = fft_length + sequence_stride * (count - 1)
    positions = np.arange(count)[:, None] * sequence_stride + np.arange(fft_length)
    tapered = broadcasting.multiply(frames, taper)
    signal = jnp.zeros((*frames.shape[:-2], size), frames.dtype).at[..., positions].add(tapered)
    if window is not None:
        weight = jnp.zeros(size, frames.dtype).at[positions].add(jnp.square(taper))
        # Where no window reaches, the sum is 0 and stays so.
        divisor = jnp.where(weight > 1e-10, weight, 1.0)
        signal = signal / broadcasting.with_rank(divisor, signal.ndim)
    start = fft_length // 2 if center else 0
    stop = start + length if length is not None else size - start
    return signal[..., start:stop]
