"""News of Reuters by topic."""

import numpy as np

from fkeras.datasets.arrays_in_files import read_npz
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split, check_test_split, shuffle_rows, split_rows
from fkeras.datasets.word_ids import (
    as_object_array,
    drop_long,
    limit_words,
    number_words,
    read_word_index,
)
from fkeras.io.paths import FilePath

_LABELS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)


def load_data(
    path: FilePath = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Split:
    """Loads 11,228 news of Reuters, as word ids, with their topics, 46 in all.

    Ids go by frequency: the word of rank 1 in `get_word_index()` is the most frequent one, and has
    id 1 + `index_from`. 0 stands for no word, for padding.

    Args:
        path: name of the file in the cache's folder `datasets`.
        num_words: ids from this one on are left out; None for (almost) all words.
        skip_top: ids below this one are left out.
        maxlen: only news shorter than this; None for all.
        test_split: fraction of the news to test on, in [0, 1).
        seed: of the order of news.
        start_char: id that begins each of the news; None for none.
        oov_char: id that stands for words left out; None to shorten the news.
        index_from: how far ids are moved up, to make room for the special ones.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of ids, shape (news,), and of
        topics from 0 to 45, whose names `get_label_names()` gives.

    Raises:
        UserInputError: none of the news is as short as `maxlen` wants.
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    check_test_split(test_split)
    arrays = read_npz(fetch("reuters", path))
    x, labels = shuffle_rows(np.random.RandomState(seed), arrays["x"], arrays["y"])
    texts, kept_labels = drop_long(number_words(x, start_char, index_from), labels, maxlen)
    limited = limit_words(texts, num_words, skip_top, oov_char)
    return split_rows(as_object_array(limited), np.asarray(kept_labels), test_split)


def get_word_index(path: FilePath = "reuters_word_index.json") -> dict[str, int]:
    """The words of the news and their ranks by frequency, from 1.

    A word's id in the news of `load_data` is its rank plus `index_from`.

    Args:
        path: name of the file in the cache's folder `datasets`.

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    return read_word_index(fetch("reuters_word_index", path))


def get_label_names() -> tuple[str, ...]:
    """The names of the topics, by their numbers.

    Examples:
        >>> import fkeras
        >>> fkeras.datasets.reuters.get_label_names()[:3]
        ('cocoa', 'grain', 'veg-oil')
    """
    return tuple(_LABELS.split())
