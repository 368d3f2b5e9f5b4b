"""`tf.signal` and `tf.audio`: windows, spectra, mel scales; sound in WAV files."""

from __future__ import annotations

import io
import wave
from types import ModuleType
from typing import Any

import numpy as np

from fkeras.compat.tensorflow.calls import table, tensors
from fkeras.compat.tensorflow.dtypes import numpy_dtype
from fkeras.compat.tensorflow.image_files import as_bytes
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import DTypeLike, Tensor, TensorLike


def _cosine_window(alpha: float, name: str):
    def window(
        window_length: int,
        periodic: bool = True,
        dtype: DTypeLike = "float32",
        name: str | None = None,
    ) -> HostArray:
        length = int(window_length)
        # An even window that is periodic is a longer one less its last value; an odd one is not.
        span = length + (1 if periodic and length % 2 == 0 else 0) - 1
        places = np.arange(length) / max(span, 1)
        values = alpha - (1 - alpha) * np.cos(2 * np.pi * places)
        return host_array(values.astype(numpy_dtype(dtype)) if length > 1 else np.ones(length))

    window.__name__ = name
    return window


hann_window = _cosine_window(0.5, "hann_window")
hamming_window = _cosine_window(0.54, "hamming_window")


@tensors(1)
def frame(
    xp: ModuleType,
    signal: Tensor,
    frame_length: int,
    frame_step: int,
    pad_end: bool = False,
    pad_value: float = 0,
    axis: int = -1,
) -> Tensor:
    """Frames of the last axis, each `frame_step` behind the one before: (..., frames, length)."""
    if axis not in (-1, signal.ndim - 1):
        raise UserInputError("tf.signal.frame: only the last axis is cut into frames.")
    length, step = int(frame_length), int(frame_step)
    samples = signal.shape[-1]
    if pad_end:
        count = -(-samples // step)
        missing = max((count - 1) * step + length - samples, 0)
        widths = [(0, 0)] * (signal.ndim - 1) + [(0, missing)]
        signal = xp.pad(signal, widths, constant_values=pad_value)
    else:
        count = max((samples - length) // step + 1, 0)
    return signal[..., np.arange(count)[:, None] * step + np.arange(length)]


def _power_of_two(length: int) -> int:
    return 1 << (int(length) - 1).bit_length()


def _complex(result: Tensor) -> Tensor:
    """NumPy's transforms have 64 bits whatever they are given."""
    return result.astype(np.complex64 if result.dtype == np.complex128 else result.dtype)


@tensors(1)
def rfft(xp: ModuleType, input_tensor: Tensor, fft_length: Any = None) -> Tensor:
    """The spectrum of real numbers along the last axis."""
    length = None if fft_length is None else int(np.ravel(fft_length)[0])
    result = xp.fft.rfft(input_tensor, length)
    return result if input_tensor.dtype == np.float64 else _complex(result)


@tensors(1)
def irfft(xp: ModuleType, input_tensor: Tensor, fft_length: Any = None) -> Tensor:
    """The real numbers of a spectrum."""
    length = None if fft_length is None else int(np.ravel(fft_length)[0])
    result = xp.fft.irfft(input_tensor, length)
    return result.astype(np.float64 if input_tensor.dtype == np.complex128 else np.float32)


def _transform(name: str):
    def transform(xp: ModuleType, input: Tensor) -> Tensor:
        result = getattr(xp.fft, name)(input)
        return result if input.dtype == np.complex128 else _complex(result)

    return transform


def stft(
    signals: TensorLike,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Any = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """Spectra of frames of the last axis: (..., frames, fft_length // 2 + 1), complex.

    Args:
        signals: real numbers.
        frame_length: samples in a frame.
        frame_step: samples between the beginnings of frames.
        fft_length: None: the next power of two.
        window_fn: function (length, dtype=) that gives the window; None for none.
        pad_end: whether zeros follow, so that each sample begins a frame.
        name: not used.
    """
    length = _power_of_two(frame_length) if fft_length is None else int(fft_length)
    window = None if window_fn is None else window_fn(int(frame_length), dtype="float32")
    return _stft(frame(signals, frame_length, frame_step, pad_end), window, length)


@tensors(1)
def _stft(xp: ModuleType, frames: Tensor, window: Any, length: int) -> Tensor:
    if window is not None:
        frames = frames * np.asarray(window)
    return _complex(xp.fft.rfft(frames, length))


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: float = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: DTypeLike = "float32",
    name: str | None = None,
) -> HostArray:
    """(spectrogram bins, mel bins): what a spectrogram is multiplied by for one of mel bands."""

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    frequencies = mel(np.linspace(0, sample_rate / 2, int(num_spectrogram_bins))[1:])[:, None]
    edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), int(num_mel_bins) + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - lower) / (center - lower)
    falling = (upper - frequencies) / (upper - center)
    weights = np.maximum(0, np.minimum(rising, falling))
    return host_array(np.pad(weights, [(1, 0), (0, 0)]).astype(numpy_dtype(dtype)))


