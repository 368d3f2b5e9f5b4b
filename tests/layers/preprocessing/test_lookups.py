"""`StringLookup` and `IntegerLookup`: what they learn, refuse, and keep."""

import collections
import pathlib

import numpy as np
import pandas as pd
import pytest

import fkeras
from fkeras import layers
from fkeras.core.config import scopes
from fkeras.errors import CorruptFileError, NotBuiltError, UnsafeFileError, UserInputError

WORDS = ["b", "a", "b", "c", "c", "é", "z", "Z"]
LEARNT = ["[UNK]", "c", "b", "é", "z", "a", "Z"]


def batches():
    yield WORDS[:3]
    yield np.array(WORDS[3:])


class Batches(fkeras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return list(batches())[index]


@pytest.mark.parametrize(
    "data",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, object),
        [word.encode() for word in WORDS],
        np.array([word.encode() for word in WORDS]),
        [WORDS[:4], WORDS[4:]],
        pd.Series(WORDS),
        pd.Series(WORDS, dtype="category"),
        pd.DataFrame({"x": WORDS}),
        fkeras.data.Dataset.from_tensor_slices(WORDS),
        fkeras.data.Dataset.from_tensor_slices(WORDS).batch(3),
    ],
    ids=lambda data: type(data).__name__,
)
def test_it_adapts_to_whatever_holds_strings(data):
    layer = layers.StringLookup()
    layer.adapt(data)
    assert layer.get_vocabulary() == LEARNT
    assert layer.get_vocabulary(include_special_tokens=False) == LEARNT[1:]
    assert layer.vocabulary_size() == len(LEARNT)
    assert layer(["c", "Z", "?"]).tolist() == [1, 6, 0]


@pytest.mark.parametrize("make", [batches, Batches], ids=["generator", "PyDataset"])
def test_it_adapts_to_batches_that_come(make):
    layer = layers.StringLookup()
    layer.adapt(make())
    assert layer.get_vocabulary() == LEARNT


def test_values_that_come_one_by_one_are_documents_each():
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt(iter([*"abb", ["a", "c"], "c"]))
    assert layer.get_vocabulary() == ["[UNK]", "c", "b", "a"]
    np.testing.assert_allclose(layer.idf_weights[1:], np.log(1 + 5 / (1 + np.array([2, 2, 2]))))
    ids = layers.IntegerLookup()
    ids.adapt(fkeras.data.Dataset.range(3).repeat(2))
    assert ids.get_vocabulary() == [-1, 2, 1, 0]


def test_steps_end_a_dataset_that_does_not():
    endless = fkeras.data.Dataset.from_tensor_slices(WORDS).batch(2).repeat()
    layer = layers.StringLookup()
    with pytest.raises(UserInputError, match=r"without an end.*steps="):
        layer.adapt(endless)
    layer.adapt(endless, steps=1)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]


def test_batches_with_targets_are_an_error_that_says_how_to_leave_them_out():
    dataset = fkeras.data.Dataset.from_tensor_slices((WORDS, np.arange(8))).batch(2)
    with pytest.raises(UserInputError, match=r"dataset\.map\(lambda x, y: x\)"):
        layers.StringLookup().adapt(dataset)
    layer = layers.StringLookup()
    layer.adapt(dataset.map(lambda x, y: x))
    assert layer.get_vocabulary() == LEARNT


def test_batches_one_by_one_give_what_all_at_once_give():
    layer = layers.StringLookup(output_mode="tf_idf")
    documents = [["a", "b"], ["b", "b"], ["c", "a"]]
    layer.adapt(documents)
    again = layers.StringLookup(output_mode="tf_idf")
    again.reset_state()
    again.update_state(documents[:2])
    again.update_state(documents[2])
    again.finalize_state()
    assert again.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_array_equal(again.idf_weights, layer.idf_weights)
    expected = np.log(1 + 3 / (1 + np.array([2, 2, 1])))
    np.testing.assert_allclose(layer.idf_weights, [expected.mean(), *expected], rtol=1e-6)


def test_a_second_adapt_begins_anew():
    layer = layers.StringLookup()
    layer.adapt(["a", "a", "b"])
    layer.adapt(["c"])
    assert layer.get_vocabulary() == ["[UNK]", "c"]


def test_a_large_vocabulary_finds_each_of_its_words():
    rng = np.random.default_rng(0)
    alphabet = np.array(list("abcé日"))
    words = {"".join(rng.choice(alphabet, n)) for n in rng.integers(0, 40, 5000)}
    words = sorted(words)
    layer = layers.StringLookup(vocabulary=words[::2])
    numbers = dict(zip(words[::2], range(1, len(words))))
    assert layer(words).tolist() == [numbers.get(word, 0) for word in words]


