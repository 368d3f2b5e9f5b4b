"""Texts as rows of tokens: made plain, split, and put together to n-grams, as `tf.strings` does."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Iterable, Sequence

import numpy as np

from fkeras.data.text.packed_strings import PackedStrings

_UPPER = string.ascii_uppercase.encode()
_LOWER = string.ascii_lowercase.encode()
_PUNCTUATION = string.punctuation.encode()


def _is_one_of(characters: bytes) -> np.ndarray:
    """(256,) whether a byte is one of these."""
    table = np.zeros(256, bool)
    table[list(characters)] = True
    return table


_IS_PUNCTUATION = _is_one_of(_PUNCTUATION)
_IS_SPACE = _is_one_of(string.whitespace.encode())


@dataclasses.dataclass(frozen=True)
class TokenRows:
    """Rows of different lengths.

    Attributes:
        tokens: all tokens, row by row.
        splits: (rows + 1,) int64, where in `tokens` each row begins, and the end of the last.

    Examples:
        >>> rows = split_at_spaces(PackedStrings.of(["to be or", "", "not"]))
        >>> rows.tokens.to_bytes(), rows.splits.tolist()
        ([b'to', b'be', b'or', b'not'], [0, 3, 3, 4])
    """

    tokens: PackedStrings
    splits: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[Sequence[str | bytes]]) -> TokenRows:
        """Rows of lists."""
        rows = [list(row) for row in rows]
        splits = np.zeros(len(rows) + 1, np.int64)
        splits[1:] = np.cumsum([len(row) for row in rows])
        return cls(PackedStrings.of([token for row in rows for token in row]), splits)

    @property
    def counts(self) -> np.ndarray:
        """(rows,) tokens of each."""
        return np.diff(self.splits)

    def row_numbers(self) -> np.ndarray:
        """(tokens,) the row of each."""
        return np.repeat(np.arange(len(self.splits) - 1), self.counts)


def standardize(texts: PackedStrings, lower: bool, strip_punctuation: bool) -> PackedStrings:
    """Texts in small letters, those of ASCII alone, and without punctuation.

    Args:
        texts: one after the other, nothing between them.
        lower, strip_punctuation: what to do.
    """
    content = texts.buffer.tobytes()
    table = bytes.maketrans(_UPPER, _LOWER) if lower else None
    if not strip_punctuation:
        return PackedStrings(
            np.frombuffer(content.translate(table), np.uint8), texts.starts, texts.ends
        )
    dropped = np.zeros(len(content) + 1, np.int64)  # how many before each byte
    np.cumsum(_IS_PUNCTUATION[texts.buffer], out=dropped[1:])
    buffer = np.frombuffer(content.translate(table, _PUNCTUATION), np.uint8)
    starts = texts.starts - dropped[texts.starts]
    return PackedStrings(buffer, starts, texts.ends - dropped[texts.ends])


def split_at_spaces(texts: PackedStrings) -> TokenRows:
    """What stands between white space of ASCII.

    Args:
        texts: one after the other, nothing between them.
    """
    size = len(texts.buffer) - 8
    is_token = np.zeros(size + 2, bool)
    np.logical_not(_IS_SPACE[texts.buffer[:size]], out=is_token[1:-1])
    begins = is_token[1:-1] > is_token[:-2]
    stops = is_token[1:-1] > is_token[2:]
    filled = texts.ends > texts.starts
    begins[texts.starts[filled]] = is_token[1:-1][texts.starts[filled]]
    stops[texts.ends[filled] - 1] = is_token[1:-1][texts.ends[filled] - 1]
    starts = np.flatnonzero(begins)
    tokens = PackedStrings(texts.buffer, starts, np.flatnonzero(stops) + 1)
    return TokenRows(tokens, _splits_at(starts, texts))


def split_into_characters(texts: PackedStrings) -> TokenRows:
    """The characters of UTF-8.

    Args:
        texts: one after the other, nothing between them.
    """
    size = len(texts.buffer) - 8
    starts = np.flatnonzero((texts.buffer[:size] & 0xC0) != 0x80)
    ends = np.append(starts[1:], size) if len(starts) else starts
    return TokenRows(PackedStrings(texts.buffer, starts, ends), _splits_at(starts, texts))


def _splits_at(token_starts: np.ndarray, texts: PackedStrings) -> np.ndarray:
    bounds = np.append(texts.starts, texts.ends[-1:] if len(texts) else 0)
    return np.searchsorted(token_starts, bounds)


def ngrams(rows: TokenRows, widths: Sequence[int]) -> TokenRows:
    """Runs of neighbouring tokens with spaces between; in each row those of the first width, then
    those of the next.

    Examples:
        >>> ngrams(split_at_spaces(PackedStrings.of(["a b c"])), (1, 2)).tokens.to_bytes()
        [b'a', b'b', b'c', b'a b', b'b c']
    """
    spaced = rows.tokens.spaced()
    counts = [np.maximum(rows.counts - width + 1, 0) for width in widths]
    splits = np.zeros_like(rows.splits)
    splits[1:] = np.cumsum(np.sum(counts, axis=0))
    starts = np.empty(splits[-1], np.int64)
    ends = np.empty_like(starts)
    offsets = splits[:-1]
    for width, count in zip(widths, counts):
        within = _within_rows(count)
        first = np.repeat(rows.splits[:-1], count) + within
        places = np.repeat(offsets, count) + within
        starts[places] = spaced.starts[first]
        ends[places] = spaced.ends[first + width - 1]
        offsets = offsets + count
    return TokenRows(PackedStrings(spaced.buffer, starts, ends), splits)


def _within_rows(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... in each row."""
    ends = np.cumsum(counts)
    return np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)


def to_dense(values: np.ndarray, splits: np.ndarray, width: int, fill: int = 0) -> np.ndarray:
    """(rows, width) values of rows, and `fill` behind the end of each.

    Args:
        values: (tokens,) numbers, row by row.
        splits: (rows + 1,) where rows begin.
        width: what is longer is cut off.
        fill: what stands where a row has nothing.
    """
    counts = np.diff(splits)
    table = np.full((len(counts), width), fill, values.dtype)
    if counts.max(initial=0) > width:
        values = values[_within_rows(counts) < width]
    table[np.arange(width) < counts[:, None]] = values
    return table
