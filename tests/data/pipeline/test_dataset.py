"""Each method's elements, as tf.data gives them: the values were compared with TensorFlow 2.21."""

import collections

import numpy as np
import pandas
import pytest

from fkeras import ops
from fkeras.data import AUTOTUNE, Dataset, TensorSpec
from fkeras.errors import UserInputError, UserTypeError

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6)
Pair = collections.namedtuple("Pair", "a b")


def plain(value):
    if isinstance(value, tuple):
        return tuple(plain(part) for part in value)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value if value is None or isinstance(value, bytes) else value.tolist()


def listed(dataset):
    """All elements as Python values, and the number of elements that was promised."""
    return [plain(e) for e in dataset.as_numpy_iterator()], int(dataset.cardinality())


def up_to(n):
    return Dataset.range(n)


def made(n):
    """The same numbers, made one by one."""
    return Dataset.range(n).map(lambda v: v)


def triangle():
    for i in range(4):
        yield i, [i] * i


TRIANGLE = (TensorSpec((), "int32"), TensorSpec((None,), "int32"))
generated = lambda: Dataset.from_generator(triangle, output_signature=TRIANGLE)
rows = lambda *parts: Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])

CASES = {
    "slices": (rows(X[:2], Y[:2]), [([0.0, 1.0], 0), ([2.0, 3.0], 1)], 2),
    "slices of a dict": (rows({"a": [1, 2], "b": ["x", "y"]}),
                         [{"a": 1, "b": b"x"}, {"a": 2, "b": b"y"}], 2),
    "slices of strings": (rows(["a", "bc"]), [b"a", b"bc"], 2),
    "slices of bytes with zeros": (rows([b"a\0", b"c"]), [b"a\0", b"c"], 2),
    "slices of JAX arrays": (rows(ops.arange(2)), [0, 1], 2),
    "one element": (Dataset.from_tensors(([1, 2], {"a": 1.5})), [([1, 2], {"a": 1.5})], 1),
    "range": (Dataset.range(2, 10, 3), [2, 5, 8], 3),
    "range down": (Dataset.range(5, 0, -2), [5, 3, 1], 3),
    "long range": (Dataset.range(10**10).skip(10**10 - 2), [10**10 - 2, 10**10 - 1], 2),
    "counter": (Dataset.counter(3, 2).take(2), [3, 5], 2),
    "generator": (generated(), [(0, []), (1, [1]), (2, [2, 2]), (3, [3, 3, 3])], -2),
    "generator with types": (Dataset.from_generator(triangle, ("float32", "int64")).take(2),
                             [(0.0, []), (1.0, [1])], -2),
    "generator with arguments": (Dataset.from_generator(range, args=[2]), [0, 1], -2),
    "padded": (generated().padded_batch(3),
               [([0, 1, 2], [[0, 0], [1, 0], [2, 2]]), ([3], [[3, 3, 3]])], -2),
    "padded to a shape": (generated().padded_batch(2, ([], [3]), (0, -1), True),
                          [([0, 1], [[-1, -1, -1], [1, -1, -1]]),
                           ([2, 3], [[2, 2, -1], [3, 3, 3]])], -2),
    "padded, one value for all": (generated().skip(3).padded_batch(2, ([], [4]), 7),
                                  [([3], [[3, 3, 3, 7]])], -2),
    "padded dicts": (rows({"a": ["x", "yz"]}).padded_batch(2, {"a": []}),
                     [{"a": [b"x", b"yz"]}], 1),
    "map": (rows(X[:2], Y[:2]).map(lambda a, b: (a + 1, b)), [([1.0, 2.0], 0), ([3.0, 4.0], 1)], 2),
    "map of dicts": (rows({"a": [1, 2]}).map(lambda d: {"b": d["a"] + 1}), [{"b": 2}, {"b": 3}], 2),
    "map to numbers, strings, None": (up_to(1).map(lambda v: (1, 2.5, "q", None)),
                                      [(1, 2.5, b"q", None)], 1),
    "map to a list": (up_to(1).map(lambda v: [[1, 2], [3, 4]]), [([1, 2], [3, 4])], 1),
    "map by ops": (rows(X[:2]).map(lambda v: ops.sum(v)), [1.0, 5.0], 2),
    "map of namedtuples": (rows(Pair([1, 2], [3, 4])).map(lambda p: p.a + p.b), [4, 6], 2),
    "map in threads": (up_to(9).map(lambda v: v * 2, num_parallel_calls=3),
                       [0, 2, 4, 6, 8, 10, 12, 14, 16], 9),
    "map, AUTOTUNE": (up_to(5).map(lambda v: v * 2, AUTOTUNE), [0, 2, 4, 6, 8], 5),
    "filter": (up_to(6).filter(lambda v: v % 2 == 0), [0, 2, 4], -2),
    "filter of tuples": (rows(X, Y).filter(lambda a, b: b > 4), [([10.0, 11.0], 5)], -2),
    "take_while": (up_to(8).take_while(lambda v: v < 3), [0, 1, 2], -2),
    "batch": (up_to(5).batch(2), [[0, 1], [2, 3], [4]], 3),
    "batch without the rest": (up_to(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]], 2),
    "batch of what is made": (made(5).batch(2), [[0, 1], [2, 3], [4]], 3),
    "batch of batches": (up_to(5).batch(2).batch(2, True), [[[0, 1], [2, 3]]], 1),
    "batch of rows": (rows(X, Y).map(lambda a, b: (a, b)).batch(6), [(X.tolist(), Y.tolist())], 1),
    "batch of strings": (rows(["a", "bc"]).map(lambda v: v).batch(2), [[b"a", b"bc"]], 1),
    "repeat": (up_to(2).repeat(2), [0, 1, 0, 1], 4),
    "repeat 0": (up_to(2).repeat(0), [], 0),
    "repeat of nothing": (made(0).repeat(), [], 0),
    "batches over passes": (up_to(3).repeat(2).batch(4), [[0, 1, 2, 0], [1, 2]], 2),
    "take": (up_to(6).take(2), [0, 1], 2),
    "take all": (up_to(3).take(-1), [0, 1, 2], 3),
    "take of no end": (up_to(2).repeat().take(5), [0, 1, 0, 1, 0], 5),
    "skip": (made(6).skip(4), [4, 5], 2),
    "skip all": (up_to(6).skip(-1), [], 0),
    "skip of no end": (made(3).repeat().skip(4).take(3), [1, 2, 0], 3),
    "shard": (up_to(7).shard(3, 1), [1, 4], 2),
    "shard of what is made": (made(7).repeat(2).shard(3, 1), [1, 4, 0, 3, 6], 5),
    "shard over passes": (up_to(7).repeat(2).shard(3, 1), [1, 4, 0, 3, 6], 5),
    "concatenate": (up_to(2).concatenate(Dataset.range(5, 7)), [0, 1, 5, 6], 4),
    "enumerate": (rows(["a", "b"]).enumerate(start=5), [(5, b"a"), (6, b"b")], 2),
    "zip": (Dataset.zip((up_to(3), Dataset.range(10, 15))), [(0, 10), (1, 11), (2, 12)], 3),
    "zip, nested": (Dataset.zip(up_to(2), (made(3), rows(X, Y))),
                    [(0, (0, ([0.0, 1.0], 0))), (1, (1, ([2.0, 3.0], 1)))], 2),
    "zip of a dict": (Dataset.zip({"a": up_to(1), "b": up_to(2).repeat()}), [{"a": 0, "b": 0}], 1),
    "zip of rows": (Dataset.zip(up_to(3), rows(X, Y)).batch(2, True),
                    [([0, 1], ([[0.0, 1.0], [2.0, 3.0]], [0, 1]))], 1),
    "cache": (made(2).cache().repeat(2), [0, 1, 0, 1], 4),
    "unbatch": (rows(X, Y).batch(4).unbatch().skip(4), [([8.0, 9.0], 4), ([10.0, 11.0], 5)], 2),
    "unbatch of dicts": (rows({"a": [[1, 2]]}).unbatch(), [{"a": 1}, {"a": 2}], -2),
    "rebatch": (up_to(5).batch(4).rebatch(3), [[0, 1, 2], [3, 4]], 2),
    "window": (up_to(7).window(3, shift=2, drop_remainder=True).flat_map(lambda w: w.batch(3)),
               [[0, 1, 2], [2, 3, 4], [4, 5, 6]], -2),
    "window with the rest": (up_to(4).window(3).flat_map(lambda w: w.batch(3)),
                             [[0, 1, 2], [3]], -2),
    "window with strides": (made(7).window(3, 2, 2).flat_map(lambda w: w.batch(3)),
                            [[0, 2, 4], [2, 4, 6], [4, 6], [6]], -2),
    "window with gaps": (made(9).window(2, 4).flat_map(lambda w: w.batch(3)),
                         [[0, 1], [4, 5], [8]], -2),
    "window over passes": (up_to(3).repeat(2).window(4, 2).flat_map(lambda w: w.batch(4)),
                           [[0, 1, 2, 0], [2, 0, 1, 2], [1, 2]], -2),
    "window of tuples": (
        rows(X[:2], Y[:2]).window(2).flat_map(lambda a, b: Dataset.zip(a.batch(2), b.batch(2))),
        [([[0.0, 1.0], [2.0, 3.0]], [0, 1])], -2),
    "window's length": (up_to(5).window(2).map(lambda w: len(w)), [2, 2, 1], 3),
    "flat_map": (up_to(2).flat_map(lambda v: Dataset.from_tensors(v).repeat(2)), [0, 0, 1, 1], -2),
    "interleave": (Dataset.range(1, 4).interleave(
        lambda v: Dataset.from_tensors(v).repeat(3), cycle_length=2, block_length=2),
        [1, 1, 2, 2, 1, 2, 3, 3, 3], -2),
    "apply": (up_to(3).apply(lambda d: d.batch(2)), [[0, 1], [2]], 2),
    "scan": (up_to(4).scan(0, lambda state, v: (state + v, state + v)), [0, 1, 3, 6], 4),
    "unique": (rows([1, 37, 2, 37, 1]).unique(), [1, 37, 2], -2),
    "prefetch": (made(3).prefetch(AUTOTUNE), [0, 1, 2], 3),
    "buckets": (generated().map(lambda i, v: v).bucket_by_sequence_length(len, [2, 4], [2, 2, 1]),
                [[[0], [1]], [[2, 2, 0], [3, 3, 3]]], -2),
    "buckets to their boundary": (
        generated().map(lambda i, v: v).bucket_by_sequence_length(
            len, [2, 5], [2, 2, 1], padding_values=-1, pad_to_bucket_boundary=True),
        [[[-1], [1]], [[2, 2, -1, -1], [3, 3, 3, -1]]], -2),
    "groups": (up_to(7).group_by_window(lambda v: v % 2, lambda k, w: w.batch(2), window_size=2),
               [[0, 2], [1, 3], [4, 6], [5]], -2),
    "chosen": (Dataset.choose_from_datasets([up_to(2), made(9)], rows([1, 0, 1, 0, 0])),
               [0, 0, 1, 1], -2),
    "sampled from one": (Dataset.sample_from_datasets([up_to(2), up_to(0)]), [0, 1], 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_elements_and_their_number(name):
    dataset, expected, count = CASES[name]
    assert listed(dataset) == (expected, count)
    assert listed(dataset) == (expected, count), "the second pass"
    assert [plain(e) for e in iterate_wrapped(dataset)] == expected


def iterate_wrapped(dataset):
    return (unwrapped(element) for element in dataset)


def unwrapped(element):
    if isinstance(element, tuple):
        return tuple(unwrapped(part) for part in element)
    if isinstance(element, dict):
        return {key: unwrapped(part) for key, part in element.items()}
    return None if element is None else element.numpy()


DTYPES = [
    ([1, 2], "int32"),
    ([1.0], "float32"),
    (np.ones(2), "float64"),
    (np.ones(2, np.float16), "float16"),
    ([True], "bool"),
    (["a"], "string"),
    ([2**40], "int64"),
]


@pytest.mark.parametrize("values, dtype", DTYPES)
def test_dtypes_are_those_of_tensors(values, dtype):
    assert Dataset.from_tensor_slices(values).element_spec == TensorSpec((), dtype)


SPECS = [
    (rows(X, ["a"] * 6), (TensorSpec((2,), "float64"), TensorSpec((), "string"))),
    (rows(X).batch(4), TensorSpec((None, 2), "float64")),
    (rows(X).batch(4, drop_remainder=True), TensorSpec((4, 2), "float64")),
    (rows({"a": X}).batch(4).map(lambda d: d["a"] * 2), TensorSpec((None, 2), "float64")),
    (rows(X).map(lambda v: v[:1]), TensorSpec((1,), "float64")),
    (generated(), TRIANGLE),
    (Dataset.zip(up_to(3), made(3)).batch(2).unbatch(), (TensorSpec((), "int64"),) * 2),
    (up_to(3).enumerate().shuffle(2).repeat(), (TensorSpec((), "int64"),) * 2),
]


@pytest.mark.parametrize("dataset, spec", SPECS, ids=lambda value: "")
def test_the_spec_of_elements(dataset, spec):
    assert dataset.element_spec == spec


def test_to_look_at_the_spec_changes_no_order():
    make = lambda: up_to(9).shuffle(9, seed=3).map(lambda v: v)
    looked_at, other = make(), make()
    assert looked_at.element_spec == TensorSpec((), "int64")
    assert listed(looked_at) == listed(other)


def test_the_columns_of_a_frame():
    frame = pandas.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 2]})
    dataset = Dataset.from_tensor_slices((dict(frame[["a", "b"]]), frame.pop("c")))
    assert listed(dataset) == ([({"a": 1.5, "b": b"x"}, 1), ({"a": 2.5, "b": b"y"}, 2)], 2)
    assert listed(rows(frame[["a"]])) == ([[1.5], [2.5]], 2)


