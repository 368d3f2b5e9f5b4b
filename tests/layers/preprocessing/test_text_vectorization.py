"""`TextVectorization`: functions of the user's, chunks of texts, mistakes."""

import string

import numpy as np
import pandas as pd
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.preprocessing import text_vectorization

TEXTS = ["foo bar", "bar baz", "Baz, bada boom!"]
LEARNT = ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]


@pytest.mark.parametrize(
    "data",
    [
        TEXTS,
        [[text] for text in TEXTS],
        np.array(TEXTS),
        [text.encode() for text in TEXTS],
        pd.Series(TEXTS),
        fkeras.data.Dataset.from_tensor_slices(TEXTS),
        fkeras.data.Dataset.from_tensor_slices(TEXTS).batch(2),
        (texts for texts in (TEXTS[:1], TEXTS[1:])),
    ],
    ids=lambda data: type(data).__name__,
)
def test_it_adapts_to_whatever_holds_texts(data):
    layer = layers.TextVectorization()
    layer.adapt(data, batch_size=2)
    assert layer.get_vocabulary() == LEARNT
    assert layer.get_vocabulary(include_special_tokens=False) == LEARNT[2:]
    assert layer.vocabulary_size() == len(LEARNT)


def test_it_is_called_in_a_dataset():
    layer = layers.TextVectorization(vocabulary=["foo", "bar"], output_sequence_length=3)
    dataset = fkeras.data.Dataset.from_tensor_slices((TEXTS, [0, 1, 2])).batch(2)
    found = [x.tolist() for x, _ in dataset.map(lambda x, y: (layer(x), y)).as_numpy_iterator()]
    assert found == [[[2, 3, 0], [3, 1, 0]], [[1, 1, 1]]]


def test_steps_end_a_dataset():
    layer = layers.TextVectorization()
    layer.adapt(fkeras.data.Dataset.from_tensor_slices(TEXTS).batch(1).repeat(), steps=1)
    assert layer.get_vocabulary() == ["", "[UNK]", "foo", "bar"]


@pytest.mark.parametrize("mode", ["int", "count", "tf_idf", "one_hot"])
@pytest.mark.parametrize("ngrams", [None, 2])
def test_texts_are_worked_on_in_parts(monkeypatch, mode, ngrams):
    rng = np.random.default_rng(0)
    words = np.array(["a", "B", "é!", "dd", "", " ", "日本"])
    texts = [" ".join(rng.choice(words, n)) for n in rng.integers(0, 9, 200)]
    whole = layers.TextVectorization(output_mode=mode, ngrams=ngrams)
    whole.adapt(texts)
    outputs = whole(texts)
    monkeypatch.setattr(text_vectorization, "_CHUNK", 40)
    parts = layers.TextVectorization(output_mode=mode, ngrams=ngrams)
    parts.adapt(texts)
    assert parts.get_vocabulary() == whole.get_vocabulary()
    np.testing.assert_array_equal(parts(texts), outputs)


def plain(texts, index, length):
    """The same in plain Python, as far as texts are ASCII."""
    table = str.maketrans("", "", string.punctuation)
    rows = [text.lower().translate(table).split() for text in texts]
    return [([index.get(word, 1) for word in row] + [0] * length)[:length] for row in rows]


def test_many_texts_are_what_plain_python_makes_of_them():
    rng = np.random.default_rng(1)
    letters = np.array(list("abcDEF ,.'\t\n!  "))
    texts = ["".join(rng.choice(letters, n)) for n in rng.integers(0, 60, 500)]
    layer = layers.TextVectorization(max_tokens=300, output_sequence_length=9)
    layer.adapt(texts)
    index = {word: i for i, word in enumerate(layer.get_vocabulary())}
    assert layer(texts).tolist() == plain(texts, index, 9)


def test_one_hot_gives_a_vector_for_each_token():
    layer = layers.TextVectorization(output_mode="one_hot", vocabulary=["foo", "bar"])
    outputs = layer(["foo bar foo", "x"])
    expected = [[[0, 1, 0], [0, 0, 1], [0, 1, 0]], [[1, 0, 0], [0, 0, 0], [0, 0, 0]]]
    assert outputs.tolist() == expected


def test_no_texts_give_no_rows():
    layer = layers.TextVectorization(vocabulary=["foo"], output_sequence_length=3)
    assert layer(np.array([], object)).shape == (0, 3)
    layer = layers.TextVectorization(vocabulary=["foo"], output_mode="count")
    assert layer(np.array([], object)).shape == (0, 2)


# -- functions of the user's ---------------------------------------------------------


def test_a_function_that_makes_texts_plain_is_given_an_array_of_strings():
    seen = []

    def plain_text(texts):
        seen.append((type(texts), texts.dtype.kind))
        return np.char.replace(np.char.lower(texts), ",", "")

    layer = layers.TextVectorization(standardize=plain_text)
    layer.adapt(["Hello, ÄÖ."])
    assert sorted(layer.get_vocabulary()[2:]) == ["hello", "äö."]
    layer([b"hello"])
    assert seen == [(np.ndarray, "U")] * 2


@pytest.mark.parametrize(
    "split",
    [
        lambda texts: [text.split("|") for text in texts],
        lambda texts: np.array([text.split("|") for text in texts]),
        lambda texts: (np.array(text.encode().split(b"|")) for text in texts),
    ],
    ids=["lists", "an array", "arrays of bytes"],
)
def test_a_function_that_splits_texts_gives_rows_of_tokens(split):
    layer = layers.TextVectorization(
        standardize=None, split=split, vocabulary=["foo", "bar", "foobar"]
    )
    assert layer([["foo|bar"], ["x|foo"]]).tolist() == [[2, 3], [1, 2]]


