"""Calls of the layers for strings and ids, as plain values: `freeze_with_tensorflow.py` and the
tests run the same ones.
"""

LONG = "x" * 70 + " " + "yz " * 60
TEXTS = [
    "Hello, World!. This is just a nice test!",
    "  hello\tworld \n again\r\n\x0b\x0c  ",
    "",
    "   ",
    "...",
    "ÄÖÜ äöü Straße STRASSE İstanbul",
    "naïve café — “quoted” …",
    "日本 語\u3000テスト 😀👍🏽 e\u0301",
    "don't stop-me now_ok [a] {b} c|d e~f `g` ^h$ 1,000.5 a@b.c",
    "no\u00a0break\u2028line\u0085next",
    LONG,
]
WORDS = ["omar", "stringer", "marlo", "wire", "skywalker", "", "é", "日本語", "a" * 64, "b" * 65,
         "c" * 200, "0123456", "01234567", "0123456789abcdef", "0123456789abcdefg", "x" * 32,
         "y" * 33]  # fmt: skip
IDS = [0, 1, -1, 7, 10**6, 2**31, 2**40, -(2**63), 2**63 - 1]
TOKENS = [["a", "c", "d", "d"], ["d", "z", "b", "z"], ["", "a", "[UNK]", "A"]]
DOCUMENTS = [["b", "a", "c"], ["b", "a", "a"], ["d", "b", "é"], ["", "[UNK]", "b"]]
FLAT = ["b", "a", "b", "c", "c", "é", "z", "Z"]

CASES = {}


def case(name, layer, inputs, adapt=None, weights=None, vocabulary=None, **kwargs):
    CASES[name] = {
        "layer": layer,
        "kwargs": kwargs,
        "inputs": inputs,
        "adapt": adapt,
        "set": None if vocabulary is None else [vocabulary, weights],
    }


for bins in (1, 2, 3, 1000, 2**31 - 1):
    case(f"hash of words, {bins} bins", "Hashing", WORDS, num_bins=bins)
    case(f"keyed hash of words, {bins} bins", "Hashing", WORDS, num_bins=bins, salt=[133, 137])
    case(f"hash of ids, {bins} bins", "Hashing", IDS, num_bins=bins)
    case(f"keyed hash of ids, {bins} bins", "Hashing", IDS, num_bins=bins, salt=7)
case("hash of fractions", "Hashing", [0.0, 1.9, -1.9, 1e6], num_bins=5)
case("hash of one word", "Hashing", "omar", num_bins=5)
for mask in ("", "omar", "é"):
    case(
        f"hash with mask {mask!r}",
        "Hashing",
        [[word] for word in WORDS],
        num_bins=3,
        mask_value=mask,
    )
case("hash with mask in one bin", "Hashing", WORDS, num_bins=1, mask_value="omar")
case("hash of ids with mask", "Hashing", IDS, num_bins=4, mask_value=7)
HASHED = {
    "one word": "omar",
    "flat": WORDS,
    "column": [[word] for word in WORDS],
    "table": [WORDS[:3], WORDS[3:6]],
}
for mode in ("one_hot", "multi_hot", "count"):
    for shape, inputs in HASHED.items():
        if (mode, shape) == ("one_hot", "one word"):
            continue  # Keras raises an IndexError
        case(f"hash, {mode}, {shape}", "Hashing", inputs, num_bins=4, output_mode=mode)

PAIRS = [["A", "B", "A", "B", "A", "", "日本"], [101, 101, 101, 102, 102, -5, 2**40]]
COLUMNS = [[[value] for value in column] for column in PAIRS]
for bins in (1, 5, 2**31 - 1):
    case(f"cross, {bins} bins", "HashedCrossing", PAIRS, num_bins=bins)
case("cross of columns", "HashedCrossing", COLUMNS, num_bins=5)
case("cross of three", "HashedCrossing", [*PAIRS, PAIRS[1]], num_bins=100)
case("cross of ids", "HashedCrossing", [PAIRS[1], PAIRS[1]], num_bins=100)
case("cross of two words", "HashedCrossing", ["A", 101], num_bins=10)
case("cross as vectors", "HashedCrossing", PAIRS, num_bins=5, output_mode="one_hot")
case("cross of columns as vectors", "HashedCrossing", COLUMNS, num_bins=5, output_mode="one_hot")

ABCD = ["a", "b", "c", "d"]
case("words", "StringLookup", TOKENS, vocabulary=ABCD)
case("one word", "StringLookup", "b", vocabulary=ABCD)
case("words with mask", "StringLookup", TOKENS, vocabulary=ABCD, mask_token="")
case("words in three places", "StringLookup", TOKENS, vocabulary=ABCD, num_oov_indices=3)
case("words with special tokens", "StringLookup", TOKENS, vocabulary=["", "[UNK]", *ABCD],
     mask_token="")  # fmt: skip