def test_reduce_and_a_single_element():
    assert int(up_to(5).reduce(0, lambda total, v: total + v)) == 10
    assert rows(X, Y).reduce(0, lambda n, row: n + row[1]) == 15
    assert up_to(1).get_single_element() == 0
    for count in (0, 2):
        with pytest.raises(UserInputError, match="get_single_element"):
            up_to(count).get_single_element()


def test_lengths():
    assert len(up_to(5).batch(2)) == 3 and bool(up_to(0))
    assert int(up_to(2).repeat().cardinality().numpy()) == -1
    with pytest.raises(TypeError, match="no end.*take"):
        len(up_to(2).repeat())
    with pytest.raises(TypeError, match=r"range\.filter is not known"):
        len(up_to(2).filter(lambda v: v > 0))
    assert repr(up_to(4).batch(2)) == "<Dataset range.batch: 2 elements>"


ERRORS = [
    (lambda: rows(X, Y[:2]), r"lengths 6, 2 \(shapes \(6, 2\), \(2,\)\)"),
    (lambda: rows(3.0), "from_tensors"),
    (lambda: rows(()), "no array"),
    (lambda: rows([[1, 2], [3]]), "different lengths.*from_generator"),
    (lambda: rows(object()), "object"),
    (lambda: Dataset([1]), "class method"),
    (lambda: Dataset.from_generator(triangle()), "pass the function"),
    (lambda: Dataset.from_generator(triangle, "int32", output_signature=TRIANGLE), "either"),
    (lambda: Dataset.from_generator(triangle, output_signature="int32"), "TensorSpec"),
    (lambda: Dataset.range(), "1 to 3"),
    (lambda: up_to(3).batch(0), "`batch_size` must be 1 or more. Received: 0"),
    (lambda: up_to(3).batch(2.5), "integer"),
    (lambda: up_to(3).shuffle(), "buffer_size"),
    (lambda: up_to(3).shuffle(0), "1 or more"),
    (lambda: up_to(3).repeat(-2), "-1 or more"),
    (lambda: up_to(3).shard(2, 2), "below 2"),
    (lambda: up_to(3).map(3), "expected a function"),
    (lambda: up_to(3).concatenate([1]), "expected a Dataset"),
    (lambda: up_to(3).apply(lambda d: 1), "must return a Dataset"),
    (lambda: Dataset.zip([1, 2]), "expected datasets"),
    (lambda: Dataset.sample_from_datasets([up_to(1)], [1, 2]), "needs 1 numbers"),
    (lambda: up_to(3).group_by_window(len, len), "either"),
    (lambda: up_to(3).bucket_by_sequence_length(len, [2], [2]), "one entry more"),
]  # fmt: skip