def test_functions_of_scripts_with_tf_strings_do(monkeypatch):
    from fkeras.compat import standins

    tf = standins.tensorflow

    def standardize(text):
        text = tf.strings.regex_replace(tf.strings.lower(text), "<br />", " ")
        return tf.strings.regex_replace(text, "[!,]", "")

    layer = layers.TextVectorization(
        standardize=standardize, split=lambda text: tf.strings.split(text, sep=" ")
    )
    layer.adapt(["Foo<br />bar!", "foo, bar foo"])
    assert layer.get_vocabulary() == ["", "[UNK]", "foo", "bar"]


@fkeras.saving.register_keras_serializable(package="tests_of_texts")
def shout(texts):
    return np.strings.upper(texts)


def test_functions_are_in_the_config():
    layer = layers.TextVectorization(standardize=shout, split=None, ngrams=(1, 2), max_tokens=9)
    again = layers.deserialize(layers.serialize(layer))
    assert again.standardize is shout and again.ngrams == (1, 2)
    again.adapt(["a", "ä"])
    assert again.get_vocabulary() == ["", "[UNK]", "Ä", "A"]


# -- configs and files ---------------------------------------------------------------


def test_the_config_is_that_of_keras():
    layer = layers.TextVectorization(vocabulary=["a"], name="x")
    config = layer.get_config()
    assert set(config) == {
        *("name", "trainable", "dtype", "max_tokens", "standardize", "split", "ngrams"),
        *("output_mode", "output_sequence_length", "pad_to_max_tokens", "sparse", "ragged"),
        *("vocabulary", "idf_weights", "encoding", "vocabulary_size"),
    }
    assert config["vocabulary"] == ["a"] and config["vocabulary_size"] == 3
    assert layers.TextVectorization.from_config(config).get_config() == config


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_a_learnt_vocabulary_is_an_asset(tmp_path, mode):
    layer = layers.TextVectorization(output_mode=mode)
    layer.adapt(TEXTS)
    layer.save_assets(tmp_path)
    store = {}
    layer.save_own_variables(store)
    again = layers.TextVectorization.from_config(layer.get_config())
    assert again.compute_output_shape((None, 1))[0] is None  # before the vocabulary is there
    again.load_own_variables(store)
    again.load_assets(tmp_path)
    np.testing.assert_array_equal(again(TEXTS), layer(TEXTS))


# -- bad input -----------------------------------------------------------------------


MISTAKES = {
    "unknown standardize": (lambda: layers.TextVectorization(standardize="upper"), "'lower'"),
    "unknown split": (lambda: layers.TextVectorization(split="|"), "'character', None"),
    "unknown mode": (lambda: layers.TextVectorization(output_mode="hot"), "'tf_idf'"),
    "text as ngrams": (lambda: layers.TextVectorization(ngrams="2"), "`ngrams` must be"),
    "ngrams of 0": (lambda: layers.TextVectorization(ngrams=0), "`ngrams` must be"),
    "length of vectors": (
        lambda: layers.TextVectorization(output_mode="count", output_sequence_length=5),
        "must not be set if `output_mode` is not 'int'",
    ),
    "length of 0": (lambda: layers.TextVectorization(output_sequence_length=0), "1 or more"),
    "ragged": (lambda: layers.TextVectorization(ragged=True), "mask_zero=True"),
    "sparse": (lambda: layers.TextVectorization(sparse=True, output_mode="count"), "TensorFlow"),
    "max_tokens of 1": (lambda: layers.TextVectorization(max_tokens=1), "greater than 1"),
    "never adapted": (lambda: layers.TextVectorization()(["a"]), "has no vocabulary yet.*adapt"),
    "nothing to learn": (lambda: layers.TextVectorization().adapt(["...", " "]), "no token"),
    "adapt after all": (
        lambda: layers.TextVectorization(vocabulary=["a"]).adapt(["a"]),
        "made with a `vocabulary`",
    ),
    "several texts in a row": (
        lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]),
        r"last dimension must be 1.*\(1, 2\).*split=None",
    ),
    "several texts in a row, symbolic": (
        lambda: layers.TextVectorization()(fkeras.Input((2,), dtype="string")),
        "last dimension must be 1",
    ),
    "a missing text": (
        lambda: layers.TextVectorization(vocabulary=["a"])(pd.Series(["a", None])),
        r"1 of 2 strings are missing.*fillna\(''\)",
    ),
    "numbers": (lambda: layers.TextVectorization(vocabulary=["a"])([1, 2]), "takes strings"),
    "a standardize that loses texts": (
        lambda: layers.TextVectorization(standardize=lambda texts: texts[1:]).adapt(["a", "b"]),
        "given 2 and returned 1",
    ),
    "a split that does not split": (
        lambda: layers.TextVectorization(split=lambda texts: texts).adapt(["a", "b"]),
        "a list of tokens for each of the 2",
    ),
    "tokens one by one, of a length": (
        lambda: layers.TextVectorization(
            vocabulary=["a"], split=None, output_sequence_length=2
        )(["a", "b"]),
        "rows of tokens",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_errors_that_say_what_to_do(mistake):
    function, message = MISTAKES[mistake]
    with pytest.raises(UserInputError, match=f"(?s){message}"):
        function()


def test_vectors_of_no_vocabulary_have_no_shape():
    with pytest.raises(NotBuiltError, match="no vocabulary yet"):
        layers.TextVectorization(output_mode="count")(fkeras.Input((), dtype="string"))
