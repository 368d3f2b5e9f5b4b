"""`IntegerLookup`: integers as their numbers in a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.data.text.fingerprints import fingerprint64
from fkeras.data.text.key_table import KeyTable
from fkeras.data.text.packed_strings import PackedStrings, is_missing
from fkeras.data.text.siphash import siphash64
from fkeras.errors import CorruptFileError, UserInputError, UserTypeError
from fkeras.layers.preprocessing.index_lookup import IndexLookup

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, PathLike, Shape


class IntegerLookup(IndexLookup):
    """Integers of any size, such as ids, as their numbers in a vocabulary, or the other way round.

    It computes on the host, with NumPy, in 64 bits. Number 0 is the mask token's, if there is one;
    then come `num_oov_indices` places for integers that the vocabulary does not have; then the
    vocabulary.

    Args:
        max_tokens: the most tokens that `adapt` keeps, special ones counted; None: all.
        num_oov_indices: how many numbers unknown integers share. 0: they are an error.
        mask_token: the integer that stands for "nothing here": number 0 with `output_mode='int'`,
            left out of vectors. None: there is none.
        oov_token: what unknown integers are called in the vocabulary, and what `invert` gives of
            numbers that have no token.
        vocabulary: list or array of integers, each once; or the path of a file with one a line.
            None: `adapt` or `set_vocabulary` will tell.
        vocabulary_dtype: 'int64', and nothing else.
        idf_weights: the weight of each token, for `output_mode='tf_idf'` with a `vocabulary`.
        invert: take numbers and give integers of the vocabulary.
        output_mode: 'int', 'one_hot', 'multi_hot', 'count' or 'tf_idf', as of `StringLookup`.
        sparse: TensorFlow only; True is an error.
        pad_to_max_tokens: vectors have `max_tokens` entries, however many tokens there are.
        oov_method: which of several numbers an unknown integer gets: 'floormod' by its remainder,
            'farmhash' by a hash, which spreads ids that have a factor in common.
        salt: one or two integers, with 'farmhash': numbered by SipHash with this key.
        name: None for an automatic name.
        **kwargs: as of `Layer`.

    Shape:
        As of `StringLookup`.

    Raises:
        UserInputError: as `StringLookup`; numbers that are not whole.

    Examples:
        >>> import fkeras
        >>> layer = fkeras.layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
        >>> layer([[12, 1138, 42], [42, 1000, 36]])
        array([[1, 3, 4],
               [4, 0, 2]])
        >>> layer = fkeras.layers.IntegerLookup(output_mode="multi_hot", num_oov_indices=2)
        >>> layer.adapt([7, 7, 5])
        >>> layer([[7, 5], [8, 9]])
        array([[0., 0., 1., 1.],
               [1., 1., 0., 0.]], dtype=float32)
    """

    vocabulary_dtype = "int64"
    _rejects_salt = True

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: ArrayLike | PathLike | None = None,
        vocabulary_dtype: str = "int64",
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
        if vocabulary_dtype != "int64":
            raise UserInputError(
                "IntegerLookup: only `vocabulary_dtype='int64'` is supported. Received: "
                f"vocabulary_dtype={vocabulary_dtype!r}"
            )
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            oov_method=oov_method,
            salt=salt,
            name=name,
            **kwargs,
        )

    def _tokens_of(self, vocabulary: Any) -> list[int]:
        who = f"The vocabulary of {self._who}"
        return _integers_of(vocabulary, who).ravel().tolist()

    def _tokens_of_lines(self, lines: list[str], who: str) -> list[int]:
        try:
            return [int(line) for line in lines]
        except ValueError as error:
            raise CorruptFileError(
                f"{who}: its vocabulary file has a line that is no integer: {str(error)[:120]}"
            ) from None

    def _array_of_tokens(self, tokens: Sequence[int]) -> np.ndarray:
        return np.array(tokens, np.int64)

    def _table_of(self, tokens: Sequence[int]) -> _IntegerTable:
        return _IntegerTable(self._array_of_tokens(tokens))

    def _keys_of(self, inputs: Any) -> tuple[np.ndarray, Shape]:
        array = _integers_of(inputs, self._who)
        return array.ravel(), array.shape

    def _countable(self, keys: np.ndarray) -> list[int]:
        return keys.tolist()

    def _tokens_of_counted(self, counted: Sequence[int]) -> list[int]:
        return list(counted)

    def _take_keys(self, keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return keys[rows]

    def _oov_numbers(self, keys: np.ndarray) -> np.ndarray:
        if self.oov_method == "floormod":
            return keys % self.num_oov_indices
        digits = PackedStrings.of_integers(keys)
        hashes = fingerprint64(digits) if self.salt is None else siphash64(digits, self.salt)
        return (hashes % np.uint64(self.num_oov_indices)).astype(np.int64)


class _IntegerTable:
    """The places of integers."""

    def __init__(self, integers: np.ndarray) -> None:
        self._table = KeyTable(integers.view(np.uint64))

    def find(self, integers: np.ndarray) -> np.ndarray:
        """(integers,) the place of each, -1 for one that is not there."""
        return self._table.find(integers.view(np.uint64))


def _integers_of(values: Any, who: str) -> np.ndarray:
    """Whatever holds whole numbers as int64, of any shape."""
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):
        values = values.to_numpy()
    array = np.asarray(values)
    if array.dtype.kind in "biu":
        if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
            raise UserInputError(f"{who}: {array.max()} does not fit into 64 bits with a sign.")
        return array.astype(np.int64)
    if array.dtype.kind == "O" and all(_is_number(value) for value in array.ravel()):
        missing = sum(map(is_missing, array.ravel()))
        if not missing:
            return array.astype(np.int64)
        raise _missing(missing, array.size, who)
    if array.dtype.kind == "f":
        missing = np.isnan(array).sum()
        if missing:
            raise _missing(missing, array.size, who)
        if (array == np.trunc(array)).all() and np.isfinite(array).all():
            return array.astype(np.int64)  # a column of integers that pandas made floats of
    shown = array.ravel()[:1].tolist()
    raise UserTypeError(
        f"{who} takes whole numbers. Received: {str(shown)[1:41].rstrip(']')}, ... of dtype "
        f"{array.dtype}. Strings go into `StringLookup`; numbers with fractions into "
        "`Discretization`."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or is_missing(value)


def _missing(count: int, size: int, who: str) -> UserInputError:
    """The error for missing values; the caller raises it."""
    return UserInputError(
        f"{who}: {count} of {size} values are missing (NaN). Fill or drop them: "
        "`column.fillna(-1)`, `column.dropna()`."
    )