@tensors(1)
def dct(
    xp: ModuleType,
    input: Tensor,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
) -> Tensor:
    """The cosine transform of type 2 along the last axis; `norm='ortho'` keeps lengths."""
    if type != 2 or axis not in (-1, input.ndim - 1):
        raise UserInputError("tf.signal.dct: only type 2 along the last axis.")
    if n is not None:
        missing = max(int(n) - input.shape[-1], 0)
        input = xp.pad(input[..., : int(n)], [(0, 0)] * (input.ndim - 1) + [(0, missing)])
    count = input.shape[-1]
    places = np.arange(count)
    matrix = 2 * np.cos(np.pi * (2 * places[:, None] + 1) * places / (2 * count))
    if norm == "ortho":
        matrix = matrix * np.where(places == 0, 0.5 / np.sqrt(count), np.sqrt(0.5 / count))
    return xp.matmul(input, matrix.astype(input.dtype))


def mfccs_from_log_mel_spectrograms(
    log_mel_spectrograms: TensorLike, name: str | None = None
) -> Tensor:
    """Mel-frequency cepstral coefficients."""
    return _mfccs(log_mel_spectrograms)


@tensors(1)
def _mfccs(xp: ModuleType, spectrograms: Tensor) -> Tensor:
    count = spectrograms.shape[-1]
    transformed = dct(spectrograms)
    return transformed * spectrograms.dtype.type(1 / np.sqrt(2.0 * count))


# -- sound -----------------------------------------------------------------------------------------


def decode_wav(
    contents: Any,
    desired_channels: int = -1,
    desired_samples: int = -1,
    name: str | None = None,
) -> tuple[HostArray, HostArray]:
    """The samples of a WAV file of 16 bits, (samples, channels) in [-1, 1), and how many a second.

    Args:
        contents: the bytes of the file.
        desired_channels: -1: as in the file; fewer are cut, one is repeated.
        desired_samples: -1: as in the file; else cut, or zeros follow.
        name: not used.
    """
    with wave.open(io.BytesIO(as_bytes(contents))) as file:
        if file.getsampwidth() != 2:
            raise UserInputError(
                f"tf.audio.decode_wav: samples of 16 bits; the file has {8 * file.getsampwidth()}."
            )
        raw = file.readframes(file.getnframes())
        samples = np.frombuffer(raw, "<i2").reshape(-1, file.getnchannels())
        rate = file.getframerate()
    samples = (samples / 32768).astype(np.float32)
    if desired_channels > 0:
        if samples.shape[1] < desired_channels:
            samples = np.repeat(samples[:, :1], desired_channels, axis=1)
        samples = samples[:, :desired_channels]
    if desired_samples > 0:
        missing = max(desired_samples - len(samples), 0)
        samples = np.pad(samples[:desired_samples], [(0, missing), (0, 0)])
    return Audio(host_array(samples), host_array(np.int32(rate)))


class Audio(tuple):
    """What `decode_wav` gives: a pair with names.

    Args:
        audio: the samples. sample_rate: how many a second.
    """

    def __new__(cls, audio: HostArray, sample_rate: HostArray) -> Audio:
        return super().__new__(cls, (audio, sample_rate))

    audio = property(lambda self: self[0])
    sample_rate = property(lambda self: self[1])


def encode_wav(audio: TensorLike, sample_rate: int, name: str | None = None) -> HostArray:
    """The bytes of a WAV file of 16 bits from samples in [-1, 1], (samples, channels)."""
    samples = np.asarray(audio)
    numbers = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(int(sample_rate))
        file.writeframes(numbers.tobytes())
    return host_array(buffer.getvalue())


NAMES: dict[str, Any] = {
    **table({name: _transform(name) for name in ("fft", "fft2", "ifft", "ifft2")}),
    "dct": dct,
    "frame": frame,
    "hamming_window": hamming_window,
    "hann_window": hann_window,
    "irfft": irfft,
    "linear_to_mel_weight_matrix": linear_to_mel_weight_matrix,
    "mfccs_from_log_mel_spectrograms": mfccs_from_log_mel_spectrograms,
    "rfft": rfft,
    "stft": stft,
}
NAMES.update(fft2d=NAMES["fft2"], ifft2d=NAMES["ifft2"])
for _name in ("fft2", "ifft2"):
    del NAMES[_name]
AUDIO: dict[str, Any] = {"decode_wav": decode_wav, "encode_wav": encode_wav}