@pytest.mark.parametrize("make, message", ERRORS)
def test_wrong_arguments_are_errors_at_once(make, message):
    with pytest.raises(UserInputError, match=message):
        make()


LATE = [
    (lambda: generated().batch(2), r"element\[1\].*\(0,\), \(1,\).*padded_batch"),
    (lambda: generated().padded_batch(4, ([], [2])), r"\(3,\), longer than.*\(2,\)"),
    (lambda: generated().padded_batch(4, ([], [2], [])), "3 entries"),
    (lambda: rows(X, Y).map(lambda a: a), "tuple of 2, passed as 2 arguments"),
    (lambda: up_to(2).map(lambda v: None), "return"),
    (lambda: up_to(2).map(lambda v: object()), "type object"),
    (lambda: up_to(2).flat_map(lambda v: v), "must return a Dataset"),
    (lambda: up_to(2).unbatch(), "same first length"),
    (lambda: up_to(2).scan(0, lambda s, v: s), "tuple"),
    (lambda: made(2).map(lambda v: v if v else (v, v)).batch(2), "one structure"),
    (lambda: up_to(4).window(2).batch(2), "flat_map"),
    (lambda: Dataset.from_generator(triangle, "int32", [()]), "element 0"),
    (lambda: Dataset.from_generator(triangle, ("int32", "int32"), ((), (2,))), r"\(2,\).*\(0,\)"),
    (lambda: Dataset.from_generator(triangle, ("string", "int32")), "expected string"),
    (lambda: Dataset.choose_from_datasets([up_to(1)], up_to(2)), "from 0 to 0"),
]  # fmt: skip


