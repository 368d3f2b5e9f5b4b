"""Many strings as one array of bytes, so that NumPy works on all of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fkeras.errors import UserInputError, UserTypeError

_PADDING = bytes(8)  # eight bytes may be read from any position
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)  # of the first n bytes
_LONGEST_IN_MESSAGE = 40


@dataclasses.dataclass(frozen=True)
class PackedStrings:
    """Strings as positions in one array of bytes. They may overlap, and bytes between them are
    nobody's.

    Attributes:
        buffer: uint8, with eight bytes behind the last string.
        starts: (strings,) int64, positions of the first bytes.
        ends: (strings,) int64, positions behind the last bytes.

    Examples:
        >>> packed = PackedStrings.of(["day", "", "Tür"])
        >>> packed.lengths.tolist(), packed.to_bytes()
        ([3, 0, 4], [b'day', b'', b'T\\xc3\\xbcr'])
    """

    buffer: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str | bytes]) -> PackedStrings:
        """The strings of a list; bytes stay what they are, texts are their UTF-8.

        Raises:
            TypeError: for what is neither.
        """
        try:
            joined = "".join(texts)
        except TypeError:
            return cls.of_bytes([_encoded(text) for text in texts])
        if joined.isascii():
            return cls._consecutive(joined.encode(), map(len, texts), len(texts))
        return cls.of_bytes([_encoded(text) for text in texts])

    @classmethod
    def of_bytes(cls, texts: Sequence[bytes]) -> PackedStrings:
        """The strings of a list of bytes."""
        return cls._consecutive(b"".join(texts), map(len, texts), len(texts))

    @classmethod
    def of_integers(cls, values: np.ndarray) -> PackedStrings:
        """Integers as decimal numbers."""
        digits = np.ascontiguousarray(values.ravel()).astype("S21")
        starts = np.arange(len(digits), dtype=np.int64) * digits.dtype.itemsize
        return cls(padded(digits.tobytes()), starts, starts + np.char.str_len(digits))

    @classmethod
    def _consecutive(cls, joined: bytes, lengths: Iterable[int], count: int) -> PackedStrings:
        ends = np.cumsum(np.fromiter(lengths, np.int64, count))
        starts = np.zeros(count, np.int64)
        starts[1:] = ends[:-1]
        return cls(padded(joined), starts, ends)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> np.ndarray:
        """(strings,) bytes of each."""
        return self.ends - self.starts

    def to_bytes(self) -> list[bytes]:
        """The strings as bytes of Python."""
        content = self.buffer.tobytes()
        return [content[i:j] for i, j in zip(self.starts.tolist(), self.ends.tolist())]

    def take(self, indices: np.ndarray) -> PackedStrings:
        """The strings at these places."""
        return PackedStrings(self.buffer, self.starts[indices], self.ends[indices])

    def spaced(self) -> PackedStrings:
        """The same strings one after the other, with one space between."""
        lengths = self.lengths + 1
        ends = np.cumsum(lengths)
        starts = ends - lengths
        size = int(ends[-1]) if len(ends) else 0
        sources = np.arange(size) + np.repeat(self.starts - starts, lengths)
        buffer = np.append(self.buffer[sources], np.zeros(8, np.uint8))
        buffer[ends - 1] = ord(" ")
        return PackedStrings(buffer, starts, ends - 1)

    def words(self, positions: np.ndarray) -> np.ndarray:
        """Eight bytes from each position on, as uint64, the first byte lowest.

        Args:
            positions: from 0 to `len(buffer) - 8`.
        """
        view = np.ndarray((len(self.buffer) - 7,), "<u8", self.buffer, strides=(1,))
        return view[positions].astype(np.uint64, copy=False)

    def blocks(self, index: int) -> np.ndarray:
        """(strings,) the eight bytes number `index` of each string, zeros behind its end.

        Every string has to reach that far.
        """
        positions = self.starts + 8 * index
        return self.words(positions) & _MASKS[np.minimum(self.ends - positions, 8)]


def padded(content: bytes) -> np.ndarray:
    """Bytes as a buffer of packed strings."""
    return np.frombuffer(content + _PADDING, np.uint8)


def _encoded(text: str | bytes) -> bytes:
    # A lone half of a pair stays a value of its own; UTF-8 itself has none.
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def texts_of(values: Any, who: str, encoding: str | None = "utf-8") -> np.ndarray:
    """Whatever holds strings as an array of dtype object of `str`, of any shape.

    Args:
        values: string, array, list or column of them.
        who: what messages call the one who asks.
        encoding: how bytes are read; None: they stay bytes.

    Raises:
        UserTypeError: there is something else among them, such as numbers.
        UserInputError: missing values, rows of different lengths, bytes that are no text.

    Examples:
        >>> texts_of([["a"], [b"b"]], "this").tolist()
        [['a'], ['b']]
    """
    array = _object_array(values, who)
    flat = array.ravel().tolist()
    kinds = set(map(type, flat))
    if all(issubclass(kind, str) for kind in kinds):
        return array
    if not all(issubclass(kind, (str, bytes)) for kind in kinds):
        raise _not_texts(flat, who)
    if encoding is None:
        return array
    decoded = np.empty(array.shape, object)
    decoded.ravel()[:] = [_decoded(text, i, who, encoding) for i, text in enumerate(flat)]
    return decoded


def _object_array(values: Any, who: str) -> np.ndarray:
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):  # a column or a frame
        values = values.to_numpy()
    elif isinstance(values, (str, bytes)):
        return _of_one(values)
    try:
        if isinstance(values, (list, tuple)):
            # Of objects: else numbers beside strings would become strings.
            array = np.array([_as_lists(value) for value in values], object)
        else:
            array = np.asarray(values)
    except ValueError as error:
        raise _of_other_lengths(who) from error
    return array if array.dtype == object else array.astype(object)


def _as_lists(value: Any) -> Any:
    """Nested lists without arrays, which NumPy would take for objects."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_as_lists(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _of_other_lengths(who: str) -> UserInputError:
    """The error for rows of different lengths; the caller raises it."""
    return UserInputError(
        f"{who}: the lists of strings have different lengths. Give whole texts, or fill up shorter "
        "lists with ''."
    )


