"""How often tokens were seen, and the vocabulary that follows from it."""

from __future__ import annotations

import collections
from collections.abc import Collection, Sequence
from typing import TypeVar

import numpy as np

Token = TypeVar("Token", bytes, int)


class TokenCounts:
    """Counts of tokens, and of the documents that have them.

    Args:
        with_documents: whether documents are counted too.

    Examples:
        >>> counts = TokenCounts(with_documents=True)
        >>> counts.update([b"a", b"b", b"a", b"c"], np.array([0, 3, 4]))
        >>> counts.most_common(2), counts.num_documents
        ([b'a', b'c'], 2)
    """

    def __init__(self, with_documents: bool) -> None:
        self._counts: collections.Counter = collections.Counter()
        self._documents: collections.Counter | None = None
        if with_documents:
            self._documents = collections.Counter()
        self.num_documents = 0

    def __len__(self) -> int:
        return len(self._counts)

    def update(self, tokens: Sequence[Token], splits: np.ndarray) -> None:
        """Takes in some documents.

        Args:
            tokens: of all documents, one after the other.
            splits: (documents + 1,) where in `tokens` each begins, and the end of the last.
        """
        self._counts.update(tokens)
        self.num_documents += len(splits) - 1
        if self._documents is not None:
            bounds = splits.tolist()
            for start, end in zip(bounds, bounds[1:]):
                self._documents.update(set(tokens[start:end]))

    def most_common(self, count: int | None, without: Collection[Token] = ()) -> list[Token]:
        """The tokens, most frequent first; of equal ones the last in the alphabet first.

        Args:
            count: how many at most; None: all.
            without: tokens that are left out.
        """
        left_out = set(without)
        pairs = [(n, token) for token, n in self._counts.items() if token not in left_out]
        pairs.sort(reverse=True)
        return [token for _, token in pairs[:count]]

    def inverse_document_frequencies(self, tokens: Sequence[Token]) -> np.ndarray:
        """(tokens,) `log(1 + documents / (1 + documents with the token))`."""
        with_token = np.array([self._documents[token] for token in tokens], np.float64)
        return np.log(1 + self.num_documents / (1 + with_token))
