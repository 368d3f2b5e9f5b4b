"""`VocabularyLayer`: the tokens of a lookup layer, given or learnt, and their numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fkeras.core import settings
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing import adapting, vocabulary_files
from fkeras.layers.preprocessing.host_layer import HostLayer
from fkeras.layers.preprocessing.lookup_arguments import is_path, some_of
from fkeras.layers.preprocessing.token_counts import TokenCounts

if TYPE_CHECKING:
    from fkeras.data.text.packed_strings import PackedStrings
    from fkeras.types import ArrayLike, PathLike, Shape

Keys: TypeAlias = "list[str] | PackedStrings | np.ndarray"

_NOWHERE = np.iinfo(np.int64).max  # a mask token has no place in a vector


class VocabularyLayer(HostLayer):
    """What holds the vocabulary of a lookup layer: sets, checks and learns it.

    A table finds the places of tokens (with `invert`, the tokens at places). `IndexLookup` sets
    what is declared here and uses the table; its subclasses say what a token is.
    """

    invert: bool
    max_tokens: int | None
    num_oov_indices: int
    mask_token: str | int | None
    oov_token: str | int | None
    output_mode: str
    pad_to_max_tokens: bool
    idf_weights: np.ndarray | None
    input_vocabulary: list[Any] | None
    input_idf_weights: list[float] | None
    _who: str
    _counts: TokenCounts
    _has_input_vocabulary: bool
    _size_in_config: int | None  # while a file of the model is being read
    _was_encoded: bool  # as vectors, whose length may not change any more
    _tokens: Any
    _table: Any
    _numbers: Any

    # -- what a token is ---------------------------------------------------------

    @abstractmethod
    def _tokens_of(self, vocabulary: Any) -> list[Any]:
        """A vocabulary as a list of tokens."""

    @abstractmethod
    def _tokens_of_lines(self, lines: list[str], who: str) -> list[Any]:
        """The tokens of a file."""

    @abstractmethod
    def _array_of_tokens(self, tokens: Sequence[Any]) -> np.ndarray:
        """Tokens as an array, which numbers pick from."""

    @abstractmethod
    def _table_of(self, tokens: Sequence[Any]) -> Any:
        """What finds the places of tokens."""

    @abstractmethod
    def _keys_of(self, inputs: Any) -> tuple[Keys, Shape]:
        """Inputs as flat keys for the table, and their shape."""

    @abstractmethod
    def _countable(self, keys: Keys) -> list[Any]:
        """Keys as what is counted."""

    def _as_counted(self, tokens: Sequence[Any]) -> list[Any]:
        """Tokens in every form in which they may have been counted."""
        return list(tokens)

    @abstractmethod
    def _tokens_of_counted(self, counted: Sequence[Any]) -> list[Any]:
        """What was counted as tokens."""

    @abstractmethod
    def _take_keys(self, keys: Keys, rows: np.ndarray) -> Keys:
        """Some of the keys."""

    @abstractmethod
    def _oov_numbers(self, keys: Keys) -> np.ndarray:
        """(keys,) which of several places each unknown token gets, from 0 on."""

    # -- the vocabulary ----------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers.

        Args:
            include_special_tokens: whether the mask token and those for unknown ones stand in
                front, so that a token's place in the list is its number.
        """
        tokens = list(self._tokens or ())
        return [*self._special_tokens(), *tokens] if include_special_tokens else tokens

    def vocabulary_size(self) -> int:
        """How many tokens there are, special ones too."""
        return self._token_start() + len(self._tokens or ())

    def set_vocabulary(
        self,
        vocabulary: ArrayLike | Sequence[str] | PathLike,
        idf_weights: ArrayLike | None = None,
    ) -> None:
        """Sets the vocabulary, in the place of what is there.

        Args:
            vocabulary: tokens, each once, with or without the special ones in front; or the path of
                a file with a token a line, without special ones.
            idf_weights: the weight of each token of `vocabulary`, for `output_mode='tf_idf'`.

        Raises:
            UserInputError: tokens that stand twice, special tokens elsewhere, more than
                `max_tokens`, weights of another number.
        """
        who = self._who
        if (idf_weights is None) != (self.output_mode != "tf_idf"):
            raise UserInputError(
                f"{who}: `idf_weights` belong to `output_mode='tf_idf'`, which needs them. "
                f"Received: output_mode={self.output_mode!r} and "
                f"{'no' if idf_weights is None else 'some'} `idf_weights`"
            )
        special = self._special_tokens()
        if is_path(vocabulary):
            if self.output_mode == "tf_idf":
                raise UserInputError(
                    f"{who}: `output_mode='tf_idf'` does not take a vocabulary from a file. Pass "
                    "the tokens and their weights as lists."
                )
            path = str(vocabulary)
            given = self._tokens_of_lines(vocabulary_files.read_of_user(path, who), who)
            if special and given[: len(special)] == special:
                raise UserInputError(
                    f"{who}: the file {path!r} begins with the special tokens {special}, which the "
                    "layer adds by itself. Take these lines out."
                )
        else:
            given = self._tokens_of(vocabulary)
        if not given:
            raise UserInputError(f"{who}: the vocabulary is empty.")
        has_special = bool(special) and given[: len(special)] == special
        tokens = given[len(special) :] if has_special else given
        self._check_tokens(tokens, special)
        weights = None
        if idf_weights is not None:
            weights = self._all_weights(idf_weights, len(given), has_special)
        self._accept(tokens, weights)

    def _check_tokens(self, tokens: list[Any], special: list[Any]) -> None:
        who = self._who
        if len(set(tokens)) != len(tokens):
            seen: set[Any] = set()
            repeated = [t for t in tokens if t in seen or seen.add(t)]
            raise UserInputError(
                f"{who}: the vocabulary has at least one repeated term: {some_of(repeated)}. Each "
                "token has one number: `list(dict.fromkeys(vocabulary))` keeps the first of each."
            )
        reserved = {"mask": self.mask_token}
        if self.invert:  # elsewhere the name of unknown tokens is nobody's
            reserved["OOV"] = self.oov_token
        for kind, token in reserved.items():
            if token is not None and token in tokens:
                raise UserInputError(
                    f"{who}: found the reserved {kind} token {token!r} at an unexpected place in "
                    f"the vocabulary, index {tokens.index(token)}. Leave out all special tokens, "
                    f"or begin with them in this order: {special}."
                )
        size = self._token_start() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise UserInputError(
                f"{who}: the vocabulary is larger than `max_tokens`, which counts "
                f"{self._token_start()} special ones too. Received: {len(tokens)} tokens, so "
                f"{size} in all; max_tokens={self.max_tokens}"
            )

    def _all_weights(self, weights: ArrayLike, count: int, has_special: bool) -> np.ndarray:
        """The weights of all places: special ones get the mean, unused ones behind zero."""
        values = np.asarray(weights, np.float64)
        if values.shape != (count,):
            raise UserInputError(
                f"{self._who}: `idf_weights` must be one number for each of the {count} tokens of "
                f"the vocabulary. Received: an array of shape {values.shape}"
            )
        front = 0 if has_special else self._token_start()
        return self._padded_weights(values, front)

    def _padded_weights(self, values: np.ndarray, front: int) -> np.ndarray:
        back = 0
        if self.pad_to_max_tokens:
            back = self.max_tokens - front - len(values)
        mean = values.mean() if len(values) else 0.0
        padded = [np.full(front, mean), values, np.zeros(back)]
        return np.concatenate(padded).astype(settings.floatx())

    def _accept(self, tokens: list[Any], weights: np.ndarray | None) -> None:
        """Takes a vocabulary that has been checked."""
        size = self._token_start() + len(tokens)
        known_size = self._known_size()
        if self._was_encoded and not self.pad_to_max_tokens and size != known_size:
            raise UserInputError(
                f"{self._who}: with `output_mode={self.output_mode!r}` the size of the vocabulary "
                "is that of the outputs, and cannot change after the layer was called. It was "
                f"{known_size}, and would be {size}. Make a new layer, or set "
                "`max_tokens` and `pad_to_max_tokens=True`."
            )
        self._tokens = tokens
        self.idf_weights = weights
        self.input_vocabulary = None  # what the constructor was given is another one
        self.input_idf_weights = None
        if self.invert:
            self._table = self._array_of_tokens([*tokens, self.oov_token])
            return
        mask = [] if self.mask_token is None else [self.mask_token]
        self._table = self._table_of([*tokens, *mask])
        start = self._token_start()
        unknown = self._oov_start() if self.num_oov_indices == 1 else -1
        mask_number = 0 if self.output_mode == "int" else _NOWHERE
        # What is not found is -1, the last entry.
        self._numbers = np.array([*range(start, size), *[mask_number] * len(mask), unknown])

    def _known_size(self) -> int | None:
        """The size of the vocabulary, also while a file of the model is being read."""
        return self._size_in_config if self._tokens is None else self.vocabulary_size()

    def _special_tokens(self) -> list[Any]:
        return [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices

    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _token_start(self) -> int:
        return self._oov_start() + self.num_oov_indices

    # -- learning it -------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the vocabulary: the most frequent tokens first; of equally frequent ones the last
        in the alphabet first.

        Args:
            data: tokens, or documents in rows, as array, list, column, generator of batches or
                `Dataset`.
            steps: how many batches to take; None: all of them.

        Raises:
            UserInputError: the layer was made with a vocabulary, there is no token, or the data
                have no end and `steps` is None.
        """
        self.reset_state()
        if adapting.is_stream(data):
            for batch in adapting.iterate_batches(data, steps, self._who):
                self.update_state(batch)
        else:
            keys, shape = self._keys_of(data)
            self.count(keys, _row_splits(shape if len(shape) != 1 else (*shape, 1)))
        if not self.has_counts():
            raise UserInputError(f"{self._who}: `adapt` found no token in the data.")
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch.

        Args:
            data: (documents, tokens), or the tokens of one document.
        """
        keys, shape = self._keys_of(data)
        self.count(keys, _row_splits(shape))

    def count(self, keys: Keys, splits: np.ndarray) -> None:
        """Counts tokens of several documents.

        Args:
            keys: the tokens of all, as the table takes them.
            splits: (documents + 1,) where each begins, and the end of the last.
        """
        if self._has_input_vocabulary:
            raise UserInputError(
                f"{self._who}: cannot adapt a layer that was made with a `vocabulary`. Leave that "
                "argument out, or do without `adapt`."
            )
        self._counts.update(self._countable(keys), splits)

    def has_counts(self) -> bool:
        """Whether any token has been counted."""
        return len(self._counts) > 0

    def finalize_state(self) -> None:
        """Makes the vocabulary of what has been counted, and forgets the counts."""
        if self._has_input_vocabulary or not len(self._counts):
            return
        special = [t for t in (self.mask_token, self.oov_token) if t is not None]
        without = self._as_counted(special)
        room = None if self.max_tokens is None else self.max_tokens - self._token_start()
        counted = self._counts.most_common(room, without)
        weights = None
        if self.output_mode == "tf_idf":
            values = self._counts.inverse_document_frequencies(counted)
            weights = self._padded_weights(values, self._token_start())
        self.reset_state()
        self._accept(self._tokens_of_counted(counted), weights)

    def reset_state(self) -> None:
        """Forgets what has been counted; the vocabulary stays."""
        self._counts = TokenCounts(self.output_mode == "tf_idf")


def _row_splits(shape: Shape) -> np.ndarray:
    """Where documents begin: rows of the first axis; what has one axis is one document."""
    if len(shape) < 2:
        shape = (1, *(shape or (1,)))
    return np.arange(shape[0] + 1) * int(np.prod(shape[1:], dtype=np.int64))
