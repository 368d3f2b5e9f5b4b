import numpy as np
import pytest

from fkeras.data import pad_sequences
from fkeras.errors import UserInputError

A = [[1], [1, 2], [], [1, 2, 3]]

CASES = [
    {},
    {"maxlen": 2},
    {"maxlen": 5, "padding": "post"},
    {"maxlen": 2, "truncating": "post"},
    {"value": 7},
    {"dtype": "float32", "value": 0.5},
    {"maxlen": 1, "padding": "post", "truncating": "post", "dtype": "uint8"},
]


@pytest.mark.parametrize("options", CASES, ids=map(str, CASES))
@pytest.mark.parametrize(
    "sequences",
    [A, [[[1, 2]], [[1, 2], [3, 4]]], [np.array([1.0, 2.0]), [3]]],
    ids=["ints", "vectors", "arrays"],
)
def test_like_keras(sequences, options, keras):
    theirs, ours = (
        keras.utils.pad_sequences(sequences, **options),
        pad_sequences(sequences, **options),
    )
    assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def test_strings_of_any_length():
    assert pad_sequences([["a"], ["b", "long"]], dtype=object, value="").tolist() == [
        ["", "a"],
        ["b", "long"],
    ]


def test_nothing_to_pad():
    assert pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    "args, options, words",
    [
        ((5,), {}, "must be iterable"),
        (([[1], 2],), {}, "non-iterable: 2 at position 1"),
        ((A,), {"padding": "left"}, "Padding type 'left' not understood"),
        ((A,), {"truncating": "left"}, "Truncating type 'left' not understood"),
        ((A,), {"value": "pad"}, "`dtype` int32 is not compatible with `value`'s type"),
        (
            ([[[1, 2]], [[1]]],),
            {},
            r"Shape of sample \(1,\) of sequence at position 1 is different from expected shape "
            r"\(2,\)",
        ),
        (([[0.5]],), {}, "holds fractions, which dtype int32 would cut off"),
    ],
)
def test_what_cannot_be_padded(args, options, words):
    with pytest.raises(UserInputError, match=words):
        pad_sequences(*args, **options)
