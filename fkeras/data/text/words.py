"""A text as a list of words, and words as numbers by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Literal

from fkeras.errors import UserTypeError

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that separate words, as `split` does.
        lower: whether words are put into lower case.
        split: what separates words.

    Raises:
        UserTypeError: not a text.

    Examples:
        >>> import fkeras
        >>> fkeras.preprocessing.text.text_to_word_sequence("To be, or not to be!")
        ['to', 'be', 'or', 'not', 'to', 'be']
    """
    if not isinstance(input_text, str):
        raise UserTypeError(
            f"A text must be a string. Received: {input_text!r} of type "
            f"{type(input_text).__name__}. Empty cells of a data frame are NaN: "
            "`frame[column].fillna('')`."
        )
    text = input_text.lower() if lower else input_text
    text = text.translate(str.maketrans(dict.fromkeys(filters, split)))
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """The words of a text as numbers by Python's hash, which are others in each process.

    Args:
        input_text: the text.
        n: numbers are from 1 to n - 1; different words may have the same one.
        filters, lower, split: see `text_to_word_sequence`.
        analyzer: function (text) -> words, in place of it.
    """
    return hashing_trick(
        input_text,
        n,
        hash_function=hash,
        filters=filters,
        lower=lower,
        split=split,
        analyzer=analyzer,
    )


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | Literal["md5"] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """The words of a text as numbers by a hash, without a vocabulary.

    Args:
        text: the text.
        n: numbers are from 1 to n - 1; different words may have the same one.
        hash_function: function (word) -> int; 'md5', which is the same in all processes; None for
            Python's hash, which is not.
        filters, lower, split: see `text_to_word_sequence`.
        analyzer: function (text) -> words, in place of it.

    Examples:
        >>> import fkeras
        >>> fkeras.preprocessing.text.hashing_trick("to be or not to be", 100, "md5")
        [5, 66, 50, 12, 5, 66]
    """
    if analyzer is not None:
        words = analyzer(text)
    else:
        words = text_to_word_sequence(text, filters=filters, lower=lower, split=split)
    hash_of = _md5 if hash_function == "md5" else hash_function or hash
    return [hash_of(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)
