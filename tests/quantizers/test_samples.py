"""Samples for calibration, from texts, ids and floats."""

import types

import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError, UserTypeError
from fkeras.quantizers.samples import samples_of


def samples(dataset, tokenizer=None, count=3, length=4):
    return samples_of(
        fkeras.quantizers.GPTQConfig(dataset, tokenizer, num_samples=count, sequence_length=length)
    )


def letters(text):
    return [ord(letter) - ord("a") for letter in text]


TOKENIZERS = {
    "function": letters,
    "keras": types.SimpleNamespace(tokenize=letters),
    "mapping": lambda text: {"input_ids": letters(text)},
    "hugging_face": type(
        "Tokenizer",
        (),
        {
            "tokenize": lambda self, text: list(text),
            "__call__": lambda self, text: {"input_ids": letters(text)},
        },
    )(),
}


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
def test_texts_are_cut_into_windows_of_tokens(tokenizer):
    found = samples(["abcdef", "ghijkl"], tokenizer)
    assert found.dtype == "int32"
    np.testing.assert_array_equal(found, [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])


def test_ids_need_no_tokenizer_and_are_repeated_where_there_are_few():
    found = samples(iter([np.array([[0, 1, 2]]), np.array([3, 4])]), count=2)
    np.testing.assert_array_equal(found, [[0, 1, 2, 3], [3, 4, 0, 1]])
    assert samples(np.arange(100).reshape(10, 10), count=5, length=7).shape == (5, 7)
    np.testing.assert_array_equal(samples([np.arange(4)], count=1), [[0, 1, 2, 3]])


def test_floats_are_inputs_as_they_are():
    found = samples([np.ones((2, 5, 3)), np.zeros((4, 5, 3))], count=3)
    np.testing.assert_array_equal(found[:, 0, 0], [1, 1, 0])
    assert found.shape == (3, 5, 3)


@pytest.mark.parametrize(
    "dataset, tokenizer, error, message",
    [
        (None, None, UserTypeError, "must be an iterable.*NoneType"),
        ("a text", letters, UserTypeError, "must be an iterable.*str"),
        ([], letters, UserInputError, "Provided dataset is empty"),
        (["a"], None, UserInputError, "so that the config needs a `tokenizer`.*none"),
        (["a"], list, UserInputError, "so that the config needs a `tokenizer`.*<U1 from"),
        ([np.zeros(0, int)], None, UserInputError, "`dataset` has no tokens"),
        ([np.ones((1, 2)), np.ones((1, 3))], None, UserInputError, "differ in their first axis"),
        ([np.full((1, 2), np.nan)], None, UserInputError, "inputs with NaN or infinity"),
    ],
    ids=["none", "text", "empty", "tokenizer", "strings", "tokens", "shapes", "nan"],
)
def test_mistakes_are_named(dataset, tokenizer, error, message):
    with pytest.raises(error, match=message):
        samples(dataset, tokenizer)
