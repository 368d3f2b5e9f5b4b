"""Strings as one array of bytes: split, hashed and found as Python does it."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fkeras.data.text import key_table, token_rows
from fkeras.data.text.fingerprints import fingerprint64
from fkeras.data.text.key_table import KeyTable, StringTable
from fkeras.data.text.packed_strings import PackedStrings, texts_of
from fkeras.data.text.siphash import siphash64
from fkeras.data.text.token_rows import TokenRows
from fkeras.errors import UserInputError

ALPHABET = "aB1 \t\n\x0b\x0c\r\x00.,'-é日😀\u3000\x85"
TEXTS = st.lists(st.text(ALPHABET, max_size=40), max_size=12)
few = settings(max_examples=60, deadline=None)


def rows_of(rows: TokenRows) -> list[list[bytes]]:
    tokens, splits = rows.tokens.to_bytes(), rows.splits.tolist()
    return [tokens[i:j] for i, j in zip(splits, splits[1:])]


@few
@given(TEXTS)
def test_strings_come_back(texts):
    packed = PackedStrings.of(texts)
    assert packed.to_bytes() == [text.encode() for text in texts]
    assert packed.lengths.tolist() == [len(text.encode()) for text in texts]
    again = PackedStrings.of([text.encode() for text in texts])
    assert again.to_bytes() == packed.to_bytes()


@few
@given(TEXTS)
def test_texts_are_split_at_white_space_as_python_splits_bytes(texts):
    found = token_rows.split_at_spaces(PackedStrings.of(texts))
    assert rows_of(found) == [text.encode().split() for text in texts]


@few
@given(TEXTS)
def test_texts_are_split_into_characters(texts):
    found = token_rows.split_into_characters(PackedStrings.of(texts))
    assert rows_of(found) == [[character.encode() for character in text] for text in texts]


@few
@given(TEXTS, st.booleans(), st.booleans())
def test_texts_are_made_plain_as_bytes_of_python_are(texts, lower, strip):
    found = token_rows.standardize(PackedStrings.of(texts), lower, strip).to_bytes()
    expected = [text.encode() for text in texts]
    if lower:
        expected = [text.lower() for text in expected]
    if strip:
        expected = [text.translate(None, string.punctuation.encode()) for text in expected]
    assert found == expected


@few
@given(TEXTS, st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_ngrams_are_those_of_plain_python(texts, widths):
    found = token_rows.ngrams(token_rows.split_at_spaces(PackedStrings.of(texts)), widths)
    rows = [text.encode().split() for text in texts]
    expected = [
        [b" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)] for row in rows
    ]
    assert rows_of(found) == expected


@few
@given(st.lists(st.lists(st.integers(1, 9), max_size=6), max_size=6), st.integers(1, 4))
def test_rows_become_a_table(rows, width):
    values = np.array([value for row in rows for value in row], np.int64)
    splits = np.cumsum([0, *map(len, rows)])
    table = token_rows.to_dense(values, splits, width, fill=-1)
    assert table.shape == (len(rows), width)
    assert table.tolist() == [(row + [-1] * width)[:width] for row in rows]


@pytest.mark.parametrize("weak", [False, True], ids=["hash", "hash of no use"])
def test_strings_are_found_whatever_their_hashes(monkeypatch, weak):
    """Also where different strings have one hash: they are compared byte by byte."""
    rng = np.random.default_rng(0)
    words = list({"".join(rng.choice(list("ab"), n)) for n in rng.integers(0, 30, 300)})
    known = words[::2]
    if weak:
        strong = key_table._hashes
        few_bits = np.uint64(0xFF)
        numbers = {word.encode(): i for i, word in enumerate(known)}

        def hashes(strings, seed):
            # Those of the table differ, as it sees to; any other string has one of theirs.
            found = strong(strings, seed) & few_bits
            own = [numbers.get(text, -1) for text in strings.to_bytes()]
            return np.where(np.array(own) < 0, found, own).astype(np.uint64)

        monkeypatch.setattr(key_table, "_hashes", hashes)
    table = StringTable(PackedStrings.of(known))
    expected = [known.index(word) if word in known else -1 for word in words]
    assert table.find(PackedStrings.of(words)).tolist() == expected


def test_two_strings_of_one_hash_get_another_hash(monkeypatch):
    strong, seeds = key_table._hashes, []

    def hashes(strings, seed):
        seeds.append(int(seed))
        return strong(strings, seed) if seed > 3 else np.zeros(len(strings), np.uint64)

    monkeypatch.setattr(key_table, "_hashes", hashes)
    table = StringTable(PackedStrings.of(["a", "b"]))
    assert table.find(PackedStrings.of(["b", "c", "a"])).tolist() == [1, -1, 0]
    assert seeds == [1, 3, 5, 5]


@few
@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=200))
def test_keys_are_found(keys):
    keys = np.array(keys, np.uint64)
    known = keys[: len(keys) // 2]
    expected = [*range(len(known)), *[-1] * (len(keys) - len(known))]
    assert KeyTable(known).find(keys).tolist() == expected


def test_keys_of_one_slot_are_found():
    keys = np.arange(1000, dtype=np.uint64) << np.uint64(54)
    table = KeyTable(keys)
    assert table.find(keys).tolist() == list(range(1000))
    assert (table.find(keys + np.uint64(1)) == -1).all()


def test_hashes_do_not_depend_on_what_stands_beside():
    texts = ["x" * n for n in range(200)]
    for function in (fingerprint64, lambda strings: siphash64(strings, (1, 2))):
        together = function(PackedStrings.of(texts)).tolist()
        assert len(set(together)) == 200
        assert together == [function(PackedStrings.of([text]))[0] for text in texts]


def test_siphash_has_the_values_of_its_authors():
    """The first and the last vector of the reference implementation."""
    key = [int.from_bytes(bytes(range(i, i + 8)), "little") for i in (0, 8)]
    texts = [bytes(range(n)) for n in (0, 15)]
    found = siphash64(PackedStrings.of(texts), key)
    assert [int(value) for value in found] == [0x726FDB47DD0E0E31, 0xA129CA6149BE45E5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", None], "1 of 2 strings are missing.*number 1 is None"),
        (["a", float("nan")], "missing"),
        (["a", 3], "Received: 3 of type int as number 1"),
        ([["a"], ["b", "c"]], "different lengths"),
        ([b"\xff"], "no text in utf-8"),
        (np.array([1.5]), "takes strings"),
    ],
    ids=["None", "NaN", "a number", "rows", "bytes", "floats"],
)
def test_what_is_no_array_of_texts_is_an_error(values, message):
    with pytest.raises(UserInputError, match=f"(?s)this.*{message}"):
        texts_of(values, "this")
