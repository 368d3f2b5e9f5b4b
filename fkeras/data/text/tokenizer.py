"""`Tokenizer`: words numbered by how often they occur."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.data.text.words import FILTERS, text_to_word_sequence
from fkeras.errors import UserInputError, UserTypeError, unknown_name

_MODES = ("binary", "count", "tfidf", "freq")


class Tokenizer:
    """Numbers words by how often they occur, from 1 for the most frequent one; 0 is for padding.

    Args:
        num_words: only words numbered below this are kept; None for all.
        filters, lower, split: see `text_to_word_sequence`.
        char_level: whether each character counts as a word.
        oov_token: word that stands for all unknown ones, with number 1; None drops them.
        analyzer: function (text) -> words, in place of `text_to_word_sequence`.
        **kwargs: `document_count`; `nb_words`, the former name of `num_words`.

    Attributes:
        word_index: dict from words to numbers; of all words, whatever `num_words` is.
        index_word: the other way round. word_counts: how often words occur. word_docs: in how many
            texts. index_docs: the same by number. document_count: number of texts.

    Examples:
        >>> import fkeras
        >>> tokenizer = fkeras.preprocessing.text.Tokenizer(num_words=3)
        >>> tokenizer.fit_on_texts(["To be or not to be", "to do"])
        >>> tokenizer.word_index
        {'to': 1, 'be': 2, 'or': 3, 'not': 4, 'do': 5}
        >>> tokenizer.texts_to_sequences(["be or do be to"])
        [[2, 2, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            warn_user("The `nb_words` argument in `Tokenizer` has been renamed `num_words`.")
            num_words = kwargs.pop("nb_words")
        self.document_count: int = kwargs.pop("document_count", 0)
        if kwargs:
            raise UserTypeError(f"Unrecognized keyword arguments: {sorted(kwargs)}")
        self.word_counts: dict[str, int] = collections.OrderedDict()
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}
        self.filters = filters
        self.split = split
        self.lower = lower
        self.num_words = num_words
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer

    def fit_on_texts(self, texts: Iterable[str | Sequence[str]]) -> None:
        """Counts words, and numbers all words that were ever counted.

        Args:
            texts: strings, or lists of words.
        """
        if isinstance(texts, str) and not self.char_level:
            warn_user(
                "`fit_on_texts` was given one string: each of its characters counts as a text. "
                "Pass a list of texts."
            )
        for text in texts:
            words = self._words_of(text)
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in dict.fromkeys(words):
                self.word_docs[word] += 1
        by_count = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        words = by_count if self.oov_token is None else [self.oov_token, *by_count]
        self.word_index = {word: number for number, word in enumerate(words, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Counts in how many texts each number occurs, for `mode='tfidf'` without words.

        Args:
            sequences: lists of numbers.
        """
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[str | Sequence[str]]) -> list[list[int]]:
        """Texts as lists of numbers.

        Args:
            texts: strings, or lists of words.

        Returns:
            A list for each text; words that are not kept are missing, or have the number of
            `oov_token`.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(
        self, texts: Iterable[str | Sequence[str]]
    ) -> Iterator[list[int]]:
        """Texts as lists of numbers, one after another; see `texts_to_sequences`."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            numbers = (self.word_index.get(word) for word in self._words_of(text))
            kept = (n if n is not None and self._is_kept(n) else unknown for n in numbers)
            yield [number for number in kept if number is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Lists of numbers as texts, words separated by spaces.

        Args:
            sequences: lists of numbers.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Lists of numbers as texts, one after another; see `sequences_to_texts`."""
        for sequence in sequences:
            words = (
                self.index_word[number]
                if number in self.index_word and self._is_kept(number)
                else self.oov_token
                for number in sequence
            )
            yield " ".join(word for word in words if word is not None)

    def texts_to_matrix(
        self,
        texts: Iterable[str | Sequence[str]],
        mode: Literal["binary", "count", "tfidf", "freq"] = "binary",
    ) -> np.ndarray:
        """Texts as rows of a matrix; see `sequences_to_matrix`.

        Args:
            texts: strings, or lists of words.
            mode: what the entries say.
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(
        self,
        sequences: Sequence[Sequence[int]],
        mode: Literal["binary", "count", "tfidf", "freq"] = "binary",
    ) -> np.ndarray:
        """Lists of numbers as rows of a matrix, with a column for each number.

        Args:
            sequences: lists of numbers.
            mode: 'binary' for whether a number occurs, 'count' for how often, 'freq' for its
                fraction of the list, 'tfidf' for (1 + log count) * log(1 + texts / (1 + texts with
                it)).

        Returns:
            (lists, num_words) float64 NumPy array.

        Raises:
            UserInputError: an unknown mode, or nothing was counted yet.
        """
        if mode not in _MODES:
            raise unknown_name("vectorization mode", mode, _MODES)
        if not self.num_words and not self.word_index:
            raise UserInputError(
                "Specify a dimension (`num_words` argument), or fit on some text data first."
            )
        if mode == "tfidf" and not self.document_count:
            raise UserInputError("Fit the Tokenizer on some data before using tfidf mode.")
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            counts = collections.Counter(number for number in sequence if number < columns)
            for number, count in counts.items():
                row[number] = self._entry(mode, number, count, len(sequence))
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Arguments and counts, the latter as JSON."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{
                name: json.dumps(getattr(self, name))
                for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
            },
        }

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as JSON, which `tokenizer_from_json` reads.

        Args:
            **kwargs: handed on to `json.dumps`.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)

    def _words_of(self, text: Any) -> Sequence[str]:
        if isinstance(text, list):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, filters=self.filters, lower=self.lower, split=self.split)

    def _is_kept(self, number: int) -> bool:
        return not self.num_words or number < self.num_words

    def _entry(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "count":
            return count
        if mode == "freq":
            return count / length
        if mode == "binary":
            return 1
        rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
        return (1 + np.log(count)) * rarity


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `to_json` wrote, of fkeras or of Keras.

    Args:
        json_string: the text.

    Examples:
        >>> import fkeras
        >>> tokenizer = fkeras.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["to be"])
        >>> fkeras.preprocessing.text.tokenizer_from_json(tokenizer.to_json()).word_index
        {'to': 1, 'be': 2}
    """
    config = dict(json.loads(json_string)["config"])
    counts = {
        name: json.loads(config.pop(name))
        for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    }
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts.update(counts["word_counts"])
    tokenizer.word_docs.update(counts["word_docs"])
    tokenizer.word_index = counts["word_index"]
    # JSON makes strings of numbers that are keys.
    tokenizer.index_docs.update({int(n): count for n, count in counts["index_docs"].items()})
    tokenizer.index_word = {int(n): word for n, word in counts["index_word"].items()}
    return tokenizer
