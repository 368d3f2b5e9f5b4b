import struct

import numpy as np
import pytest
import scipy.io.wavfile
import scipy.signal

import fkeras
from fkeras.data.folders import wav_files
from fkeras.errors import UserInputError

audio_of = fkeras.utils.audio_dataset_from_directory
STEREO = np.array([[0, 64], [-128, 127], [32, -32]])


@pytest.mark.parametrize(
    "dtype, scale", [("uint8", 1), ("int16", 256), ("int32", 2**24), ("float32", 1 / 128)]
)
def test_all_widths(tmp_path, dtype, scale):
    path = tmp_path / "a.wav"
    values = STEREO * scale + (128 if dtype == "uint8" else 0)
    scipy.io.wavfile.write(path, 8000, values.astype(dtype))
    samples, rate = wav_files.read_wav(path)
    assert rate == 8000 and samples.dtype == np.float32
    np.testing.assert_allclose(samples, STEREO / 128, atol=1e-6)


def test_24_bits_and_chunks_between(tmp_path):
    data = b"".join(int(v * 2**16).to_bytes(3, "little", signed=True) for v in (64, -128))
    layout = struct.pack("<HHIIHH", 1, 1, 44100, 44100 * 3, 3, 24)
    chunks = [(b"LIST", b"odd"), (b"fmt ", layout), (b"data", data)]
    body = b"".join(n + struct.pack("<I", len(c)) + c + b"\0" * (len(c) % 2) for n, c in chunks)
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    samples, rate = wav_files.read_wav(path)
    assert rate == 44100 and samples.tolist() == [[0.5], [-1.0]]


@pytest.mark.parametrize("length", [7, 8])
@pytest.mark.parametrize("count", [3, 4, 11, 16])
def test_resampling_is_scipy_s(length, count):
    samples = np.random.default_rng(0).normal(size=(length, 2)).astype(np.float32)
    expected = scipy.signal.resample(samples, count, axis=0)
    np.testing.assert_allclose(wav_files.resample(samples, count), expected, atol=1e-5)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    for name, count in (("1", 4), ("2", 6)):
        scipy.io.wavfile.write(tmp_path / "a" / f"{name}.wav", 100, np.full(count, 16384, np.int16))
    return tmp_path


OPTIONS = [
    ({}, 6, [4, 6]),  # padded to the longest
    ({"output_sequence_length": 5}, 5, [4, 5]),
    ({"sampling_rate": 50}, 3, [2, 3]),
    ({"sampling_rate": 200, "output_sequence_length": 14}, 14, [8, 12]),
]


@pytest.mark.parametrize("options, length, filled", OPTIONS)
def test_batches(folder, options, length, filled):
    x, y = next(audio_of(folder, shuffle=False, verbose=False, **options).as_numpy_iterator())
    assert x.shape == (2, length, 1) and y.tolist() == [0, 0]
    for sound, count in zip(x, filled):
        np.testing.assert_allclose(sound[:count], 0.5, atol=1e-6)
        assert not sound[count:].any()


ERRORS = [
    ({"ragged": True}, "ragged arrays"),
    ({"ragged": True, "output_sequence_length": 3}, "Cannot set both"),
    ({"sampling_rate": 1.5}, "integer"),
    ({"sampling_rate": 0}, "higher than 0"),
]


@pytest.mark.parametrize("options, message", ERRORS)
def test_errors(folder, options, message):
    with pytest.raises(UserInputError, match=message):
        audio_of(folder, verbose=False, **options)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"nothing", "not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "without sound"),
        (
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"
            + struct.pack("<HHIIHH", 6, 1, 8, 8, 1, 8)
            + b"data\0\0\0\0",
            "kind 6",
        ),
    ],
)
def test_what_is_no_sound_is_named(tmp_path, content, message):
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(UserInputError, match=f"x.wav.*{message}"):
        list(audio_of(tmp_path, labels=None, verbose=False))
