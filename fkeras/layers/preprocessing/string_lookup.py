"""`StringLookup`: strings as their numbers in a vocabulary."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.data.text.fingerprints import fingerprint64
from fkeras.data.text.key_table import StringTable
from fkeras.data.text.packed_strings import PackedStrings, texts_of
from fkeras.data.text.siphash import siphash64
from fkeras.layers.preprocessing.index_lookup import IndexLookup

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config, PathLike, Shape


class StringLookup(IndexLookup):
    """Strings as their numbers in a vocabulary, or the other way round.

    It computes on the host, with NumPy; a model that begins with it takes strings, and trains on
    its numbers. Number 0 is the mask token's, if there is one; then come `num_oov_indices` places
    for strings that the vocabulary does not have; then the vocabulary.

    Args:
        max_tokens: the most tokens that `adapt` keeps, special ones counted; None: all.
        num_oov_indices: how many numbers unknown strings share, by their hash. 0: they are an
            error.
        mask_token: the string that stands for "nothing here": number 0 with `output_mode='int'`,
            left out of vectors. None: there is none.
        oov_token: what unknown strings are called in the vocabulary, and what `invert` gives of
            numbers that have no token.
        vocabulary: list or array of strings, each once; or the path of a file with one a line.
            None: `adapt` or `set_vocabulary` will tell.
        idf_weights: the weight of each token, for `output_mode='tf_idf'` with a `vocabulary`.
        invert: take numbers and give strings.
        output_mode: 'int': numbers; 'one_hot': a vector for each string; 'multi_hot': one for all
            strings of the last axis, 1 where a token is among them; 'count': how often; 'tf_idf':
            how often, times the token's weight.
        pad_to_max_tokens: vectors have `max_tokens` entries, however many tokens there are.
        sparse: TensorFlow only; True is an error.
        encoding: how strings are read that are given as bytes.
        name: None for an automatic name.
        salt: one or two integers: unknown strings are numbered by SipHash with this key.
        **kwargs: `oov_method`, as of `IntegerLookup`; it does not count for strings.

    Shape:
        Any, and the same with 'int'. 'one_hot' adds an axis, or takes the place of a last one of
        size 1; other modes take the place of the last axis.

    Raises:
        UserInputError: arguments that exclude each other, tokens that stand twice; in a call:
            missing values (None, NaN), and unknown strings with `num_oov_indices=0`.
        NotBuiltError: a call without a vocabulary.

    Examples:
        >>> import fkeras
        >>> layer = fkeras.layers.StringLookup(vocabulary=["sun", "rain", "snow"])
        >>> layer([["rain", "sun"], ["hail", "snow"]])
        array([[2, 1],
               [0, 3]])
        >>> back = fkeras.layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
        >>> back([1, 3, 0]).tolist()
        ['sun', 'snow', '[UNK]']
        >>> layer = fkeras.layers.StringLookup(output_mode="count")
        >>> layer.adapt(["b", "a", "b", "c"])
        >>> layer.get_vocabulary(), layer(["b", "a", "b", "x"])
        (['[UNK]', 'b', 'c', 'a'], array([1., 2., 0., 1.], dtype=float32))
    """

    vocabulary_dtype = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Sequence[str] | np.ndarray | PathLike | None = None,
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            name=name,
            salt=salt,
            **kwargs,
        )

    def get_config(self) -> Config:
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]  # there is no choice
        return config

    def _tokens_of(self, vocabulary: Any) -> list[str]:
        return (
            texts_of(vocabulary, f"The vocabulary of {self._who}", self.encoding).ravel().tolist()
        )

    def _tokens_of_lines(self, lines: list[str], who: str) -> list[str]:
        return lines

    def _array_of_tokens(self, tokens: Sequence[str]) -> np.ndarray:
        return np.array(tokens, object)

    def _table_of(self, tokens: Sequence[str]) -> _StringPlaces:
        return _StringPlaces(tokens)

    def _keys_of(self, inputs: Any) -> tuple[list[str], Shape]:
        texts = texts_of(inputs, self._who, self.encoding)
        return texts.ravel().tolist(), texts.shape

    def _countable(self, keys: list[str] | PackedStrings) -> list[str] | list[bytes]:
        return keys.to_bytes() if isinstance(keys, PackedStrings) else keys

    def _as_counted(self, tokens: Sequence[str]) -> list[str | bytes]:
        return [*tokens, *PackedStrings.of(tokens).to_bytes()]

    def _tokens_of_counted(self, counted: Sequence[str | bytes]) -> list[str]:
        return [
            token.decode("utf-8", "surrogatepass") if isinstance(token, bytes) else token
            for token in counted
        ]

    def _take_keys(
        self, keys: list[str] | PackedStrings, rows: np.ndarray
    ) -> list[str] | PackedStrings:
        if isinstance(keys, PackedStrings):
            return keys.take(rows)
        return [keys[row] for row in rows.tolist()]

    def _oov_numbers(self, keys: list[str] | PackedStrings) -> np.ndarray:
        strings = keys if isinstance(keys, PackedStrings) else PackedStrings.of(keys)
        hashes = fingerprint64(strings) if self.salt is None else siphash64(strings, self.salt)
        return (hashes % np.uint64(self.num_oov_indices)).astype(np.int64)


class _StringPlaces:
    """The places of strings. Python's own strings know their hash, so that a dict finds them
    fastest; parts of texts are found where they stand.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens

    @functools.cached_property
    def _index(self) -> dict[str, int]:
        return {token: place for place, token in enumerate(self._tokens)}

    @functools.cached_property
    def _table(self) -> StringTable:
        return StringTable(PackedStrings.of(self._tokens))

    def find(self, keys: list[str] | PackedStrings) -> np.ndarray:
        """(keys,) the place of each, -1 for one that is not there."""
        if isinstance(keys, PackedStrings):
            return self._table.find(keys)
        places = map(self._index.get, keys, itertools.repeat(-1))
        return np.fromiter(places, np.int64, len(keys))