case("words, unknown one is a token", "StringLookup", TOKENS, vocabulary=["a", "[UNK]", "b"])
case("words backwards", "StringLookup", [[1, 3, 4], [4, 0, 2]], vocabulary=ABCD, invert=True)
case("words backwards with mask", "StringLookup", [0, 1, 2, 3, 9, -1], vocabulary=ABCD,
     mask_token="", invert=True)  # fmt: skip
case("words learnt", "StringLookup", TOKENS, adapt=FLAT)
case("words learnt of documents", "StringLookup", TOKENS, adapt=DOCUMENTS, mask_token="")
case("few words learnt", "StringLookup", TOKENS, adapt=FLAT, max_tokens=4)
case("few words learnt with mask", "StringLookup", TOKENS, adapt=FLAT, max_tokens=4, mask_token="b")
case("words learnt backwards", "StringLookup", [0, 1, 2], adapt=FLAT, invert=True)
case("words weighed", "StringLookup", TOKENS, vocabulary=ABCD, weights=[0.25, 0.75, 0.6, 0.4],
     output_mode="tf_idf")  # fmt: skip
case("words weighed with special tokens", "StringLookup", TOKENS, vocabulary=["[UNK]", *ABCD],
     weights=[0.9, 0.25, 0.75, 0.6, 0.4], output_mode="tf_idf")  # fmt: skip
case("words weighed and padded", "StringLookup", TOKENS, vocabulary=ABCD, max_tokens=7,
     weights=[0.25, 0.75, 0.6, 0.4], output_mode="tf_idf", pad_to_max_tokens=True)  # fmt: skip
for limit in (None, 4, 9):
    case(f"weights learnt, {limit}", "StringLookup", TOKENS, adapt=DOCUMENTS, max_tokens=limit,
         output_mode="tf_idf", pad_to_max_tokens=limit is not None)  # fmt: skip
case("weights learnt of words", "StringLookup", TOKENS, adapt=FLAT, output_mode="tf_idf")
LOOKED_UP = {
    "one": "b", "flat": TOKENS[0], "column": [["a"], ["b"], ["x"]], "table": TOKENS,
}  # fmt: skip
for mode in ("one_hot", "multi_hot", "count"):
    for shape, inputs in LOOKED_UP.items():
        case(f"words, {mode}, {shape}", "StringLookup", inputs, vocabulary=ABCD, output_mode=mode)
        case(f"words, {mode}, {shape}, padded", "StringLookup", inputs, vocabulary=ABCD,
             output_mode=mode, max_tokens=8, pad_to_max_tokens=True, mask_token="x",
             num_oov_indices=2)  # fmt: skip

NUMBERS = [[12, 1138, 42], [42, 1000, 36], [0, -1, 2**40]]
KNOWN = [12, 36, 1138, 42]
case("ids", "IntegerLookup", NUMBERS, vocabulary=KNOWN)
case("one id", "IntegerLookup", 42, vocabulary=KNOWN)
case("ids with mask", "IntegerLookup", NUMBERS, vocabulary=KNOWN, mask_token=0)
case("ids in two places", "IntegerLookup", NUMBERS, vocabulary=KNOWN, num_oov_indices=2)
case("ids in five places, negative ones", "IntegerLookup", [-7, -1, 3, 4], vocabulary=KNOWN,
     num_oov_indices=5)  # fmt: skip
case("ids backwards", "IntegerLookup", [[1, 3, 4], [4, 0, 9]], vocabulary=KNOWN, invert=True)
case("ids backwards with mask", "IntegerLookup", [0, 1, 2], vocabulary=KNOWN, invert=True,
     mask_token=0)  # fmt: skip
case("ids learnt", "IntegerLookup", NUMBERS, adapt=[5, 5, 3, 42, 42, -1, 2**40, 7])
case("few ids learnt", "IntegerLookup", NUMBERS, adapt=[5, 5, 3, 42, 42, 7], max_tokens=3)
case("ids weighed", "IntegerLookup", NUMBERS, adapt=[[42, 12], [42, 42]], output_mode="tf_idf")
for mode in ("one_hot", "multi_hot", "count"):
    case(f"ids, {mode}", "IntegerLookup", NUMBERS, vocabulary=KNOWN, output_mode=mode)
    case(f"ids, {mode}, padded", "IntegerLookup", NUMBERS, vocabulary=KNOWN, output_mode=mode,
         max_tokens=9, pad_to_max_tokens=True, mask_token=0)  # fmt: skip

