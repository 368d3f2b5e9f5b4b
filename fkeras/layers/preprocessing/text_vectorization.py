"""`TextVectorization`: texts as numbers of their words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np

from fkeras.core import settings
from fkeras.core.config import scopes, serialization
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.data.text import token_rows
from fkeras.data.text.packed_strings import PackedStrings, texts_of
from fkeras.data.text.token_rows import TokenRows
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing import adapting, vocabulary_files
from fkeras.layers.preprocessing.host_layer import HostLayer
from fkeras.layers.preprocessing.output_modes import check_output_mode
from fkeras.layers.preprocessing.string_lookup import StringLookup

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from fkeras.types import ArrayLike, Config, PathLike, Shape

Standardize: TypeAlias = (
    Literal["lower_and_strip_punctuation", "lower", "strip_punctuation"]
    | Callable[[np.ndarray], Any]
    | None
)
Split: TypeAlias = Literal["whitespace", "character"] | Callable[[np.ndarray], Any] | None

_STANDARDIZE = {
    "lower_and_strip_punctuation": (True, True),
    "lower": (True, False),
    "strip_punctuation": (False, True),
    None: (False, False),
}
_SPLIT = {
    "whitespace": token_rows.split_at_spaces,
    "character": token_rows.split_into_characters,
}
_CHUNK = 1 << 19  # characters that are worked on at a time: their arrays stay in the cache


class TextVectorization(HostLayer):
    """Texts as the numbers of their words, or as one vector each of the words that they have.

    A text is made plain (`standardize`), split into tokens (`split`), and tokens become n-grams
    (`ngrams`); each gets its number in the vocabulary, which `adapt` learns. It computes on the
    host, with NumPy; a model that begins with it takes strings, and trains on its numbers.

    Args:
        max_tokens: the most tokens that `adapt` keeps, special ones counted: '[UNK]' for unknown
            ones, and with 'int' '' for padding. None: all.
        standardize: what is done first: 'lower_and_strip_punctuation', 'lower',
            'strip_punctuation', None for nothing, or a function of an array of strings that gives
            as many. Small letters and punctuation are those of ASCII alone, as in `tf.strings`.
        split: 'whitespace', 'character', None for nothing, or a function of a (texts,) array of
            strings that gives a list of tokens for each.
        ngrams: also tokens of 2, ... `ngrams` neighbours with spaces between; a tuple: of these
            widths alone. None: none.
        output_mode: 'int': the numbers of the tokens in their order, 0 for padding; 'multi_hot': a
            vector for each text, 1 where a token is in it; 'count': how often; 'tf_idf': how often,
            times the token's weight; 'one_hot': a vector for each token.
        output_sequence_length: with 'int', how many numbers each text gets: filled up with 0, or
            cut off. None: as many as the longest text of the call has.
        pad_to_max_tokens: vectors have `max_tokens` entries, however many tokens there are.
        vocabulary: list or array of tokens, each once; or the path of a file with one a line. None:
            `adapt` or `set_vocabulary` will tell.
        idf_weights: the weight of each token, for `output_mode='tf_idf'` with a `vocabulary`.
        sparse, ragged: TensorFlow only; True is an error.
        encoding: how texts are read that are given as bytes.
        name: None for an automatic name.
        **kwargs: as of `Layer`.

    Shape:
        Input: (batch,) or (batch, 1) of texts, or one text. Output: (batch,
        output_sequence_length), or (batch, size of the vocabulary) of vectors.

    Raises:
        UserInputError: arguments that exclude each other; in a call: missing texts (None, NaN),
            several texts in a row.
        NotBuiltError: a call without a vocabulary.

    Examples:
        >>> import fkeras
        >>> layer = fkeras.layers.TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["foo bar", "bar baz", "Baz, bada boom!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
        >>> layer(["foo qux bar", "qux baz"])
        array([[4, 1, 3, 0],
               [1, 2, 0, 0]])

        A vector for each text, of words and pairs of words:

        >>> layer = fkeras.layers.TextVectorization(
        ...     vocabulary=["to", "be", "to be"], ngrams=2, output_mode="count"
        ... )
        >>> layer(["To be or not to be"])
        array([[5., 2., 2., 2.]], dtype=float32)
    """

    # Of the constructor's arguments it is `get_config` itself that tells these.
    vocabulary = None
    idf_weights = None

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Standardize = "lower_and_strip_punctuation",
        split: Split = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Sequence[str] | np.ndarray | PathLike | None = None,
        idf_weights: ArrayLike | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        lookup_arguments = {
            key: kwargs.pop(key)
            for key in ("vocabulary_size", "has_input_vocabulary", "learnt")
            if key in kwargs
        }
        super().__init__(name=name, **kwargs)
        who = self._who = f"{type(self).__name__} '{self.name}'"
        output_mode = check_output_mode(
            output_mode, ("int", "one_hot", "multi_hot", "count", "tf_idf"), who
        )
        _check_choice("standardize", standardize, _STANDARDIZE, who)
        _check_choice("split", split, {**_SPLIT, None: None}, who)
        _check_length(output_sequence_length, output_mode, who)
        if ragged:
            raise UserInputError(
                f"{who}: `ragged=True` gives TensorFlow's ragged tensors, which JAX does not have. "
                "Leave it out: short rows end in 0, which `Embedding(..., mask_zero=True)` masks."
            )
        self.max_tokens = max_tokens
        self.standardize = standardize
        self.split = split
        self.ngrams = ngrams
        self.output_mode = output_mode
        self.output_sequence_length = output_sequence_length
        self.pad_to_max_tokens = pad_to_max_tokens
        self.sparse = sparse
        self.ragged = ragged
        self.encoding = encoding
        self._widths = _widths_of(ngrams, who)
        # Under Keras's name: files have it.
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            name=self.name,
            who=who,
            **lookup_arguments,
        )

    # -- the vocabulary ----------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary: the most frequent tokens first; of equally frequent ones the last
        in the alphabet first.

        Args:
            data: texts as array, list, column, generator of batches or `Dataset`.
            batch_size: it does not matter, and is there for older scripts.
            steps: how many batches to take; None: all of them.

        Raises:
            UserInputError: the layer was made with a vocabulary, there is no token, or the data
                have no end and `steps` is None.
        """
        lookup = self._lookup_layer
        self.reset_state()
        if adapting.is_stream(data):
            for batch in adapting.iterate_batches(data, steps, self._who):
                self.update_state(batch)
        else:
            texts = texts_of(data, self._who, self.encoding)
            self.update_state(texts[:, None] if texts.ndim == 1 else texts)
        if not lookup.has_counts():
            raise UserInputError(f"{self._who}: `adapt` found no token in the data.")
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch of texts."""
        texts = texts_of(data, self._who, self.encoding)
        for rows in self._rows_of(texts):
            self._lookup_layer.count(rows.tokens, rows.splits)

    def finalize_state(self) -> None:
        """Makes the vocabulary of what has been counted, and forgets the counts."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets what has been counted; the vocabulary stays."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their numbers.

        Args:
            include_special_tokens: whether those for padding and unknown ones stand in front, so
                that a token's place in the list is its number.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many tokens there are, special ones too."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(
        self,
        vocabulary: Sequence[str] | np.ndarray | PathLike,
        idf_weights: ArrayLike | None = None,
    ) -> None:
        """Sets the vocabulary, as `StringLookup.set_vocabulary` does."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # -- calls -------------------------------------------------------------------

    def call(self, inputs: Any) -> np.ndarray:
        """Numbers or vectors, as NumPy arrays."""
        texts = texts_of(inputs, self._who, self.encoding)
        shape = self._row_shape(texts.shape)
        if self.output_mode == "int":
            outputs = self._numbers_of(texts)
        elif self.output_mode == "one_hot":
            numbers = self._numbers_of(texts, fill=-1)  # -1 has no place in a vector
            return self._lookup_layer.encode(numbers.reshape(*shape, numbers.shape[-1], 1))
        else:
            outputs = np.concatenate([self._vectors_of(rows) for rows in self._rows_of(texts)])
        return outputs.reshape(*shape, outputs.shape[-1])

    def _numbers_of(self, texts: np.ndarray, fill: int = 0) -> np.ndarray:
        """(rows, tokens) numbers, and `fill` behind the end of shorter rows."""
        find, width = self._lookup_layer.find_numbers, self.output_sequence_length
        found = [(find(rows.tokens), rows.splits) for rows in self._rows_of(texts)]
        if width is None:
            width = max(int(np.diff(splits).max(initial=0)) for _, splits in found)
        parts = [token_rows.to_dense(numbers, splits, width, fill) for numbers, splits in found]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _vectors_of(self, rows: TokenRows) -> np.ndarray:
        numbers = self._lookup_layer.find_numbers(rows.tokens)
        return self._lookup_layer.encode_rows(numbers, rows.row_numbers(), len(rows.splits) - 1)

    def _rows_of(self, texts: np.ndarray) -> Iterator[TokenRows]:
        """Rows of tokens, some texts at a time."""
        if self.split is not None:
            self._row_shape(texts.shape)
            flat = texts.ravel()
            for part in _in_chunks(flat):
                yield self._made_ngrams(self._split_texts(self._standardized(part)))
            return
        width = texts.shape[-1] if texts.ndim else 1
        flat = self._standardized(texts.ravel())
        strings = PackedStrings.of(flat) if isinstance(flat, list) else flat
        splits = np.arange(texts.size // max(width, 1) + 1) * width
        yield self._made_ngrams(TokenRows(strings, splits))

    def _standardized(self, texts: np.ndarray) -> PackedStrings | list[str]:
        """A flat array of texts; strings of Python where a function of the user's made them."""
        if not callable(self.standardize):
            lower, strip_punctuation = _STANDARDIZE[self.standardize]
            strings = PackedStrings.of(texts.tolist())
            if lower or strip_punctuation:
                strings = token_rows.standardize(strings, lower, strip_punctuation)
            return strings
        result = self.standardize(texts.astype(str))
        plain = texts_of(result, f"What the `standardize` of {self._who} returned", self.encoding)
        if plain.size != texts.size:
            raise UserInputError(
                f"{self._who}: `standardize` has to return as many strings as it is given. It was "
                f"given {texts.size} and returned {plain.size}"
            )
        return plain.ravel().tolist()

    def _split_texts(self, texts: PackedStrings | list[str]) -> TokenRows:
        if not callable(self.split):
            strings = PackedStrings.of(texts) if isinstance(texts, list) else texts
            return _SPLIT[self.split](strings)
        if isinstance(texts, PackedStrings):
            texts = [text.decode("utf-8", "surrogatepass") for text in texts.to_bytes()]
        rows = list(self.split(np.array(texts, str)))
        if len(rows) != len(texts) or any(isinstance(row, (str, bytes)) for row in rows):
            raise UserInputError(
                f"{self._who}: `split` has to return a list of tokens for each of the {len(texts)} "
                f"texts that it is given. Received: {str(rows)[:80]}"
            )
        who = f"What the `split` of {self._who} returned"
        return TokenRows.of([texts_of(row, who, self.encoding).tolist() for row in rows])

    def _made_ngrams(self, rows: TokenRows) -> TokenRows:
        return rows if self._widths is None else token_rows.ngrams(rows, self._widths)

    def _row_shape(self, shape: Shape) -> Shape:
        """The shape of the outputs without their last axis."""
        if self.split is None:
            if len(shape) < 2 and self.output_sequence_length is not None:
                raise UserInputError(
                    f"{self._who}: with `split=None` and `output_sequence_length`, inputs are rows "
                    f"of tokens, (batch, tokens). Received: shape {tuple(shape)}"
                )
            return tuple(shape[:-1])
        if len(shape) < 2:
            return tuple(shape)
        if shape[-1] != 1:
            raise UserInputError(
                f"{self._who} splits texts, so that the input rank must be 1 or the last dimension "
                f"must be 1. Received: shape {tuple(shape)}. For texts that are split already, "
                "pass `split=None`."
            )
        return tuple(shape[:-1])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, numbers of a text), or (batch, entries of a vector)."""
        shape = self._row_shape(tuple(input_shape))
        length = self.output_sequence_length
        if self.split is None and length is None and self._widths is None and input_shape:
            length = input_shape[-1]
        if self.output_mode == "int":
            return (*shape, length)
        if self.output_mode == "one_hot":
            return (*shape, length, self._lookup_layer.depth())
        return (*shape, self._lookup_layer.depth())

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        """The outputs' shape and dtype."""
        dtype = "int64" if self.output_mode == "int" else settings.floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    # -- configs and files -------------------------------------------------------

    def get_config(self) -> Config:
        """The constructor's arguments; a vocabulary that was learnt or read is none of them."""
        lookup = self._lookup_layer.get_config()
        names = ("vocabulary", "idf_weights", "vocabulary_size", "learnt")
        told = {name: lookup[name] for name in names if name in lookup}
        return {**super().get_config(), **told}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A layer from what `get_config` returned. The vocabulary of a saved model comes from the
        model's file.

        Raises:
            UnsafeFileError: the config names a file, or holds code.
        """
        config = dict(config)
        if isinstance(config.get("vocabulary"), str) and scopes.in_safe_mode():
            who = f"{cls.__name__} '{config.get('name')}'"
            raise vocabulary_files.refused(config["vocabulary"], who)
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = serialization.deserialize_keras_object(config[name])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the weights of tokens into a store, if there are any."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: MutableMapping[str, ArrayLike]) -> None:
        """Takes the weights of tokens from a store."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Writes `vocabulary.txt`, unless the config has the vocabulary."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Reads `vocabulary.txt`, unless the config had the vocabulary."""
        self._lookup_layer.load_assets(dir_path)


def _in_chunks(texts: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of a flat array of strings with about as many characters each; at least one part."""
    if len(texts) < 2:
        yield texts
        return
    lengths = np.fromiter(map(len, texts.tolist()), np.int64, len(texts))
    parts = np.cumsum(lengths) // _CHUNK
    bounds = [0, *np.flatnonzero(np.diff(parts)) + 1, len(texts)]
    for start, end in zip(bounds, bounds[1:]):
        yield texts[start:end]


