"""Spectrograms against SciPy and Keras; what stands in the contract table is not repeated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

import fkeras
from fkeras import layers

SIGNAL = np.random.default_rng(0).normal(size=(2, 200)).astype("float32")


def test_the_transform_is_scipys():
    layer = layers.STFTSpectrogram(
        "stft", frame_length=16, frame_step=4, scaling="spectrum", periodic=True, expand_dims=True
    )
    real, imag = np.split(np.asarray(layer(SIGNAL[..., None]))[..., 0], 2, axis=-1)
    window = scipy.signal.get_window("hann", 16, fftbins=True)
    frames = np.lib.stride_tricks.sliding_window_view(SIGNAL, 16, axis=-1)[:, ::4]
    expected = np.fft.rfft(frames * window) / window.sum()
    np.testing.assert_allclose(real + 1j * imag, expected, atol=1e-5)


@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_the_power_density_is_that_of_scipys_spectrogram(scaling):
    layer = layers.STFTSpectrogram(
        "psd", frame_length=32, frame_step=8, scaling=scaling, periodic=True
    )
    _, _, expected = scipy.signal.spectrogram(
        SIGNAL, window="hann", nperseg=32, noverlap=24, detrend=False, scaling=scaling
    )  # (batch, frequencies, frames)
    np.testing.assert_allclose(
        layer(SIGNAL[..., None]), np.swapaxes(expected, 1, 2), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("mode", ["log", "magnitude", "real", "angle"])
def test_modes_are_kerass(keras, mode):
    options = {"mode": mode, "frame_length": 20, "frame_step": 5, "window": "hamming"}
    ours = np.asarray(layers.STFTSpectrogram(**options)(SIGNAL[..., None]))
    theirs = np.asarray(keras.layers.STFTSpectrogram(**options)(SIGNAL[..., None]))
    if mode == "angle":  # pi and -pi are one angle
        ours, theirs = np.exp(1j * ours), np.exp(1j * theirs)
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


def test_kernels_train_unless_they_are_frozen():
    model = fkeras.Sequential([fkeras.Input((64, 1)), layers.STFTSpectrogram(frame_length=16)])
    assert [w.name for w in model.trainable_weights] == ["real_kernel", "imag_kernel"]
    model.layers[0].trainable = False
    assert model.trainable_weights == [] and len(model.weights) == 2
    silent = layers.STFTSpectrogram("log", frame_length=16)
    gradient = jax.grad(lambda x: silent(x).sum())(jnp.zeros((1, 64, 1)))
    assert np.isfinite(gradient).all()


def test_spectrograms_travel_in_files(keras, tmp_path):
    model = fkeras.Sequential([fkeras.Input((200, 1)), layers.STFTSpectrogram(frame_length=16)])
    path = str(tmp_path / "model.keras")
    model.save(path)
    expected = model.predict(SIGNAL[..., None], verbose=0)
    for library in (fkeras, keras):
        again = library.saving.load_model(path)
        np.testing.assert_allclose(again.predict(SIGNAL[..., None], verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mag_exp": 1.0, "window": "hamming", "max_freq": 300.0, "top_db": 20.0},
        {"sequence_length": 20, "window": None, "ref_power": 0.5, "min_freq": 50.0},
    ],
    ids=["defaults", "magnitude", "reference"],
)
def test_mel_spectrograms_are_kerass(keras, options):
    options = {
        "fft_length": 32, "sequence_stride": 8, "num_mel_bins": 6, "sampling_rate": 1000, **options
    }  # fmt: skip
    ours, theirs = layers.MelSpectrogram(**options), keras.layers.MelSpectrogram(**options)
    for signal in (SIGNAL, SIGNAL[0]):
        np.testing.assert_allclose(ours(signal), theirs(signal), rtol=1e-4, atol=1e-4)
    assert ours.compute_output_shape((None, 200)) == (None, 6, 26)
    assert layers.MelSpectrogram.from_config(ours.get_config()).get_config() == ours.get_config()
    matrix = {"num_mel_bins": 7, "num_spectrogram_bins": 33, "sampling_rate": 4000}
    matrix |= {"lower_edge_hertz": 60.0, "upper_edge_hertz": 1500.0}
    np.testing.assert_allclose(
        ours.linear_to_mel_weight_matrix(**matrix),
        theirs.linear_to_mel_weight_matrix(**matrix),
        atol=1e-5,
    )


def test_a_tone_is_loudest_in_its_band():
    rate, tone = 8000, 1000.0
    layer = layers.MelSpectrogram(256, 64, sampling_rate=rate, num_mel_bins=20)
    levels = np.asarray(layer(np.sin(2 * np.pi * tone * np.arange(2048) / rate)))
    mel = lambda f: 2595 * np.log10(1 + f / 700)  # of HTK
    edges = np.linspace(mel(20.0), mel(rate / 2), 22)
    nearest = np.argmin(np.abs(edges[1:-1] - mel(tone)))
    assert (levels[:, 5:-5].argmax(0) == nearest).all()
    assert levels.max() - levels.min() <= 80.0 + 1e-4
    traced = jax.jit(lambda x: layer(x))(jnp.asarray(SIGNAL))
    np.testing.assert_allclose(traced, layer(SIGNAL), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.STFTSpectrogram("loud"), "mode='loud'"),
        (lambda: layers.STFTSpectrogram(scaling="volume"), "scaling='volume'"),
        (lambda: layers.STFTSpectrogram(padding="causal"), "padding='causal'"),
        (lambda: layers.STFTSpectrogram(window="no_window"), "no_window"),
        (lambda: layers.STFTSpectrogram(frame_length=0), "`frame_length`"),
        (lambda: layers.STFTSpectrogram(frame_length=8, frame_step=9), "`frame_step`"),
        (lambda: layers.STFTSpectrogram(frame_length=8, fft_length=4), "`fft_length`"),
        (lambda: layers.STFTSpectrogram()(np.ones((1, 300, 1), "int32")), "input type=int32"),
        (lambda: layers.STFTSpectrogram()(np.ones((1, 300))), "ndim=3"),
        (lambda: layers.MelSpectrogram(256, sequence_length=512), "`fft_length` must be greater"),
        (lambda: layers.MelSpectrogram(min_freq=100.0, max_freq=50.0), "`min_freq`"),
        (lambda: layers.MelSpectrogram(num_mel_bins=0), "`num_mel_bins`"),
        (lambda: layers.MelSpectrogram(min_power=0.0), "`min_power`"),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_an_unusual_length_is_told():
    with pytest.warns(UserWarning, match="power of two"):
        layers.STFTSpectrogram(frame_length=8, fft_length=12)
