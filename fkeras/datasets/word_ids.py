"""Texts as lists of word ids: which ids are kept, and what stands for the others."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from fkeras.errors import UserInputError

Texts: TypeAlias = list[list[int]]


def number_words(
    texts: Iterable[Sequence[int]], start_char: int | None, index_from: int | None
) -> Texts:
    """Ids moved up to make room for special ones, behind the one that marks a start.

    Args:
        texts: ids by rank, from 1 for the most frequent word.
        start_char: id to begin each text with; None for none.
        index_from: how far ids move.
    """
    start = [] if start_char is None else [start_char]
    shift = index_from or 0
    return [start + [word + shift for word in text] for text in texts]


def drop_long(
    texts: Texts, labels: Sequence[int], maxlen: int | None
) -> tuple[Texts, Sequence[int]]:
    """Texts shorter than a length, with their labels.

    Args:
        texts, labels: as many of each.
        maxlen: texts of this length and longer are left out; None and 0 keep all.
    """
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept and texts:
        raise UserInputError(
            f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. "
            f"Increase maxlen; the shortest has {min(map(len, texts))} words."
        )
    return [texts[i] for i in kept], [labels[i] for i in kept]


def limit_words(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> Texts:
    """Texts in which only some ids are kept.

    Args:
        texts: lists of ids.
        num_words: ids from this one on are left out; None leaves out the largest id only, which is
            what Keras does.
        skip_top: ids below this one are left out.
        oov_char: id that stands for those left out; None to shorten the texts.
    """
    end = num_words or max((max(text, default=0) for text in texts), default=0)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < end] for text in texts]
    return [[word if skip_top <= word < end else oov_char for word in text] for text in texts]


def as_object_array(texts: Texts) -> np.ndarray:
    """Lists of any lengths in an array of shape (texts,).

    Args:
        texts: the lists.
    """
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def read_word_index(path: Path) -> dict[str, int]:
    """The ranks of words.

    Args:
        path: of a JSON file.
    """
    return json.loads(path.read_text("utf-8"))