def _of_one(value: Any) -> np.ndarray:
    array = np.empty((), object)
    array[()] = value
    return array


def _not_texts(flat: Sequence[Any], who: str) -> UserInputError:
    """The error for values that are no strings; the caller raises it."""
    odd = [i for i, value in enumerate(flat) if not isinstance(value, (str, bytes))]
    missing = [i for i in odd if is_missing(flat[i])]
    if len(missing) == len(odd):
        return UserInputError(
            f"{who}: {len(missing)} of {len(flat)} strings are missing (number {missing[0]} is "
            f"{flat[missing[0]]!r}). Fill or drop them: `column.fillna('')`, `column.dropna()`."
        )
    first = next(i for i in odd if not is_missing(flat[i]))
    if isinstance(flat[first], (list, tuple, np.ndarray)):
        return _of_other_lengths(who)
    return UserTypeError(
        f"{who} takes strings. Received: {repr(flat[first])[:_LONGEST_IN_MESSAGE]} of type "
        f"{type(flat[first]).__name__} as number {first}. Integers go into `IntegerLookup`; make "
        "strings of other values, for example by `array.astype(str)`."
    )


def is_missing(value: Any) -> bool:
    """Whether a value stands for one that is missing: None, NaN, pandas' NA and NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and value != value


def _decoded(text: str | bytes, index: int, who: str, encoding: str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserInputError(
            f"{who}: the bytes number {index} are no text in {encoding} ({error.reason} at "
            f"byte {error.start}): {text[:_LONGEST_IN_MESSAGE]!r}. Name the encoding that they "
            "are in, or decode them: `text.decode('latin-1')`."
        ) from None
