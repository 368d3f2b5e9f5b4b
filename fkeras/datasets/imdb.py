"""Reviews of films."""

import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.datasets.arrays_in_files import read_npz
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split, shuffle_rows
from fkeras.datasets.word_ids import (
    as_object_array,
    drop_long,
    limit_words,
    number_words,
    read_word_index,
)
from fkeras.errors import UserTypeError
from fkeras.io.paths import FilePath


def load_data(
    path: FilePath = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: object,
) -> Split:
    """Loads 50,000 reviews of films from IMDB, as word ids, with whether they praise the film.

    Ids go by frequency: the word of rank 1 in `get_word_index()` is the most frequent one, and has
    id 1 + `index_from`. 0 stands for no word, for padding.

    Args:
        path: name of the file in the cache's folder `datasets`.
        num_words: ids from this one on are left out; None for (almost) all words.
        skip_top: ids below this one are left out.
        maxlen: only reviews shorter than this; None for all.
        seed: of the order of reviews.
        start_char: id that begins each review; None for none.
        oov_char: id that stands for words left out; None to shorten the reviews.
        index_from: how far ids are moved up, to make room for the special ones.
        **kwargs: `nb_words`, the former name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of ids, shape (reviews,), and of
        0 (bad) and 1 (good).

    Raises:
        UserInputError: no review is as short as `maxlen` wants.
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    num_words = _former_num_words(num_words, kwargs)
    arrays = read_npz(fetch("imdb", path))
    random = np.random.RandomState(seed)  # one for both parts, as in Keras
    texts, labels = [], []
    for part in ("train", "test"):
        x, y = shuffle_rows(random, arrays[f"x_{part}"], arrays[f"y_{part}"])
        kept, kept_labels = drop_long(number_words(x, start_char, index_from), y, maxlen)
        texts.append(kept)
        labels.append(np.asarray(kept_labels))
    train, test = texts
    limited = limit_words(train + test, num_words, skip_top, oov_char)
    x_train, x_test = as_object_array(limited[: len(train)]), as_object_array(limited[len(train) :])
    return (x_train, labels[0]), (x_test, labels[1])


def get_word_index(path: FilePath = "imdb_word_index.json") -> dict[str, int]:
    """The words of the reviews and their ranks by frequency, from 1.

    A word's id in the reviews of `load_data` is its rank plus `index_from`.

    Args:
        path: name of the file in the cache's folder `datasets`.

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    return read_word_index(fetch("imdb_word_index", path))


def _former_num_words(num_words: int | None, others: dict[str, object]) -> int | None:
    if "nb_words" in others:
        warn_user("The argument `nb_words` of `load_data` is called `num_words` now.")
        num_words = others.pop("nb_words")
    if others:
        raise UserTypeError(f"load_data: unrecognized keyword arguments: {sorted(others)}")
    return num_words
