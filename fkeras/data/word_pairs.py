"""Pairs of words that stand near each other, to learn embeddings from."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

_EULER_MASCHERONI = 0.577


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """How likely a word is kept, by its rank: frequent words are kept less often.

    It is the rule of word2vec, for words whose frequencies follow Zipf's law.

    Args:
        size: number of words.
        sampling_factor: a smaller one keeps fewer words.

    Returns:
        (size,) probabilities; entry i is that of the word of rank i.

    Examples:
        >>> import fkeras
        >>> table = fkeras.preprocessing.sequence.make_sampling_table(1000)
        >>> [round(float(p), 3) for p in table[[1, 10, 999]]]
        [0.003, 0.017, 0.273]
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + _EULER_MASCHERONI) + 0.5 - 1.0 / (12.0 * rank)
    ratio = sampling_factor * inverse_frequency
    return np.minimum(1.0, ratio / np.sqrt(ratio))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Sequence[float] | np.ndarray | None = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list]:
    """Pairs of a word and one near it, labelled 1, and of a word and any other, labelled 0.

    Numbers are drawn from Python's `random`.

    Args:
        sequence: a text as word numbers; 0 is no word.
        vocabulary_size: numbers are below this.
        window_size: how many words away counts as near, to both sides.
        negative_samples: how many pairs of the second kind there are for each of the first.
        shuffle: whether pairs are in a random order.
        categorical: whether labels are `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: probabilities to keep a word as the first of pairs, by number; None keeps
            all.
        seed: of the order alone.

    Returns:
        `couples, labels`, two lists.

    Examples:
        >>> import fkeras
        >>> couples, labels = fkeras.preprocessing.sequence.skipgrams(
        ...     [1, 2, 3], vocabulary_size=4, window_size=1, negative_samples=0, shuffle=False
        ... )
        >>> couples, labels
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    near, far = ([0, 1], [1, 0]) if categorical else (1, 0)
    couples = []
    for i, word in enumerate(sequence):
        if not word:
            continue
        if sampling_table is not None and sampling_table[word] < random.random():
            continue
        around = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in around if j != i and sequence[j]]
    labels = [near] * len(couples)
    if negative_samples > 0:
        count = int(len(couples) * negative_samples)
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        couples += [
            [words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)
        ]
        labels += [far] * count
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for column in (couples, labels):
            random.seed(seed)
            random.shuffle(column)
    return couples, labels