def test_ids_of_64_bits_are_found():
    ids = np.unique(np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 1000))
    layer = layers.IntegerLookup(vocabulary=ids[::2])
    numbers = dict(zip(ids[::2].tolist(), range(1, 1001)))
    assert layer(ids).tolist() == [numbers.get(i, 0) for i in ids.tolist()]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", "bool", "float64"])
def test_whole_numbers_of_any_dtype_are_looked_up(dtype):
    layer = layers.IntegerLookup(vocabulary=[1, 0])
    assert layer(np.array([0, 1], dtype)).tolist() == [2, 1]


def test_columns_of_pandas_are_looked_up():
    frame = pd.DataFrame({"city": ["Oslo", "Rome", "?"], "id": [7, 9, 8]})
    assert layers.StringLookup(vocabulary=["Oslo", "Rome"])(frame["city"]).tolist() == [1, 2, 0]
    assert layers.IntegerLookup(vocabulary=[7, 9])(frame["id"]).tolist() == [1, 2, 0]
    nullable = frame["id"].astype("Int64")
    assert layers.IntegerLookup(vocabulary=[7, 9])(nullable).tolist() == [1, 2, 0]


def test_a_vocabulary_file_of_the_users_is_read(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("a\r\né\r\n b \r\n".encode())
    for given in (path, str(path)):
        layer = layers.StringLookup(vocabulary=given)
        assert layer.get_vocabulary() == ["[UNK]", "a", "é", " b "]
        assert layer.get_config()["vocabulary"] is None
    path.write_text("4\n-5\n")
    assert layers.IntegerLookup(vocabulary=path)([4, -5, 0]).tolist() == [1, 2, 0]


def test_a_subclass_of_str_and_numpy_strings_are_strings():
    layer = layers.StringLookup(vocabulary=np.array(["a", "b"]))
    assert layer([np.str_("b"), "a"]).tolist() == [2, 1]


def test_strings_of_other_encodings_are_read_by_their_name():
    layer = layers.StringLookup(vocabulary=["é"], encoding="latin-1")
    assert layer(["é".encode("latin-1"), "é"]).tolist() == [1, 1]
    with pytest.raises(UserInputError, match="no text in utf-8"):
        layers.StringLookup(vocabulary=["é"])(["é".encode("latin-1")])


def test_the_number_of_unknown_strings_follows_from_the_salt():
    unknown = [f"word {i}" for i in range(50)]
    found = [
        layers.StringLookup(vocabulary=["a"], num_oov_indices=7, salt=salt)(unknown).tolist()
        for salt in (None, 3, [3, 3], [3, 4])
    ]
    assert found[1] == found[2]
    assert len({tuple(numbers) for numbers in found}) == 3
    assert all(0 <= number < 7 for numbers in found for number in numbers)


def test_farmhash_spreads_ids_with_a_common_factor():
    ids = np.arange(0, 4000, 4)
    layer = layers.IntegerLookup(vocabulary=[1], num_oov_indices=4)
    assert set(layer(ids).tolist()) == {0}
    layer = layers.IntegerLookup(vocabulary=[1], num_oov_indices=4, oov_method="farmhash")
    counts = collections.Counter(layer(ids).tolist())
    assert len(counts) == 4 and min(counts.values()) > 200
    same_as_words = layers.StringLookup(vocabulary=["x"], num_oov_indices=4)
    assert layer(ids).tolist() == same_as_words(ids.astype(str)).tolist()
    salted = layers.IntegerLookup(
        vocabulary=[1], num_oov_indices=4, oov_method="farmhash", salt=[1, 2]
    )
    assert salted(ids).tolist() != layer(ids).tolist()


# -- configs and files ---------------------------------------------------------------


def test_the_config_is_that_of_keras():
    ours = layers.StringLookup(vocabulary=["a"], mask_token="", name="x").get_config()
    class_config = {"class_name": "StringLookup", "module": "keras.layers", "config": ours}
    assert layers.deserialize({**class_config, "registered_name": None}).get_config() == ours
    assert set(ours) == {
        *("name", "trainable", "dtype", "invert", "max_tokens", "num_oov_indices", "oov_token"),
        *("mask_token", "output_mode", "sparse", "pad_to_max_tokens", "idf_weights", "vocabulary"),
        *("vocabulary_size", "encoding", "oov_method", "salt"),
    }


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
@pytest.mark.parametrize("mask_token", [None, ""])
def test_a_learnt_vocabulary_is_an_asset(tmp_path, mode, mask_token):
    layer = layers.StringLookup(output_mode=mode, mask_token=mask_token)
    layer.adapt([["a", "b"], ["b", "é"]])
    layer.save_assets(tmp_path)
    lines = (tmp_path / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    assert lines == layer.get_vocabulary()
    store = {}
    layer.save_own_variables(store)
    assert list(store) == (["idf_weights"] if mode == "tf_idf" else [])
    again = layers.StringLookup.from_config(layer.get_config())
    again.load_own_variables(store)
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == layer.get_vocabulary()
    inputs = [["b", "x"], ["", "é"]]
    np.testing.assert_array_equal(again(inputs), layer(inputs))


def test_padded_weights_come_back(tmp_path):
    layer = layers.StringLookup(output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True)
    layer.adapt([["a", "b"], ["b", "é"]])
    layer.save_assets(tmp_path)
    again = layers.StringLookup.from_config(layer.get_config())
    again.load_assets(tmp_path)
    np.testing.assert_array_equal(again([["b", "x"]]), layer([["b", "x"]]))


def test_tokens_with_line_breaks_and_empty_ones_come_back(tmp_path):
    words = ["a\nb", "\n", "\r", "x\u2028y", "\x85", "c", ""]
    layer = layers.StringLookup()
    layer.adapt(words)
    layer.save_assets(tmp_path)
    again = layers.StringLookup.from_config(layer.get_config())
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == layer.get_vocabulary()
    only_empty = layers.StringLookup()
    only_empty.adapt(["", "a", "a"])
    only_empty.save_assets(tmp_path / "..")
    again = layers.StringLookup.from_config(only_empty.get_config())
    again.load_assets(tmp_path / "..")
    assert again.get_vocabulary() == ["[UNK]", "a", ""]


def test_a_vocabulary_file_of_another_size_than_the_config_says_is_an_error(tmp_path):
    layer = layers.IntegerLookup()
    layer.adapt([1, 2, 3])
    layer.save_assets(tmp_path)
    (tmp_path / "vocabulary.txt").write_text("-1\n3\n2")
    with pytest.raises(CorruptFileError, match=r"has 3 tokens.*says 4"):
        layers.IntegerLookup.from_config(layer.get_config()).load_assets(tmp_path)
    (tmp_path / "vocabulary.txt").write_text("-1\n3\n2\nx")
    with pytest.raises(CorruptFileError, match="no integer"):
        layers.IntegerLookup.from_config(layer.get_config()).load_assets(tmp_path)


@pytest.mark.parametrize(
    "kind", [layers.StringLookup, layers.IntegerLookup, layers.TextVectorization]
)
def test_a_config_that_names_a_file_is_refused(tmp_path, kind):
    path = tmp_path / "secret.txt"
    path.write_text("1\n2\n")
    config = {**kind().get_config(), "vocabulary": str(path)}
    with pytest.raises(UnsafeFileError, match="names a vocabulary file"):
        kind.from_config(dict(config))
    with scopes.SafeModeScope(False):
        assert kind.from_config(dict(config)).vocabulary_size() >= 3


@pytest.mark.parametrize("kind", [layers.StringLookup, layers.TextVectorization])
def test_what_copies_in_memory_tell_is_no_argument_of_a_config(kind):
    with pytest.raises(UserInputError, match="learnt"):
        kind.from_config({**kind().get_config(), "learnt": [["a", "a"], None]})


def test_a_layer_that_was_never_adapted_comes_back_without_a_vocabulary(tmp_path):
    layer = layers.StringLookup(mask_token="")
    layer.save_assets(tmp_path)
    again = layers.StringLookup.from_config(layer.get_config())
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == ["", "[UNK]"]
    with pytest.raises(NotBuiltError, match="no vocabulary yet"):
        again(["a"])


# -- bad input -----------------------------------------------------------------------


MISTAKES = {
    "max_tokens of 1": (lambda: layers.StringLookup(max_tokens=1), "greater than 1"),
    "padding without max_tokens": (
        lambda: layers.StringLookup(pad_to_max_tokens=True, output_mode="count"),
        "needs `max_tokens`",
    ),
    "negative places": (lambda: layers.StringLookup(num_oov_indices=-1), "0 or more"),
    "unknown mode": (lambda: layers.StringLookup(output_mode="hot"), "'multi_hot'"),
    "sparse": (lambda: layers.StringLookup(sparse=True, output_mode="count"), "TensorFlow"),
    "vectors backwards": (
        lambda: layers.StringLookup(invert=True, output_mode="count"),
        "must be 'int'",
    ),
    "backwards without a name": (
        lambda: layers.StringLookup(invert=True, oov_token=None),
        "`oov_token`",
    ),
    "weights in another mode": (
        lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]),
        "belong to `output_mode='tf_idf'`",
    ),
    "no weights": (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
        "weight of each token",
    ),
    "other number of weights": (
        lambda: layers.StringLookup(vocabulary=["a", "b"], idf_weights=[1.0], output_mode="tf_idf"),
        r"each of the 2 tokens.*\(1,\)",
    ),
    "token twice": (
        lambda: layers.StringLookup(vocabulary=["a", "b", "a"]),
        "repeated term: 'a'",
    ),
    "mask token elsewhere": (
        lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""),
        "reserved mask token '' at an unexpected place in the vocabulary, index 1",
    ),
    "unknown token elsewhere": (
        lambda: layers.StringLookup(vocabulary=["a", "[UNK]"], invert=True),
        "reserved OOV token",
    ),
    "too many tokens": (
        lambda: layers.StringLookup(vocabulary=["a", "b", "c"], max_tokens=3),
        "larger than `max_tokens`.*4 in all",
    ),
    "empty vocabulary": (lambda: layers.StringLookup(vocabulary=[]), "empty"),
    "ids as words": (lambda: layers.StringLookup(vocabulary=[1, 2]), "takes strings"),
    "words as ids": (lambda: layers.IntegerLookup(vocabulary=["a"]), "takes whole numbers"),
    "missing word": (lambda: layers.StringLookup(vocabulary=["a", None]), "1 of 2 .* missing"),
    "other dtype": (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "int64"),
    "salt without its method": (
        lambda: layers.IntegerLookup(salt=3, num_oov_indices=2),
        "oov_method='farmhash'",
    ),
    "three salts": (lambda: layers.StringLookup(salt=[1, 2, 3]), "tuple of size 2"),
    "unknown method": (lambda: layers.IntegerLookup(oov_method="mod"), "'floormod'"),
    "no such file": (lambda: layers.StringLookup(vocabulary="no/such.txt"), "no vocabulary file"),
    "unknown argument": (lambda: layers.StringLookup(tokens=3), "tokens"),
    "never adapted": (lambda: layers.StringLookup()(["a"]), "no vocabulary yet.*adapt"),
    "never adapted, vectors": (
        lambda: layers.StringLookup(output_mode="count")(fkeras.Input((2,), dtype="string")),
        "no vocabulary yet",
    ),
    "never adapted, backwards": (
        lambda: layers.StringLookup(invert=True)([1]),
        "no vocabulary yet",
    ),
    "nothing to learn": (lambda: layers.StringLookup().adapt([]), "no token"),
    "adapt after all": (
        lambda: layers.StringLookup(vocabulary=["a"]).adapt(["b"]),
        "made with a `vocabulary`",
    ),
    "an id among words": (lambda: layers.StringLookup(vocabulary=["a"])([1, "a"]), "as number 0"),
    "ids to a lookup of words": (lambda: layers.StringLookup(vocabulary=["a"])([1, 2]), "strings"),
    "words to a lookup of ids": (
        lambda: layers.IntegerLookup(vocabulary=[1])(["a"]),
        "whole numbers.*StringLookup",
    ),
    "fractions": (lambda: layers.IntegerLookup(vocabulary=[1])([0.5]), "Discretization"),
    "missing words": (
        lambda: layers.StringLookup(vocabulary=["a"])(pd.Series(["a", None, np.nan])),
        r"2 of 3 strings are missing \(number 1.*fillna",
    ),
    "missing ids": (
        lambda: layers.IntegerLookup(vocabulary=[1])(pd.Series([1, None])),
        "1 of 2 values are missing",
    ),
    "missing ids, nullable": (
        lambda: layers.IntegerLookup(vocabulary=[1])(pd.Series([1, None], dtype="Int64")),
        "1 of 2 values are missing",
    ),
    "unknown words": (
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "x", "y"]),
        "2 are not: 'x', 'y'.*num_oov_indices=1",
    ),
    "words backwards": (
        lambda: layers.StringLookup(vocabulary=["a"], invert=True)(["a"]),
        "takes whole numbers",
    ),
    "rows of other lengths": (
        lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]),
        "different lengths",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_errors_that_say_what_to_do(mistake):
    function, message = MISTAKES[mistake]
    with pytest.raises(UserInputError, match=f"(?s){message}"):
        function()


def test_the_size_of_vectors_cannot_change_after_a_call():
    layer = layers.StringLookup(output_mode="count")
    layer.set_vocabulary(["a"])
    layer.set_vocabulary(["a", "b"])
    assert layer(["a"]).tolist() == [0, 1, 0]
    layer.set_vocabulary(["c", "d"])
    with pytest.raises(UserInputError, match="cannot change after the layer was called"):
        layer.set_vocabulary(["a"])


def test_a_file_that_begins_with_special_tokens_is_an_error(tmp_path):
    pathlib.Path(tmp_path, "words.txt").write_text("[UNK]\na\n")
    with pytest.raises(UserInputError, match="adds by itself"):
        layers.StringLookup(vocabulary=tmp_path / "words.txt")