for standardize in ("lower_and_strip_punctuation", "lower", "strip_punctuation", None):
    for split in ("whitespace", "character"):
        case(f"texts, {standardize}, {split}", "TextVectorization", TEXTS, adapt=TEXTS,
             standardize=standardize, split=split)  # fmt: skip
    case(f"texts, {standardize}, whole", "TextVectorization", [[text] for text in TEXTS],
         adapt=[[text] for text in TEXTS], standardize=standardize, split=None)  # fmt: skip
case("texts in a column", "TextVectorization", [[text] for text in TEXTS], adapt=TEXTS)
case("one text", "TextVectorization", TEXTS[0], adapt=TEXTS)
case("few words", "TextVectorization", TEXTS, adapt=TEXTS, max_tokens=9)
for length in (1, 4, 70):
    case(f"texts of {length}", "TextVectorization", TEXTS, adapt=TEXTS,
         output_sequence_length=length)  # fmt: skip
case("tokens of 3", "TextVectorization", [["foo", "bar"], ["baz", "x"]], vocabulary=["foo", "baz"],
     split=None, output_sequence_length=3)  # fmt: skip
for widths in (2, 3, (2,), (3, 1)):
    case(f"n-grams, {widths}", "TextVectorization", TEXTS[:9], adapt=TEXTS[:9], ngrams=widths)
    case(f"n-grams, {widths}, counted", "TextVectorization", TEXTS[:3], adapt=TEXTS[:3],
         ngrams=widths, output_mode="count")  # fmt: skip
case("n-grams of characters", "TextVectorization", TEXTS[:2], adapt=TEXTS[:2], ngrams=2,
     split="character")  # fmt: skip
case("n-grams of tokens", "TextVectorization", [["foo", "bar", "x"], ["baz", "x", "foo"]],
     adapt=[["foo", "bar", "x"], ["baz", "x", "foo"]], split=None, ngrams=2)  # fmt: skip
for mode in ("multi_hot", "count", "tf_idf"):
    case(f"texts, {mode}", "TextVectorization", TEXTS[:9], adapt=TEXTS[:4], output_mode=mode)
    case(f"texts, {mode}, padded", "TextVectorization", TEXTS[:9], adapt=TEXTS[:4],
         output_mode=mode, max_tokens=20, pad_to_max_tokens=True)  # fmt: skip
    case(f"one text, {mode}", "TextVectorization", TEXTS[0], adapt=TEXTS[:4], output_mode=mode)
case("texts weighed", "TextVectorization", ["foo bar", "baz foo foo x"],
     vocabulary=["foo", "bar", "baz"], weights=[0.3, 0.5, 0.2], output_mode="tf_idf")  # fmt: skip


def make_layer(case, layers):
    """The layer of a case, from Keras's or fkeras's `layers`, with its vocabulary."""
    layer = getattr(layers, case["layer"])(**case["kwargs"])
    if case["adapt"] is not None:
        layer.adapt(case["adapt"])
    if case["set"] is not None:
        tokens, weights = case["set"]
        layer.set_vocabulary(tokens, *([] if weights is None else [weights]))
    return layer


MODEL_INPUTS = {
    "texts": [["foo é"], ["baz, qux"]],
    "weighed": ["foo é", "baz foo"],
    "columns": {
        "city": [["Rome"], ["x"]],
        "id": [[5], [9]],
        "street": [["v"], [""]],
    },
}


def make_models(keras):
    """Models that begin with strings, by name; from Keras or fkeras."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    texts = ["foo bar", "bar baz", "baz bada é"]
    vectorize = layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(texts)
    stack = [
        keras.Input((1,), dtype="string"),
        vectorize,
        layers.Embedding(9, 3, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1),
    ]
    yield "texts", keras.Sequential(stack)

    vectorize = layers.TextVectorization(output_mode="tf_idf")
    vectorize.adapt(texts)
    yield "weighed", keras.Sequential([keras.Input((), dtype="string"), vectorize, layers.Dense(2)])

    city = keras.Input((1,), dtype="string", name="city")
    number = keras.Input((1,), dtype="int64", name="id")
    street = keras.Input((1,), dtype="string", name="street")
    cities = layers.StringLookup(output_mode="one_hot")
    cities.adapt(["Oslo", "Rome", "Rome"])
    ids = layers.IntegerLookup(output_mode="multi_hot", num_oov_indices=2)
    ids.adapt([5, 7, 7])
    streets = layers.StringLookup(vocabulary=["u", "v"], mask_token="")
    parts = [
        cities(city),
        ids(number),
        layers.Hashing(4, output_mode="one_hot", salt=[1, 2])(street),
        layers.HashedCrossing(5, output_mode="one_hot")((city, number)),
        layers.Flatten()(layers.Embedding(4, 2)(streets(street))),
    ]
    outputs = layers.Dense(1)(layers.Concatenate()(parts))
    yield "columns", keras.Model([city, number, street], outputs)
