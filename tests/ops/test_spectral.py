"""Fourier transforms against `numpy.fft`, and what undoes what."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def as_complex(pair):
    return np.asarray(pair[0]) + 1j * np.asarray(pair[1])


TRANSFORMS = [
    ("fft", np.fft.fft, (7,)),
    ("fft", np.fft.fft, (2, 3, 8)),
    ("fft2", np.fft.fft2, (4, 5)),
    ("fft2", np.fft.fft2, (2, 6, 3)),
    ("ifft2", np.fft.ifft2, (2, 4, 5)),
]


@pytest.mark.parametrize(("name", "reference", "shape"), TRANSFORMS)
def test_a_transform_of_a_pair_is_numpys_of_the_complex_array(name, reference, shape):
    pair = normal(*shape), normal(*shape)
    out = getattr(ops, name)(pair)
    assert [part.dtype for part in out] == ["float32", "float32"]
    np.testing.assert_allclose(as_complex(out), reference(as_complex(pair)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("length", [None, 4, 12])
@pytest.mark.parametrize("size", [8, 9])
def test_real_transforms_cut_and_pad_as_numpys(size, length):
    x = normal(2, size)
    out = ops.rfft(x, length)
    np.testing.assert_allclose(as_complex(out), np.fft.rfft(x, length), rtol=1e-4, atol=1e-4)
    used = size if length is None else length
    expected = np.fft.irfft(as_complex(out), used)
    np.testing.assert_allclose(ops.irfft(out, used), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [6, 7])
def test_inverses_give_the_signal_back(size):
    x = normal(3, size)
    np.testing.assert_allclose(ops.irfft(ops.rfft(x), size), x, rtol=1e-4, atol=1e-5)
    pair = normal(2, 4, size), normal(2, 4, size)
    for part, back in zip(pair, ops.ifft2(ops.fft2(pair)), strict=True):
        np.testing.assert_allclose(back, part, rtol=1e-4, atol=1e-5)


def test_the_energy_of_a_signal_is_that_of_its_frequencies():
    real, imag = normal(16), normal(16)
    re, im = ops.fft((real, imag))
    energy = np.sum(real**2 + imag**2)
    np.testing.assert_allclose(jnp.sum(re**2 + im**2) / 16, energy, rtol=1e-5)
    gradient = jax.grad(lambda x: sum(jnp.sum(p**2) for p in ops.fft((x, imag))) / 16)(real)
    np.testing.assert_allclose(gradient, 2 * real, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [None, 24, 30, 50])
@pytest.mark.parametrize("window", ["hann", "hamming", None])
def test_istft_has_the_length_that_was_asked_for(window, length):
    x = normal(40)
    frames = ops.stft(x, 8, 2, 8, window)
    back = ops.istft(frames, 8, 2, 8, length=length, window=window)
    assert back.shape == (40 if length is None else min(length, 44),)
    if window is not None:
        shared = min(len(back), 36)
        np.testing.assert_allclose(back[4:shared], x[4:shared], rtol=1e-3, atol=1e-4)


def test_a_window_of_ones_is_no_window_but_is_divided_by():
    x = normal(30)
    ones = np.ones(6, "float32")
    for a, b in zip(ops.stft(x, 6, 3, 6, ones), ops.stft(x, 6, 3, 6, None), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    back = ops.istft(ops.stft(x, 6, 3, 6, ones), 6, 3, 6, window=ones)
    np.testing.assert_allclose(back[:27], x[:27], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "length", "stride", "starts"),
    [(9, 4, 2, [0, 2, 4]), (9, 9, 1, [0]), (9, 2, 5, [0, 5]), (3, 4, 1, [])],
)
def test_frames_are_slices_of_the_signal(size, length, stride, starts):
    x = np.arange(2 * size).reshape(2, size)
    frames = ops.extract_sequences(x, length, stride)
    expected = [[row[s : s + length] for s in starts] for row in x]
    np.testing.assert_array_equal(frames, np.reshape(expected, (2, len(starts), length)))
    assert ops.extract_sequences(KerasTensor(x.shape), length, stride).shape == frames.shape


def test_a_float64_signal_is_transformed_in_float64():
    with jax.enable_x64(True):
        x = rng.normal(size=20)
        real, imag = ops.stft(x, 8, 4, 8)
        assert real.dtype == imag.dtype == "float64"
        np.testing.assert_allclose(
            ops.istft((real, imag), 8, 4, 8)[4:16], x[4:16], rtol=1e-10, atol=1e-12
        )
