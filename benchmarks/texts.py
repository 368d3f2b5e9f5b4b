"""What numbers of a million short texts cost: `layers.TextVectorization` beside what one would
write in plain Python, with NumPy or pandas, and beside the `tokenizers` of Hugging Face.

    python -m benchmarks.texts [--quick]

Each contender is given the same list of texts and the same vocabulary, and makes an array of 12
numbers of each text: small letters, no punctuation, words between white space. Contenders run in
processes of their own, in turns; one that is not installed is left out. Times are of a second call,
the median over the rounds; the last column is that time over that of the best of the plain ones.
All but `tokenizers` give the same numbers, which is checked.
"""

import argparse
import importlib.util
import itertools
import json
import statistics
import string
import subprocess
import sys
import time
import zlib

import numpy as np

from benchmarks.tables import table

LENGTH = 12
COLUMNS = ("texts", "contender", "ms", "fastest-slowest", "over the best plain one")


def make_texts(count):
    """Texts of 4 to 12 words, as frequent as words are, and a vocabulary that lacks some."""
    draw = np.random.default_rng(0)
    letters = np.array(list(string.ascii_lowercase))
    sizes = draw.integers(2, 11, 20000)
    words = list(dict.fromkeys("".join(draw.choice(letters, size)) for size in sizes))
    shown = [word.capitalize() if i % 7 == 0 else word for i, word in enumerate(words)]
    shown = [word + "," if i % 11 == 0 else word for i, word in enumerate(shown)]
    frequency = 1 / np.arange(1, len(words) + 1)
    counts = draw.integers(4, 13, count)
    drawn = draw.choice(len(words), counts.sum(), p=frequency / frequency.sum()).tolist()
    numbers = iter(drawn)
    texts = [
        " ".join([shown[i] for i in itertools.islice(numbers, n)]) + "." for n in counts.tolist()
    ]
    return texts, words[:15000]


def with_fkeras(vocabulary):
    import fkeras

    return fkeras.layers.TextVectorization(vocabulary=vocabulary, output_sequence_length=LENGTH)


def row_by_row(vocabulary):
    """What most people write."""
    get = {word: i for i, word in enumerate(vocabulary, 2)}.get
    drop = str.maketrans("", "", string.punctuation)

    def encode(texts):
        table = np.zeros((len(texts), LENGTH), np.int64)
        for row, text in zip(table, texts):
            numbers = [get(word, 1) for word in text.lower().translate(drop).split()][:LENGTH]
            row[: len(numbers)] = numbers
        return table

    return encode


def filled(rows, find):
    """Numbers of the words of all rows, put into one array by NumPy."""
    rows = [row[:LENGTH] for row in rows]
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    table = np.zeros((len(rows), LENGTH), np.int64)
    table[np.arange(LENGTH) < counts[:, None]] = find(itertools.chain.from_iterable(rows))
    return table


def all_at_once(vocabulary):
    """The fastest that we could write in plain Python: one string of bytes for most steps."""
    get = {word.encode(): i for i, word in enumerate(vocabulary, 2)}.get
    lower = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
    drop = string.punctuation.encode()

    def encode(texts):
        joined = "\n".join(texts).encode().translate(lower, drop)
        rows = [row.split() for row in joined.split(b"\n")]
        find = lambda words: np.fromiter(map(get, words, itertools.repeat(1)), np.int64)
        return filled(rows, find)

    return encode


def with_pandas(vocabulary):
    """Words as one column, which pandas looks up."""
    import pandas

    index = pandas.Index(vocabulary)
    drop = str.maketrans("", "", string.punctuation)

    def encode(texts):
        joined = "\n".join(texts).lower().translate(drop)
        rows = [row.split() for row in joined.split("\n")]
        find = lambda words: np.maximum(index.get_indexer(list(words)) + 2, 1)
        return filled(rows, find)

    return encode


def with_tokenizers(vocabulary):
    """For information: it splits at punctuation instead of dropping it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    known = {word: i for i, word in enumerate(["", "[UNK]", *vocabulary])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=LENGTH, pad_id=0, pad_token="")
    tokenizer.enable_truncation(LENGTH)
    return lambda texts: np.array([found.ids for found in tokenizer.encode_batch(texts)])


def with_keras(vocabulary):
    import keras

    return keras.layers.TextVectorization(vocabulary=vocabulary, output_sequence_length=LENGTH)


PLAIN = ("plain Python, row by row", "plain Python, all at once", "pandas")
CONTENDERS = {  # name -> (what it needs, how it is made)
    "fkeras": ("fkeras", with_fkeras),
    PLAIN[0]: ("numpy", row_by_row),
    PLAIN[1]: ("numpy", all_at_once),
    PLAIN[2]: ("pandas", with_pandas),
    "tokenizers": ("tokenizers", with_tokenizers),
    "Keras 3 (TensorFlow)": ("tensorflow", with_keras),
}


def measure(contender, count):
    """Prints the milliseconds of a call and a checksum of what it returned."""
    texts, vocabulary = make_texts(count)
    encode = CONTENDERS[contender][1](vocabulary)
    for _ in range(2):
        start = time.perf_counter()
        numbers = encode(texts)
        seconds = time.perf_counter() - start
    print(json.dumps([seconds * 1e3, zlib.crc32(np.asarray(numbers, np.int64).tobytes())]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer texts, one round")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    options = parser.parse_args()
    count = 20_000 if options.quick else 1_000_000
    if options.contender:
        measure(options.contender, count)
        return
    times, sums = {}, {}
    for _ in range(1 if options.quick else 3):
        for contender, (module, _) in CONTENDERS.items():
            if not importlib.util.find_spec(module):
                continue
            command = [sys.executable, "-m", "benchmarks.texts", "--contender", contender]
            command += ["--quick"] if options.quick else []
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            milliseconds, checksum = json.loads(done.stdout.splitlines()[-1])
            times.setdefault(contender, []).append(milliseconds)
            sums[contender] = checksum
    sums.pop("tokenizers", None)
    assert len(set(sums.values())) == 1, f"contenders differ: {sums}"
    best = min(statistics.median(times[name]) for name in PLAIN if name in times)
    lines = []
    for contender, values in times.items():
        middle = statistics.median(values)
        spread = f"{min(values):.0f}-{max(values):.0f}"
        ratio = f"{middle / best:.2f}"
        lines.append([f"{count:,}", contender, f"{middle:.0f}", spread, ratio])
    print(table(COLUMNS, lines, 2))


if __name__ == "__main__":
    main()
