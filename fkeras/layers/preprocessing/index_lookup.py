"""`IndexLookup`: what `StringLookup` and `IntegerLookup` have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np

from fkeras.core import settings
from fkeras.core.config import scopes
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import CorruptFileError, NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.preprocessing import adapting, host_encoding, vocabulary_files
from fkeras.layers.preprocessing.host_layer import HostLayer
from fkeras.layers.preprocessing.lookup_arguments import (
    check_lookup_modes,
    check_sizes,
    lookup_salts,
)
from fkeras.layers.preprocessing.output_modes import check_output_mode, refuse_sparse
from fkeras.layers.preprocessing.token_counts import TokenCounts

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from fkeras.data.text.packed_strings import PackedStrings
    from fkeras.types import ArrayLike, Config, PathLike, Shape

Keys: TypeAlias = "list[str] | PackedStrings | np.ndarray"

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_NOWHERE = np.iinfo(np.int64).max  # a mask token has no place in a vector
_MOST_LISTED = 5


class IndexLookup(HostLayer):
    """Tokens as their numbers in a vocabulary, or numbers as tokens. The two subclasses say what a
    token is.

    In front of the vocabulary stand the mask token, if there is one and `output_mode` is 'int', and
    `num_oov_indices` places for tokens that the vocabulary does not have.
    """

    vocabulary = None  # of the constructor's arguments it is `get_config` itself that tells it
    vocabulary_dtype: str
    _rejects_salt: ClassVar[bool] = False  # but for `oov_method="farmhash"`

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | int | None = None,
        oov_token: str | int | None = None,
        vocabulary: ArrayLike | Sequence[str] | PathLike | None = None,
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size_in_config = kwargs.pop("vocabulary_size", None)
        is_copy = scopes.classes_in_memory() is not None  # elsewhere "learnt" is no argument
        learnt = kwargs.pop("learnt", None) if is_copy else None
        who = kwargs.pop("who", None)
        has_input_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("vocabulary_dtype", None)
        kwargs.pop("dtype", None)  # tokens have one dtype, numbers another: there is no choice
        super().__init__(name=name, **kwargs)
        who = self._who = who or f"{type(self).__name__} '{self.name}'"
        output_mode = check_output_mode(output_mode, _MODES, who)
        refuse_sparse(sparse, who)
        check_sizes(max_tokens, num_oov_indices, pad_to_max_tokens, who)
        check_lookup_modes(invert, output_mode, idf_weights, oov_token, who)
        self.invert = invert
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.output_mode = output_mode
        self.sparse = sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self.oov_method = oov_method
        self.salt = lookup_salts(salt, oov_method, self._rejects_salt, who)
        self.idf_weights: np.ndarray | None = None
        self.input_vocabulary: list[Any] | None = None
        self.input_idf_weights: list[float] | None = None
        self._has_input_vocabulary = has_input_vocabulary
        self._size_in_config = size_in_config
        self._tokens: Any = None
        self._table: Any = None
        self._numbers: Any = None
        self._was_encoded = False
        self._counts = TokenCounts(output_mode == "tf_idf")
        if vocabulary is not None:
            if output_mode == "tf_idf" and idf_weights is None:
                raise UserInputError(
                    f"{who}: with a `vocabulary` and `output_mode='tf_idf'`, give the weight of "
                    "each token as `idf_weights`, or leave both to `adapt`."
                )
            self.set_vocabulary(vocabulary, idf_weights)
            # A path is not kept: a file of the model has the vocabulary itself.
            self.input_vocabulary = None if _is_path(vocabulary) else _plain(vocabulary)
            self.input_idf_weights = _plain(idf_weights)
        elif learnt is not None:
            tokens, weights = learnt
            weights = None if weights is None else np.asarray(weights, settings.floatx())
            self._accept(tokens, weights)

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
        if _is_path(vocabulary):
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
                f"{who}: the vocabulary has at least one repeated term: {_some(repeated)}. Each "
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

    # -- calls -------------------------------------------------------------------

    @property
    def input_dtype(self) -> str:
        """The dtype of the inputs: that of tokens, or of numbers."""
        return "int64" if self.invert else self.vocabulary_dtype

    def call(self, inputs: Any) -> np.ndarray:
        """Numbers, vectors, or tokens, as NumPy arrays."""
        if self.invert:
            return self._tokens_at(inputs)
        keys, shape = self._keys_of(inputs)
        numbers = self.find_numbers(keys).reshape(shape)
        return self.encode(numbers)

    def encode(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers as they are, or as vectors."""
        if self.output_mode == "int":
            return numbers
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        vectors = host_encoding.encode(numbers, mode, self.depth(), settings.floatx())
        return self._weighed(vectors)

    def find_numbers(self, keys: Keys) -> np.ndarray:
        """(keys,) int64, the number of each token.

        Raises:
            NotBuiltError: there is no vocabulary yet.
            UserInputError: unknown tokens, with `num_oov_indices=0`.
        """
        if self._table is None:
            raise self._without_vocabulary()
        numbers = self._numbers[self._table.find(keys)]
        if self.num_oov_indices == 1:
            return numbers
        unknown = np.flatnonzero(numbers == -1)
        if unknown.size and not self.num_oov_indices:
            some = self._take_keys(keys, unknown[:_MOST_LISTED])
            shown = self._tokens_of_counted(self._countable(some))
            raise UserInputError(
                f"{self._who}: with `num_oov_indices=0` all inputs have to be in the vocabulary. "
                f"{unknown.size} are not: {_some(shown, unknown.size)}. Consider "
                "`num_oov_indices=1`."
            )
        if unknown.size:
            places = self._oov_numbers(self._take_keys(keys, unknown))
            numbers[unknown] = self._oov_start() + places
        return numbers

    def encode_rows(self, numbers: np.ndarray, rows: np.ndarray, row_count: int) -> np.ndarray:
        """(row_count, depth) a vector for each row of numbers.

        Args:
            numbers: (tokens,) of all rows. rows: (tokens,) the row of each.
            row_count: how many there are.
        """
        dtype = settings.floatx()
        is_binary = self.output_mode == "multi_hot"
        table = host_encoding.encode_rows(numbers, rows, row_count, self.depth(), is_binary, dtype)
        return self._weighed(table)

    def depth(self) -> int:
        """The length of the vectors that the layer makes.

        Raises:
            NotBuiltError: it is the size of a vocabulary that is not there yet.
        """
        if self.pad_to_max_tokens:
            return self.max_tokens
        if self._tokens is None and self._size_in_config is None:
            raise self._without_vocabulary()
        self._was_encoded = True
        return self._known_size()

    def _known_size(self) -> int | None:
        """The size of the vocabulary, also while a file of the model is being read."""
        return self._size_in_config if self._tokens is None else self.vocabulary_size()

    def _weighed(self, vectors: np.ndarray) -> np.ndarray:
        return vectors * self.idf_weights if self.output_mode == "tf_idf" else vectors

    def _tokens_at(self, numbers: Any) -> np.ndarray:
        if self._tokens is None:
            raise self._without_vocabulary()
        numbers = np.asarray(numbers)
        if numbers.dtype.kind not in "iu":
            raise UserTypeError(
                f"{self._who} with `invert=True` takes whole numbers. Received: an array of "
                f"dtype {numbers.dtype}"
            )
        places = numbers.astype(np.int64) - self._token_start()
        places[(places < 0) | (places >= len(self._tokens))] = -1  # the last one is unknown
        tokens = self._table[places]
        if self.mask_token is not None:
            tokens = np.where(numbers == 0, self._array_of_tokens([self.mask_token])[0], tokens)
        return tokens

    def _without_vocabulary(self) -> NotBuiltError:
        """The error where there is no vocabulary yet; the caller raises it."""
        return NotBuiltError(
            f"{self._who} has no vocabulary yet. Call `layer.adapt(data)` on the training data, or "
            "`layer.set_vocabulary(tokens)`, or pass `vocabulary=` where the layer is made."
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the outputs: that of the inputs, or with vectors at the end."""
        depth = 0 if self.output_mode == "int" else self.depth()
        return host_encoding.encoded_shape(input_shape, self.output_mode, depth)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        """The outputs' shape and dtype: ints, floats for vectors, or that of tokens."""
        dtype = "int64" if self.output_mode == "int" else settings.floatx()
        if self.invert:
            dtype = self.vocabulary_dtype
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    # -- configs and files -------------------------------------------------------

    def get_config(self) -> Config:
        """The constructor's arguments; a vocabulary that was learnt or read is none of them."""
        config = super().get_config()
        if scopes.classes_in_memory() is not None and self._tokens is not None:
            # A copy in memory has no file that the vocabulary could come from.
            weights = None if self.idf_weights is None else self.idf_weights.tolist()
            config["learnt"] = (self._tokens, weights)
        return {
            **config,
            "oov_method": self.oov_method,
            "vocabulary": self.input_vocabulary,
            "vocabulary_dtype": self.vocabulary_dtype,
            "idf_weights": self.input_idf_weights,
            "vocabulary_size": self._known_size(),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A layer from what `get_config` returned. The vocabulary of a saved model comes from the
        model's file.

        Raises:
            UnsafeFileError: the config names a file.
        """
        path = config.get("vocabulary")
        if isinstance(path, str) and scopes.in_safe_mode():
            raise vocabulary_files.refused(path, f"{cls.__name__} '{config.get('name')}'")
        return super().from_config(config)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the weights of tokens into a store, if there are any."""
        if self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: MutableMapping[str, ArrayLike]) -> None:
        """Takes the weights of tokens from a store."""
        if self.output_mode != "tf_idf":
            super().load_own_variables(store)
        elif "idf_weights" in store:
            self.idf_weights = np.asarray(store["idf_weights"], settings.floatx())

    def save_assets(self, dir_path: str) -> None:
        """Writes `vocabulary.txt`, unless the config has the vocabulary."""
        if self.input_vocabulary is None:
            vocabulary_files.write(dir_path, self.get_vocabulary(), self.idf_weights)

    def load_assets(self, dir_path: str) -> None:
        """Reads `vocabulary.txt`, unless the config had the vocabulary.

        Raises:
            CorruptFileError: it has another size than the config says.
        """
        if self.input_vocabulary is not None:
            return
        size = self._size_in_config
        lines = vocabulary_files.read(dir_path, size)
        if size is not None and len(lines) != size:
            raise CorruptFileError(
                f"{self._who}: its vocabulary file has {len(lines)} tokens, and the model's config "
                f"says {size}. They are not of one model: save it again."
            )
        special = self._special_tokens()
        if len(lines) <= len(special):  # saved before it was adapted
            return
        tokens = self._tokens_of_lines(lines[len(special) :], self._who)
        weights = vocabulary_files.read_idf_weights(dir_path)
        weights = self.idf_weights if weights is None else weights
        if self.output_mode == "tf_idf":
            wanted = self.max_tokens if self.pad_to_max_tokens else len(lines)
            if weights is None or weights.shape != (wanted,):
                raise CorruptFileError(
                    f"{self._who}: the model's file does not have the {wanted} weights of its "
                    "tokens. Save it again."
                )
        self._check_tokens(tokens, special)
        self._accept(tokens, weights)


def _is_path(vocabulary: Any) -> bool:
    return isinstance(vocabulary, str) or hasattr(vocabulary, "__fspath__")


def _plain(values: Any) -> Any:
    """Arrays and columns as lists, as configs have them."""
    if values is None or isinstance(values, (list, tuple)):
        return None if values is None else list(values)
    return np.asarray(values).tolist()


def _some(items: Sequence[Any], count: int | None = None) -> str:
    """The first of some items as text."""
    shown = ", ".join(repr(item)[:40] for item in items[:_MOST_LISTED])
    return shown + (", ..." if (count or len(items)) > _MOST_LISTED else "")


def _row_splits(shape: Shape) -> np.ndarray:
    """Where documents begin: rows of the first axis; what has one axis is one document."""
    if len(shape) < 2:
        shape = (1, *(shape or (1,)))
    return np.arange(shape[0] + 1) * int(np.prod(shape[1:], dtype=np.int64))
