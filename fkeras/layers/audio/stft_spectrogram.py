"""STFTSpectrogram: short-time Fourier transforms by convolutions, whose kernels may be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp
import numpy as np

from fkeras import initializers, ops
from fkeras.core import settings
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    import jax

    from fkeras.core.values.variable import Variable
    from fkeras.types import ArrayLike, DataFormat, Shape, Tensor

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
_SCALINGS = (None, "density", "spectrum")


class STFTSpectrogram(Layer):
    """The spectrum of a signal over time: each frame's Fourier transform.

    A convolution whose kernels are windowed sines and cosines. They are weights: a model may start
    from a spectrogram and train them on; `trainable=False` keeps them.

    Args:
        mode: 'log': logarithm of the magnitude; 'magnitude'; 'psd': power spectral density, of one
            side: frequencies between 0 and the highest count twice; 'real', 'imag': the parts of
            the transform; 'angle': phase in radians; 'stft': real parts, then imaginary ones.
        frame_length: samples in a frame.
        frame_step: samples from one frame to the next, at most `frame_length`; None for half of it.
        fft_length: samples that a frame is padded to, at least `frame_length`; None for the next
            power of 2. There are `fft_length // 2 + 1` frequencies.
        window: name of a window of `scipy.signal.windows`, an array (frame_length,), or None for
            none.
        periodic: whether a named window is a periodic one.
        scaling: 'density' divides by the window's L2 norm, 'spectrum' by its L1 norm, None by
            nothing.
        padding: 'valid', or 'same' for ceil(samples / frame_step) frames.
        expand_dims: whether channels and frequencies keep an axis each, as image layers take them.
        data_format: 'channels_last', 'channels_first', or None for the global setting.

    Shape:
        channels_last `(batch, samples, channels)` -> `(batch, frames, channels * frequencies)`, or
        `(batch, frames, frequencies, channels)` with `expand_dims`; channels_first
        `(batch, channels, samples)` -> `(batch, channels * frequencies, frames)`, or
        `(batch, channels, frames, frequencies)`. With 'stft' twice as many frequencies.

    Raises:
        UserInputError: unknown names, lengths that do not fit each other, inputs without rank 3.
        UserTypeError: inputs that are no floats.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> tone = jnp.sin(2 * jnp.pi * jnp.arange(64) / 8)  # one period in 8 samples
        >>> layer = fkeras.layers.STFTSpectrogram("magnitude", frame_length=16)
        >>> spectrogram = layer(tone[None, :, None])
        >>> spectrogram.shape, int(spectrogram[0, 0].argmax())
        ((1, 7, 9), 2)
    """

    real_kernel: Variable
    imag_kernel: Variable

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: str | ArrayLike | None = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        _check_lengths(frame_length, frame_step, fft_length)
        if mode not in _MODES:
            raise UserInputError(
                "STFTSpectrogram: the output mode is invalid, it must be one of "
                f"{', '.join(map(repr, _MODES))}. Received: mode={mode!r}"
            )
        if scaling not in _SCALINGS:
            raise UserInputError(
                "STFTSpectrogram: the scaling is invalid, it must be None, 'density' or "
                f"'spectrum'. Received: scaling={scaling!r}"
            )
        if padding not in ("valid", "same"):
            raise UserInputError(
                "STFTSpectrogram: the padding is invalid, it must be 'valid' or 'same'. Received: "
                f"padding={padding!r}"
            )
        initializers.STFT("real", window, scaling, periodic)  # raises for an unknown window
        super().__init__(**kwargs)
        self.mode = mode
        self.frame_length = frame_length
        self.frame_step = frame_step
        self.fft_length = fft_length
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = settings.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)

    @property
    def _step(self) -> int:
        return self.frame_step or max(self.frame_length // 2, 1)

    @property
    def _frequencies(self) -> int:
        return (self.fft_length or 1 << (self.frame_length - 1).bit_length()) // 2 + 1

    def build(self, input_shape: Shape) -> None:
        shape = (self.frame_length, 1, self._frequencies)
        options = self.window, self.scaling, self.periodic
        if self.mode != "imag":
            self.real_kernel = self.add_weight(
                name="real_kernel", shape=shape, initializer=initializers.STFT("real", *options)
            )
        if self.mode != "real":
            self.imag_kernel = self.add_weight(
                name="imag_kernel", shape=shape, initializer=initializers.STFT("imag", *options)
            )

    def call(self, inputs: Tensor) -> Tensor:
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            raise UserTypeError(
                "Invalid input type. STFTSpectrogram expected floats, such as `float32`. Received: "
                f"input type={inputs.dtype}"
            )
        is_last = self.data_format == "channels_last"
        signals = jnp.swapaxes(inputs, 1, 2) if is_last else inputs  # (batch, channels, samples)
        spectrum = self._spectrum(signals)  # (batch, channels, frames, frequencies)
        if self.expand_dims:
            return jnp.transpose(spectrum, (0, 2, 3, 1)) if is_last else spectrum
        batch, channels, frames, frequencies = spectrum.shape
        joined = jnp.swapaxes(spectrum, 2, 3).reshape(batch, channels * frequencies, frames)
        return jnp.swapaxes(joined, 1, 2) if is_last else joined

    def _spectrum(self, signals: jax.Array) -> jax.Array:
        real = None if self.mode == "imag" else self._transformed(signals, self.real_kernel)
        imag = None if self.mode == "real" else self._transformed(signals, self.imag_kernel)
        if self.mode in ("real", "imag"):
            return real if imag is None else imag
        if self.mode == "angle":
            return jnp.arctan2(imag, real)
        if self.mode == "stft":
            return jnp.concatenate([real, imag], axis=-1)
        power = jnp.square(real) + jnp.square(imag)
        if self.mode == "psd":
            return power.at[..., 1:-1].multiply(2)
        smallest = settings.epsilon()  # of a power: the root has no gradient at 0
        magnitude = jnp.sqrt(jnp.maximum(power, smallest))
        if self.mode == "magnitude":
            return magnitude
        return jnp.log(jnp.maximum(magnitude, smallest))

    def _transformed(self, signals: jax.Array, kernel: Variable) -> jax.Array:
        """(batch, channels, samples) -> (batch, channels, frames, frequencies): every channel by
        the same kernel.
        """
        batch, channels, samples = signals.shape
        frames = ops.conv(
            signals.reshape(batch * channels, samples, 1),
            kernel.value.astype(signals.dtype),
            strides=self._step,
            padding=self.padding,
            data_format="channels_last",
        )
        return frames.reshape(batch, channels, *frames.shape[1:])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        is_last = self.data_format == "channels_last"
        batch, samples, channels = (input_shape[i] for i in ((0, 1, 2) if is_last else (0, 2, 1)))
        frames = None
        if samples is not None:
            room = samples - self.frame_length if self.padding == "valid" else samples - 1
            frames = room // self._step + 1
        frequencies = self._frequencies * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            last = (frames, frequencies, channels)
            return (batch, *last) if is_last else (batch, channels, frames, frequencies)
        joined = None if channels is None else channels * frequencies
        return (batch, frames, joined) if is_last else (batch, joined, frames)

    def get_config(self) -> dict:
        config = super().get_config()
        if isinstance(self.window, (np.ndarray, jnp.ndarray)):
            config["window"] = np.asarray(self.window).tolist()
        return config


def _check_lengths(frame_length: int, frame_step: int | None, fft_length: int | None) -> None:
    if not arguments.is_int(frame_length) or frame_length < 1:
        raise UserInputError(
            "STFTSpectrogram: `frame_length` should be a positive integer. Received: "
            f"frame_length={frame_length!r}"
        )
    if frame_step is not None and not 1 <= frame_step <= frame_length:
        raise UserInputError(
            "STFTSpectrogram: `frame_step` should be a positive integer not greater than "
            f"`frame_length`. Received: frame_step={frame_step}, frame_length={frame_length}"
        )
    if fft_length is None:
        return
    if fft_length < frame_length:
        raise UserInputError(
            "STFTSpectrogram: `fft_length` should be not less than `frame_length`. Received: "
            f"fft_length={fft_length}, frame_length={frame_length}"
        )
    if fft_length & (fft_length - 1):
        warn_user(
            "STFTSpectrogram: `fft_length` is recommended to be a power of two. Received: "
            f"fft_length={fft_length}"
        )