@pytest.mark.parametrize("make, message", LATE)
def test_wrong_elements_are_errors_where_they_are_read(make, message):
    dataset = make()
    with pytest.raises(UserInputError, match=message):
        list(dataset)


@pytest.mark.parametrize("parallel", [None, 2, AUTOTUNE])
def test_a_users_error_comes_as_it_is_with_its_own_line(parallel):
    def fails(value):
        raise KeyError("mine")

    dataset = up_to(9).map(fails, num_parallel_calls=parallel).batch(2).prefetch(1)
    with pytest.raises(KeyError, match="mine") as raised:
        list(dataset)
    assert raised.traceback[-1].name == "fails"


def test_a_type_error_inside_of_the_function_is_not_explained_away():
    with pytest.raises(TypeError) as raised:
        list(up_to(1).map(lambda v: len(3)))
    assert not isinstance(raised.value, UserTypeError)


def test_batches_of_arrays_are_not_copied_and_cannot_change_them():
    x = np.ones((4, 2), np.float32)
    batch = next(Dataset.from_tensor_slices(x).batch(2).as_numpy_iterator())
    assert np.shares_memory(batch, x) and type(batch) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        batch[0] = 0


def test_a_generator_is_called_with_values_of_numpy_which_are_keys_of_dicts():
    table = {1: "one", b"ab": "text"}

    def generate(number, text, row):
        yield len(table[number]) + len(table[text]) + row.sum()

    given = Dataset.range(1, 2).flat_map(
        lambda number: Dataset.from_generator(generate, args=(number, "ab", [1, 2]))
    )
    assert [int(x) for x in given] == [10]
