"""MelSpectrogram: how loud a signal is over time, in bands as wide as the ear hears them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Unpack

import jax.numpy as jnp
import numpy as np

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    import jax

    from fkeras.types import ArrayLike, Config, DTypeLike, Shape, Tensor

_DTYPES = ("float32", "float64")  # that Fourier transforms are computed in


class MelSpectrogram(Layer):
    """The mel spectrogram of audio signals: loudness over time in bands of frequencies.

    The short-time Fourier transform's magnitudes are summed in overlapping triangular bands, which
    are equally wide on the mel scale.

    Args:
        fft_length: samples that a frame is padded to.
        sequence_stride: samples from one frame to the next.
        sequence_length: samples of the window, at most `fft_length`; None for `fft_length`.
        window: 'hann', 'hamming', an array (sequence_length,), or None for none.
        sampling_rate: samples a second.
        num_mel_bins: number of bands.
        min_freq, max_freq: in Hertz, where the lowest band begins and the highest ends; None for
            half of the sampling rate.
        power_to_db: whether to return decibels.
        top_db: decibels below the loudest value of the whole batch, at which the others are cut.
        mag_exp: exponent of the magnitudes; 1 for magnitudes, 2 for power.
        min_power: powers below count as this one, positive.
        ref_power: the power of 0 decibels.

    Shape:
        `(samples,)` or `(batch, samples)` -> `(..., num_mel_bins, frames)`, with
        `samples // sequence_stride + 1` frames.

    Raises:
        UserInputError: lengths or frequencies that do not fit each other.

    References:
        Stevens, Volkmann and Newman, 1937, https://doi.org/10.1121/1.1915893; the formula is that
        of HTK, 2595 log10(1 + f / 700).

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> signal = jnp.sin(2 * jnp.pi * 440 * jnp.arange(4000) / 8000)
        >>> layer = fkeras.layers.MelSpectrogram(512, 128, sampling_rate=8000, num_mel_bins=40)
        >>> layer(signal).shape
        (40, 32)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | ArrayLike | None = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        sequence_length = sequence_length or fft_length
        if fft_length < sequence_length:
            raise UserInputError(
                "MelSpectrogram: `fft_length` must be greater than or equal to `sequence_length`. "
                f"Received: fft_length={fft_length}, sequence_length={sequence_length}"
            )
        max_freq = max_freq or int(sampling_rate / 2)
        if not 0 <= min_freq < max_freq:
            raise UserInputError(
                "MelSpectrogram: `min_freq` must lie in [0, max_freq). Received: "
                f"min_freq={min_freq}, max_freq={max_freq}, sampling_rate={sampling_rate}"
            )
        for name, value in (
            ("num_mel_bins", num_mel_bins),
            ("sequence_stride", sequence_stride),
            ("min_power", min_power),
        ):
            if not value > 0:
                raise UserInputError(
                    f"MelSpectrogram: `{name}` must be positive. Received: {name}={value}"
                )
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = sequence_length
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = num_mel_bins
        self.min_freq = min_freq
        self.max_freq = max_freq
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        self.autocast = False  # what is computed in half precision here is the result alone
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Tensor) -> Tensor:
        dtype = self.compute_dtype if self.compute_dtype in _DTYPES else "float32"
        signal = jnp.asarray(inputs, dtype)
        real, imag = ops.stft(
            signal,
            sequence_length=self.sequence_length,
            sequence_stride=self.sequence_stride,
            fft_length=self.fft_length,
            window=self.window,
            center=True,
        )  # (..., frames, frequencies)
        bands = self.linear_to_mel_weight_matrix(
            num_mel_bins=self.num_mel_bins,
            num_spectrogram_bins=real.shape[-1],
            sampling_rate=self.sampling_rate,
            lower_edge_hertz=self.min_freq,
            upper_edge_hertz=self.max_freq,
            dtype=dtype,
        )
        outputs = self._power_of_magnitude(real, imag) @ bands  # (..., frames, bands)
        if self.power_to_db:
            outputs = self._decibels(outputs)
        return jnp.swapaxes(outputs, -1, -2).astype(self.compute_dtype)

    def _power_of_magnitude(self, real: jax.Array, imag: jax.Array) -> jax.Array:
        squares = jnp.square(real) + jnp.square(imag)
        if self.mag_exp == 2:
            return squares
        # The root of 0 has no gradient.
        magnitude = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
        return jnp.power(magnitude, self.mag_exp)

    def _decibels(self, power: jax.Array) -> jax.Array:
        reference = math.log10(max(abs(self.ref_power), self.min_power))
        levels = 10.0 * (jnp.log10(jnp.maximum(power, self.min_power)) - reference)
        return jnp.maximum(levels, jnp.max(levels) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: DTypeLike = "float32",
    ) -> Tensor:
        """What each frequency adds to each band: triangles of height 1 on the mel scale.

        Args:
            num_mel_bins: number of bands.
            num_spectrogram_bins: number of frequencies, from 0 to half of the sampling rate; the
                first one, the mean, is in no band.
            sampling_rate: samples a second.
            lower_edge_hertz, upper_edge_hertz: where the first band begins and the last one ends.
            dtype: of the result.

        Returns:
            (num_spectrogram_bins, num_mel_bins); a spectrogram times this matrix is a mel one.
        """
        frequencies = np.linspace(0.0, sampling_rate / 2, num_spectrogram_bins)
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        mels = _mel(frequencies)[:, None]  # (frequencies, 1)
        rising, falling = (mels - low) / (middle - low), (high - mels) / (high - middle)
        bands = np.maximum(0.0, np.minimum(rising, falling))
        bands[0] = 0.0
        return jnp.asarray(bands, dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        samples = input_shape[-1]
        frames = None
        if samples is not None:
            padded = samples + 2 * (self.fft_length // 2)
            frames = (padded - self.fft_length) // self.sequence_stride + 1
        return (*input_shape[:-1], self.num_mel_bins, frames)

    def get_config(self) -> Config:
        config = super().get_config()
        if isinstance(self.window, (np.ndarray, jnp.ndarray)):
            config["window"] = np.asarray(self.window).tolist()
        return config


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
