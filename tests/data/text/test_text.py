"""Words as numbers: Keras's own."""

import importlib
import json

import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError, UserTypeError

ours = fkeras.preprocessing.text
TEXTS = [
    "The cat sat, on the mat!",
    "a dog; the DOG\tand a cat",
    ["Already", "split", "the"],
    "",
    "naïve straße  the end",
]


@pytest.fixture(scope="module")
def theirs(keras):
    return importlib.import_module("keras.src.legacy.preprocessing.text")


@pytest.mark.parametrize(
    "arguments",
    [{}, {"lower": False}, {"filters": "at"}, {"split": "a"}, {"split": ", ", "filters": ""}],
)
def test_words_of_a_text(theirs, arguments):
    for text in TEXTS[:2] + TEXTS[3:]:
        words = ours.text_to_word_sequence(text, **arguments)
        assert words == theirs.text_to_word_sequence(text, **arguments)
        assert ours.hashing_trick(text, 9, "md5", **arguments) == theirs.hashing_trick(
            text, 9, "md5", **arguments
        )
        assert ours.one_hot(text, 9, **arguments) == theirs.one_hot(text, 9, **arguments)


def test_hashes_of_ones_own():
    numbers = ours.hashing_trick("aa b", 5, hash_function=len, analyzer=lambda text: text.split())
    assert numbers == [3, 2]


TOKENIZERS = [
    {},
    {"num_words": 4},
    {"num_words": 4, "oov_token": "<unk>"},
    {"oov_token": "<unk>", "lower": False},
    {"char_level": True, "num_words": 6},
    {"analyzer": lambda text: text.split("a")},
    {"filters": "", "split": ","},
]


@pytest.mark.parametrize("arguments", TOKENIZERS, ids=str)
def test_tokenizers(theirs, arguments):
    mine, other = (module.Tokenizer(**arguments) for module in (ours, theirs))
    for tokenizer in (mine, other):
        tokenizer.fit_on_texts(TEXTS[:2])
        tokenizer.fit_on_texts(TEXTS[2:])
    names = ("word_index", "index_word", "word_counts", "document_count", "word_docs", "index_docs")
    for name in names:
        assert getattr(mine, name) == getattr(other, name)
    assert list(mine.word_index) == list(other.word_index)
    sequences = mine.texts_to_sequences(["the cat and the zebra", *TEXTS])
    assert sequences == other.texts_to_sequences(["the cat and the zebra", *TEXTS])
    assert mine.sequences_to_texts([[1, 2, 99, 5]]) == other.sequences_to_texts([[1, 2, 99, 5]])
    for mode in ("binary", "count", "freq", "tfidf"):
        np.testing.assert_array_equal(
            mine.texts_to_matrix(TEXTS, mode), other.texts_to_matrix(TEXTS, mode)
        )
    written, expected = (json.loads(tokenizer.to_json()) for tokenizer in (mine, other))
    for name in ("word_docs", "index_docs"):  # in the order of a set, in Keras
        assert json.loads(written["config"].pop(name)) == json.loads(expected["config"].pop(name))
    assert written == expected
    for text in (mine.to_json(), other.to_json()):
        read = ours.tokenizer_from_json(text)
        if "analyzer" not in arguments:
            assert read.texts_to_sequences(TEXTS) == mine.texts_to_sequences(TEXTS)
        assert all(getattr(read, name) == getattr(mine, name) for name in names)


def test_numbers_alone_are_counted(theirs):
    results = []
    for module in (ours, theirs):
        tokenizer = module.Tokenizer(num_words=5)
        tokenizer.fit_on_sequences([[1, 2, 2], [2, 4]])
        results.append(tokenizer.sequences_to_matrix([[1, 2, 2, 9], []], mode="tfidf"))
    np.testing.assert_array_equal(*results)


def test_former_names_and_one_string():
    with pytest.warns(UserWarning, match="num_words"):
        assert ours.Tokenizer(nb_words=3).num_words == 3
    with pytest.warns(UserWarning, match="each of its characters"):
        ours.Tokenizer().fit_on_texts("abc")
    tokenizer = ours.Tokenizer(char_level=True)
    tokenizer.fit_on_texts("abca")
    assert tokenizer.word_index["a"] == 1


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda t: ours.Tokenizer(words=3), UserTypeError, "Unrecognized"),
        (lambda t: t.fit_on_texts([float("nan")]), UserTypeError, "fillna"),
        (lambda t: t.texts_to_matrix(["a"]), UserInputError, "Specify a dimension"),
        (lambda t: t.texts_to_matrix(["a"], "tfid"), UserInputError, "Did you mean 'tfidf'"),
        (
            lambda t: ours.Tokenizer(num_words=3).sequences_to_matrix([[1]], "tfidf"),
            UserInputError,
            "Fit the Tokenizer",
        ),
    ],
)
def test_wrong_uses(call, error, said):
    with pytest.raises(error, match=said):
        call(ours.Tokenizer())
