"""`IndexLookup`: what `StringLookup` and `IntegerLookup` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from fkeras.core import settings
from fkeras.core.config import scopes
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import CorruptFileError, NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.preprocessing import host_encoding, vocabulary_files
from fkeras.layers.preprocessing.lookup_arguments import (
    MOST_SHOWN,
    check_lookup_modes,
    check_sizes,
    is_path,
    lookup_salts,
    some_of,
)
from fkeras.layers.preprocessing.output_modes import check_output_mode, refuse_sparse
from fkeras.layers.preprocessing.token_counts import TokenCounts
from fkeras.layers.preprocessing.vocabulary_layer import Keys, VocabularyLayer

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from fkeras.types import ArrayLike, Config, PathLike, Shape

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(VocabularyLayer):
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
            self.input_vocabulary = None if is_path(vocabulary) else _plain(vocabulary)
            self.input_idf_weights = _plain(idf_weights)
        elif learnt is not None:
            tokens, weights = learnt
            weights = None if weights is None else np.asarray(weights, settings.floatx())
            self._accept(tokens, weights)

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
            some = self._take_keys(keys, unknown[:MOST_SHOWN])
            shown = self._tokens_of_counted(self._countable(some))
            raise UserInputError(
                f"{self._who}: with `num_oov_indices=0` all inputs have to be in the vocabulary. "
                f"{unknown.size} are not: {some_of(shown, unknown.size)}. Consider "
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


def _plain(values: Any) -> Any:
    """Arrays and columns as lists, as configs have them."""
    if values is None or isinstance(values, (list, tuple)):
        return None if values is None else list(values)
    return np.asarray(values).tolist()
