"""Sound in WAV files, as numbers in [-1, 1]; and at another rate."""

from __future__ import annotations

import struct

import numpy as np

from fkeras.errors import UserInputError

_PCM = 1
_FLOAT = 3
_EXTENSIBLE = 0xFFFE


def read_wav(path: str) -> tuple[np.ndarray, int]:
    """The samples and the rate of a WAV file.

    Args:
        path: of a file with integers of 8, 16, 24 or 32 bits, or floats of 32 or 64 bits.

    Returns:
        (samples, channels) float32, and samples a second.

    Raises:
        UserInputError: it is no such file.
    """
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < 12 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UserInputError(f"{path!r} is not a WAV file.")
    layout = data = None
    start = 12
    while start + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, start)
        chunk = content[start + 8 : start + 8 + size]
        if name == b"fmt ":
            layout = chunk
        elif name == b"data":
            data = chunk
        start += 8 + size + size % 2
    if layout is None or len(layout) < 16 or data is None:
        raise UserInputError(f"{path!r} is a WAV file without sound, or it is cut off.")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", layout)
    if kind == _EXTENSIBLE and len(layout) >= 26:
        kind = struct.unpack_from("<H", layout, 24)[0]
    samples = _as_floats(data, kind, bits)
    if samples is None or not channels:
        raise UserInputError(
            f"{path!r} holds sound of kind {kind} with {bits} bits. Expected integers of 8, 16, 24 "
            "or 32 bits, or floats of 32 or 64 bits, uncompressed."
        )
    return samples[: len(samples) // channels * channels].reshape(-1, channels), rate


def _as_floats(data: bytes, kind: int, bits: int) -> np.ndarray | None:
    whole = data[: len(data) // (bits // 8) * (bits // 8)] if bits >= 8 else b""
    if kind == _PCM and bits == 8:  # without sign
        return (np.frombuffer(whole, np.uint8).astype(np.float32) - 128) / 128
    if kind == _PCM and bits == 24:
        parts = np.frombuffer(whole, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(parts), 4), np.uint8)
        wide[:, 1:] = parts
        return wide.view("<i4")[:, 0].astype(np.float32) / 2**31
    if kind == _PCM and bits in (16, 32):
        return np.frombuffer(whole, f"<i{bits // 8}").astype(np.float32) / 2 ** (bits - 1)
    if kind == _FLOAT and bits in (32, 64):
        return np.frombuffer(whole, f"<f{bits // 8}").astype(np.float32)
    return None


def resample(samples: np.ndarray, count: int) -> np.ndarray:
    """The same sound in another number of samples, by its spectrum.

    Args:
        samples: (samples, channels).
        count: of samples wanted.

    Examples:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * np.arange(8) / 8)[:, None]
        >>> np.allclose(resample(wave, 16)[::2], wave, atol=1e-6)
        True
    """
    length = len(samples)
    if length in (0, count):
        return samples
    spectrum = np.fft.rfft(samples, axis=0)
    kept = min(length, count) // 2 + 1
    cut = spectrum[:kept].copy()
    if min(length, count) % 2 == 0:  # the highest frequency stands for two, or is half of one
        cut[-1] *= 2 if count < length else 0.5
    return (np.fft.irfft(cut, count, axis=0) * (count / length)).astype(np.float32)