def _check_choice(name: str, value: Any, choices: Any, who: str) -> None:
    if callable(value) or (value is None or isinstance(value, str)) and value in choices:
        return
    shown = ", ".join(repr(choice) for choice in choices)
    raise UserInputError(
        f"{who}: `{name}` must be one of {shown}, or a function. Received: {name}={value!r}"
    )


def _check_length(length: Any, output_mode: str, who: str) -> None:
    if length is None:
        return
    if output_mode != "int":
        raise UserInputError(
            f"{who}: `output_sequence_length` must not be set if `output_mode` is not 'int'. "
            f"Received: output_sequence_length={length}, output_mode={output_mode!r}"
        )
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1:
        raise UserInputError(
            f"{who}: `output_sequence_length` must be None or an integer of 1 or more. Received: "
            f"output_sequence_length={length!r}"
        )


def _widths_of(ngrams: Any, who: str) -> tuple[int, ...] | None:
    """The widths of n-grams; None where tokens stay what they are."""
    widths = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
    is_tuple = isinstance(widths, tuple) and bool(widths)
    if widths is not None and not (
        is_tuple and all(isinstance(width, int) and width > 0 for width in widths)
    ):
        raise UserInputError(
            f"{who}: `ngrams` must be None, a positive integer, or a tuple of positive integers. "
            f"Received: ngrams={ngrams!r}"
        )
    return widths
