"""Segments, Fourier transforms and other mathematics of `ops` against Keras and NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def pair(*shape):
    return normal(*shape), normal(*shape)


IDS = np.array([0, 2, 0, -1, 3])
ROWS = [
    ("segment_sum", (normal(5, 3), IDS, 4), {"batch": ()}),
    ("segment_max", (normal(5, 3), IDS, 4), {"batch": ()}),
    ("segment_min", (normal(5), IDS, 4), {"batch": ()}),
    ("segment_prod", (normal(5, 2, 2), np.sort(np.abs(IDS)), 5, True), {"grad": (), "batch": ()}),
    ("top_k", (normal(3, 6), 4), {}),
    ("in_top_k", (np.array([0, 3, 2]), normal(3, 4), 2), {"grad": (), "batch": (0, 1)}),
    ("logsumexp", (normal(2, 3, 4),), {"batch": ()}),
    ("logsumexp", (normal(2, 3, 4), (1, 2), True), {}),
    ("cdist", (normal(2, 3, 4), normal(2, 5, 4)), {"grad": (0, 1), "batch": (0, 1)}),
    ("extract_sequences", (normal(2, 3, 9), 4, 2), {}),
    ("rfft", (normal(2, 7),), {"low": False}),
    ("rfft", (normal(2, 7), 10), {"low": False}),
    ("stft", (normal(2, 40), 8, 3, 10), {"low": False}),
    ("stft", (normal(2, 40), 9, 4, 9, "hamming", False), {"low": False}),
    ("stft", (normal(40), 8, 8, 8, None), {"low": False, "batch": ()}),
    ("rsqrt", (np.abs(normal(2, 3)) + 0.1,), {}),
    ("erf", (normal(2, 3),), {}),
    ("erfc", (normal(2, 3),), {}),
    ("erfinv", (rng.uniform(-0.9, 0.9, (2, 3)).astype("float32"),), {}),
    ("logdet", (normal(2, 3, 3),), {"low": False}),
    ("view_as_complex", (normal(2, 3, 2),), {"grad": (), "low": False}),
    (
        "view_as_real",
        ((normal(2, 3) + 1j * normal(2, 3)).astype("complex64"),),
        {"grad": (), "low": False},
    ),
]


@pytest.mark.parametrize(
    ("name", "args", "options"), ROWS, ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)]
)
def test_an_op_equals_keras(contract, name, args, options):
    contract(name, *args, **options)


PAIRS = [
    ("fft", (), {}, (2, 8)),
    ("fft2", (), {}, (2, 4, 6)),
    ("ifft2", (), {}, (2, 4, 6)),
    ("irfft", (), {}, (2, 5)),
    ("irfft", (7,), {}, (2, 5)),
    ("istft", (8, 3, 10), {}, (2, 7, 6)),
    ("istft", (9, 4, 9), {"window": "hamming", "center": False, "length": 20}, (2, 7, 5)),
]


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "shape"), PAIRS, ids=[f"{i}-{r[0]}" for i, r in enumerate(PAIRS)]
)
def test_an_op_of_complex_pairs_equals_keras(keras, name, args, kwargs, shape):
    x = pair(*shape)
    mine, theirs = (
        getattr(ops, name)(x, *args, **kwargs),
        getattr(keras.ops, name)(x, *args, **kwargs),
    )
    for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    compiled = jax.jit(lambda x: getattr(ops, name)(x, *args, **kwargs))(x)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), mine, compiled
    )
    specs = []
    for module, kind in ((ops, KerasTensor), (keras.ops, keras.KerasTensor)):
        out = getattr(module, name)(
            (kind((None, *shape[1:])), kind((None, *shape[1:]))), *args, **kwargs
        )
        specs.append([t.shape for t in jax.tree.leaves(out)])
    assert specs[0] == specs[1]


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(
    ("window", "length", "stride", "fft_length"),
    [("hann", 8, 2, 8), ("hamming", 8, 4, 12), (None, 6, 6, 6), ("hann", 1, 1, 1)],
)
def test_istft_undoes_stft(window, length, stride, fft_length, center):
    x = normal(3, 60)
    frames = ops.stft(x, length, stride, fft_length, window, center)
    expected = np.pad(x, ((0, 0), (fft_length // 2,) * 2), mode="reflect") if center else x
    windows = np.lib.stride_tricks.sliding_window_view(expected, fft_length, axis=-1)[:, ::stride]
    taper = np.ones(length)
    if window is not None and length > 1:
        a = {"hann": 0.5, "hamming": 0.54}[window]
        taper = a - (1 - a) * np.cos(2 * np.pi * np.arange(length) / length)
    taper = np.pad(taper, ((fft_length - length) // 2, -(-(fft_length - length) // 2)))
    np.testing.assert_allclose(
        frames[0] + 1j * np.asarray(frames[1]), np.fft.rfft(windows * taper), rtol=1e-4, atol=1e-5
    )
    back = ops.istft(frames, length, stride, fft_length, window=window, center=center)
    inner = slice(fft_length, back.shape[-1] - fft_length)
    np.testing.assert_allclose(
        back[:, inner], x[:, : back.shape[-1]][:, inner], rtol=1e-4, atol=1e-5
    )


def test_the_lower_incomplete_gamma_function_equals_scipys():
    special = pytest.importorskip("scipy.special")
    a, x = np.abs(normal(2, 3)) + 0.1, np.abs(normal(3)) * 3
    np.testing.assert_allclose(ops.gammainc(a, x), special.gammainc(a, x), rtol=1e-4)


def test_view_as_real_undoes_view_as_complex():
    x = normal(3, 2)
    np.testing.assert_array_equal(ops.view_as_real(ops.view_as_complex(x)), x)


def test_a_signal_of_unknown_length_has_an_unknown_number_of_frames():
    x = KerasTensor((2, None))
    assert ops.extract_sequences(x, 4, 2).shape == (2, None, 4)
    assert ops.stft(x, 8, 2, 8)[0].shape == (2, None, 5)
    assert ops.rfft(x)[0].shape == (2, None)
    assert ops.istft(
        (KerasTensor((2, None, 5)), KerasTensor((2, None, 5))), 8, 2, 8, length=30
    ).shape == (2, 30)


def test_a_prediction_of_nan_or_an_id_out_of_range_is_not_in_the_top_k():
    x = np.array([[1.0, np.nan, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], "float32")
    np.testing.assert_array_equal(ops.in_top_k([1, -1, 3], x, 3), [False, False, False])


def test_segments_leave_out_minus_one_and_refuse_other_ids():
    data = jnp.arange(1.0, 5.0)
    np.testing.assert_array_equal(ops.segment_sum(data, [0, -1, 1, 1], 3), [1, 7, 0])
    for ids, words in (
        ([0, 1, 3, 3], r"\[0, 3\).*Received 3 at index 2"),
        ([0, -2, 1, 1], "Received -2 at index 1"),
    ):
        for op in (ops.segment_sum, ops.segment_max, ops.segment_min, ops.segment_prod):
            with pytest.raises(UserInputError, match=words):
                op(data, ids, 3)
    dropped = jax.jit(lambda ids: ops.segment_sum(data, ids, 3))(np.array([0, 7, 1, 1]))
    np.testing.assert_array_equal(dropped, [1, 7, 0])


ERRORS = [
    (lambda: ops.segment_sum([1.0, 2.0], [0, 1]), "`num_segments` must be set"),
    (lambda: ops.segment_sum([1.0, 2.0], [[0, 1]], 2), "should be an 1-D vector"),
    (
        lambda: ops.segment_sum([1.0, 2.0], [0, 1, 1], 2),
        r"same leading dimension. Got \(3,\) v.s. \(2,\)",
    ),
    (lambda: ops.top_k([1.0, 2.0], 3), r"k=3, x.shape=\(2,\)"),
    (lambda: ops.in_top_k([1, 2], normal(3, 4), 2), r"\(2,\) and \(3, 4\)"),
    (lambda: ops.cdist(normal(2, 3), normal(2, 4)), r"expected \(..., m, d\)"),
    (lambda: ops.fft(normal(2, 3)), "tuple of two tensors"),
    (lambda: ops.fft((normal(2), normal(3))), r"same shape.*\(2,\).*\(3,\)"),
    (lambda: ops.fft2((normal(2), normal(2))), "rank >= 2"),
    (lambda: ops.irfft((np.arange(3), np.arange(3))), "float dtype"),
    (lambda: ops.stft(normal(20), 8, 0, 8), "`sequence_stride` must be a positive integer"),
    (lambda: ops.stft(normal(20), 8, 2, 7), "`fft_length` must equal or larger"),
    (lambda: ops.stft(normal(20), 8, 2, 8, "kaiser"), "must be one of"),
    (lambda: ops.stft(normal(20), 8, 2, 8, np.ones(7)), "shape of `window` must be equal"),
    (lambda: ops.stft(normal(5), 8, 2, 8, center=False), "has no frame of fft_length=8"),
    (lambda: ops.view_as_complex(normal(2, 3)), "must be size 2"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_stft_refuses_other_dtypes():
    with pytest.raises(UserTypeError, match="`float32` or `float64`"):
        ops.stft(np.arange(20), 8, 2, 8)
