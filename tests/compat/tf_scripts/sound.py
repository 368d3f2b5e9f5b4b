# Spectrograms, in the manner of "simple audio recognition"
import numpy as np
import tensorflow as tf

wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2000) / 8000)
encoded = tf.audio.encode_wav(wave[:, np.newaxis].astype("float32"), 8000)
audio, rate = tf.audio.decode_wav(contents=encoded)
waveform = tf.squeeze(audio, axis=-1)
assert rate.numpy() == 8000


def get_spectrogram(waveform):
    padding = tf.zeros([2400] - tf.shape(waveform), dtype=tf.float32)
    equal_length = tf.concat([tf.cast(waveform, dtype=tf.float32), padding], 0)
    spectrogram = tf.signal.stft(equal_length, frame_length=255, frame_step=128)
    return tf.abs(spectrogram)[..., tf.newaxis]


spectrogram = get_spectrogram(waveform)
assert spectrogram.shape == (17, 129, 1)
loudest = tf.argmax(tf.reduce_mean(spectrogram[:10, :, 0], axis=0)).numpy()
assert abs(loudest * 8000 / 256 - 440) < 32
mel = tf.signal.linear_to_mel_weight_matrix(20, 129, 8000, 80.0, 3800.0)
features = tf.signal.mfccs_from_log_mel_spectrograms(
    tf.math.log(tf.tensordot(spectrogram[..., 0], mel, 1) + 1e-6)
)
assert features.shape == (17, 20) and np.isfinite(features.numpy()).all()
