import re
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from fkeras.core import settings
from fkeras.data import make_source
from fkeras.errors import UserInputError, UserTypeError

SEVEN = np.arange(7.0)


def x_of(*args, **kwargs):
    return make_source(*args, **kwargs).arrays[0]


# what is given, dtype and shape of what a model is given
CONVERTED = [
    (np.ones((3, 2)), "float32", (3, 2)),
    (np.ones((3, 2), np.float16), "float32", (3, 2)),
    (np.ones((3, 2), ">f4"), "float32", (3, 2)),
    (np.ones((3, 2), ">i2"), "int16", (3, 2)),
    (np.arange(3), "int32", (3,)),
    (np.arange(3, dtype=np.uint64), "uint32", (3,)),
    (np.arange(3, dtype=np.uint8), "uint8", (3,)),
    (np.array([True, False]), "bool", (2,)),
    (np.array([1j, 2]), "complex64", (2,)),
    ([1, 2, 3], "int32", (3,)),
    ([1.5, 2, 3], "float32", (3,)),
    ([True, False], "bool", (2,)),
    ([np.float64(1), np.float64(2)], "float32", (2,)),
    ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "float32", (3, 2)),
    ([[[1], [2]], [[3], [4]]], "int32", (2, 2, 1)),
    ([(1.0, 2.0), (3.0, 4.0)], "float32", (2, 2)),
    (range(4), "int32", (4,)),
    (np.array([1, 2.5, True], dtype=object), "float32", (3,)),
    (np.array([[1, 2], [3, 4]], dtype=object), "int32", (2, 2)),
    (np.array([True, False], dtype=object), "bool", (2,)),
    (jnp.ones((2, 2), jnp.bfloat16), "float32", (2, 2)),
    (np.asarray(jnp.ones((2, 2), jnp.bfloat16)), "float32", (2, 2)),
]


@pytest.mark.parametrize(
    "given, dtype, shape", CONVERTED, ids=lambda v: str(getattr(v, "dtype", v))[:30]
)
def test_numbers_become_arrays_in_the_dtype_that_models_are_given(given, dtype, shape):
    if isinstance(given, range):
        given = list(given)
    found = x_of(given)
    assert (str(found.dtype), found.shape) == (dtype, shape)
    assert np.array_equal(np.asarray(found, np.complex64), np.array(given, np.complex64))


def test_arrays_in_the_right_dtype_are_not_copied():
    x, y = np.ones((3, 2), "float32"), np.arange(3, dtype="int32")
    source = make_source(x, y)
    assert source.arrays[0] is x and source.arrays[1] is y
    assert np.shares_memory(source.batch(slice(0, 2))[0], x)


def test_jax_arrays_stay_on_the_device():
    x = jnp.ones((3, 2))
    assert x_of(x) is x
    assert np.array_equal(make_source(jnp.arange(6.0)).batch(np.array([4, 1]))[0], [4, 1])


def test_floatx_decides_the_dtype_of_floats():
    settings.set_floatx("float16")
    assert x_of(np.ones((3, 2))).dtype == "float16"


def test_tensors_of_other_frameworks_are_read():
    class Tensor:  # as PyTorch's
        shape, dtype = (2,), "torch.float64"
        detach = cpu = lambda self: self
        __array__ = lambda self, dtype=None, copy=None: np.array([1.0, 2.0])

    assert x_of(Tensor()).tolist() == [1, 2]


def test_column_of_lists_becomes_an_axis():
    x = np.empty(2, object)
    x[:] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert x_of(x).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_strings_stay_strings_as_inputs():
    assert x_of(["a", "bc"]).tolist() == ["a", "bc"]
    assert x_of(np.array(["a", "bc"], object)).tolist() == ["a", "bc"]


def test_structures_keep_their_shape_and_none():
    Pair = __import__("collections").namedtuple("Pair", "a b")
    x = {"b": [SEVEN, None], "a": (SEVEN, Pair(SEVEN, {"c": [1, 2, 3, 4, 5, 6, 7]}))}
    source = make_source(types.MappingProxyType(x), [SEVEN, SEVEN.tolist()])
    got, y = source.batch(slice(2, 4))
    assert list(got) == ["b", "a"] and got["b"][1] is None
    assert isinstance(got["a"], tuple) and type(got["a"][1]).__name__ == "Pair"
    assert got["a"][1].b["c"].tolist() == [3, 4]
    assert isinstance(y, list) and [v.tolist() for v in y] == [[2, 3], [2, 3]]


def test_batches_cover_all_samples_and_the_last_is_smaller():
    source = make_source(SEVEN, SEVEN, SEVEN, batch_size=3)
    assert (source.num_samples, source.batch_size, source.steps) == (7, 3, 3)
    assert [[part.tolist() for part in batch] for batch in source.epoch(None)] == [
        [[0, 1, 2]] * 3,
        [[3, 4, 5]] * 3,
        [[6]] * 3,
    ]


@pytest.mark.parametrize(
    "given, size, steps",
    [
        ({}, 32, 1),
        ({"batch_size": 2}, 2, 4),
        ({"batch_size": 100}, 100, 1),
        ({"batch_size": 2.0}, 2, 4),
        ({"steps_per_epoch": 2}, 4, 2),
        ({"batch_size": 2, "steps_per_epoch": 9}, 2, 4),
        ({"default_batch_size": 3}, 3, 3),
        ({"batch_size": 2, "default_batch_size": 3}, 2, 4),
    ],
)
def test_batch_size(given, size, steps):
    source = make_source(SEVEN, **given)
    assert (source.batch_size, source.steps) == (size, steps)


def test_order_is_a_pure_function_of_seed_and_epoch():
    source = make_source(np.arange(50), shuffle=True)
    first = source.order(3, 1)
    assert sorted(first) == list(range(50))
    assert np.array_equal(first, make_source(np.ones(50), shuffle=True).order(3, 1))
    assert not np.array_equal(first, source.order(3, 2)) and not np.array_equal(
        first, source.order(4, 1)
    )
    assert source.order(2**64 - 1, 0).dtype == np.int32
    # Written down: an update of NumPy must not change the order of a resumed run.
    assert make_source(np.arange(6), shuffle=True).order(0, 0).tolist() == [3, 2, 5, 4, 0, 1]


def test_order_within_batches():
    order = make_source(np.arange(50), batch_size=20, shuffle="batch").order(0, 0)
    assert order.tolist() != list(range(50))
    assert [sorted(order[i : i + 20].tolist()) for i in (0, 20, 40)] == [
        list(range(20)),
        list(range(20, 40)),
        list(range(40, 50)),
    ]


def test_without_shuffle_there_is_no_order():
    assert make_source(SEVEN).order(0, 0) is None


def test_a_batch_is_gathered_in_the_order_given():
    x, y = make_source(np.arange(14).reshape(7, 2), SEVEN).batch(np.array([5, 0]))
    assert x.tolist() == [[10, 11], [0, 1]] and y.tolist() == [5, 0]


def test_a_source_stays_itself():
    source = make_source(SEVEN)
    assert make_source(source) is source


def test_tuple_of_x_and_y_is_told():
    assert "did you mean fit(x, y)" in make_source((SEVEN, SEVEN)).targets_hint
    assert make_source(SEVEN).targets_hint == ""
    assert make_source((SEVEN, SEVEN), SEVEN).targets_hint == ""


ragged = np.empty(2, object)
ragged[:] = [[1.0], [1.0, 2.0]]

# arguments, error, words of the message
BAD = [
    ((None,), {}, UserInputError, "`x` is None"),
    ((np.zeros((0, 4)),), {}, UserInputError, "x has 0 samples"),
    (([], []), {}, UserInputError, "x and y have 0 samples"),
    ((SEVEN, SEVEN[:5]), {}, UserInputError, r"ambiguous.*x: 7, y: 5"),
    ((SEVEN, SEVEN, SEVEN[:1]), {}, UserInputError, r"x: 7, y: 7, sample_weight: 1"),
    (({"a": SEVEN, "b": SEVEN[:2]}, None), {}, UserInputError, r"x\['a'\]: 7, x\['b'\]: 2"),
    (([np.ones(4)] * 9, np.ones(9)), {}, UserInputError, r"list of arrays.*np.stack\(x\)"),
    ((SEVEN,), {"batch_size": -4}, UserInputError, "batch_size=-4"),
    ((SEVEN,), {"batch_size": 0}, UserInputError, "batch_size=0"),
    ((SEVEN,), {"batch_size": 2.5}, UserTypeError, "`batch_size` must be a positive integer"),
    ((SEVEN,), {"batch_size": True}, UserTypeError, "positive integer"),
    ((SEVEN,), {"batch_size": "8"}, UserTypeError, "positive integer"),
    ((SEVEN,), {"steps_per_epoch": 0, "role": "validation"}, UserInputError, "`validation_steps`"),
    ((SEVEN,), {"shuffle": "rows"}, UserInputError, "'batch'"),
    ((3.0,), {}, UserTypeError, "float"),
    (("data.csv",), {}, UserTypeError, "Unrecognized data type: `x` is a str"),
    ((lambda: None,), {}, UserTypeError, r"is the function.*call it"),
    ((object(),), {}, UserTypeError, "type object"),
    (({},), {}, UserInputError, "holds no array"),
    ((np.float32(3),), {}, UserInputError, "single number"),
    (([[1.0], [1.0, 2.0]],), {}, UserInputError, "different lengths.*pad_sequences"),
    ((ragged,), {}, UserInputError, "different shapes.*pad_sequences"),
    ((np.array([1, None, None], object),), {}, UserInputError, "x has 2 missing values"),
    ((np.array([1, "b"], object),), {}, UserInputError, "entry 1 is the str 'b'"),
    ((SEVEN, ["a"] * 7), {}, UserInputError, "y holds strings"),
    ((SEVEN, SEVEN, ["a"] * 7), {}, UserInputError, "sample_weight holds strings"),
    ((np.array([2**40, 1]),), {}, UserInputError, "x holds 1099511627776.*jax_enable_x64"),
    ((np.array([-(2**40), 1]),), {}, UserInputError, "x holds -1099511627776"),
    ((np.array([2**64 - 1], np.uint64),), {}, UserInputError, "does not fit into uint32"),
    (([10**30],), {}, UserInputError, "do not fit into int64"),
    ((np.array(["2020-01-01"], "datetime64[D]"),), {}, UserInputError, "dates or times"),
    ((np.zeros(2, [("a", "f4")]),), {}, UserInputError, "values of dtype"),
    ((np.ma.masked_array([1.0, 2.0], [True, False]),), {}, UserInputError, "1 masked values"),
]


@pytest.mark.parametrize("args, kwargs, error, words", BAD, ids=[words[:30] for *_, words in BAD])
def test_bad_data_is_refused_in_few_lines(args, kwargs, error, words):
    with pytest.raises(error, match=words) as caught:
        make_source(*args, **kwargs)
    assert len(str(caught.value).splitlines()) <= 15 and len(str(caught.value)) < 600


def test_messages_use_the_names_of_the_arguments():
    names = ("validation_data[0]", "validation_data[1]", "validation_data[2]")
    with pytest.raises(UserInputError, match=r"validation_data\[0\] has 0 samples"):
        make_source(np.zeros((0, 2)), role="validation", argument_names=names)


def test_samples_without_any_weight_warn():
    with pytest.warns(UserWarning, match="no sample has weight"):
        make_source(SEVEN, SEVEN, np.zeros(7))


def test_weights_are_not_complex():
    with pytest.raises(UserInputError, match="sample_weight holds complex numbers"):
        make_source(np.ones((2, 1)), np.ones(2), np.ones(2, complex))


def test_weights_are_floats():
    weight = make_source(SEVEN, SEVEN, np.arange(7)).arrays[2]
    assert weight.dtype == "float32"
    assert make_source(SEVEN, None, SEVEN).arrays[1] is None


class _Coo:
    """As scipy.sparse's."""

    def __init__(self, dense):
        self.shape, (self.row, self.col) = dense.shape, np.nonzero(dense)
        self.row, self.col = (
            np.append(self.row, self.row[:1])[::-1],
            np.append(self.col, self.col[:1])[::-1],
        )  # any order, a cell twice
        self.data = np.full(len(self.row), 1.0)

    tocoo = lambda self: self


_Coo.__module__ = "scipy.sparse._coo"


def test_sparse_matrices_come_dense_batch_by_batch():
    dense = (np.arange(12).reshape(4, 3) % 5 == 1).astype(float)
    source = make_source(_Coo(dense), np.arange(4), batch_size=3)
    expected = dense.copy()
    expected[0, 1] = 2
    assert [x.tolist() for x, _ in source.epoch(None)] == [
        expected[:3].tolist(),
        expected[3:].tolist(),
    ]
    assert source.batch(np.array([3, 0]))[0].tolist() == expected[[3, 0]].tolist()
    assert source.arrays[0].dtype.kind == "O", "the loop must not put it on a device"


def test_sparse_matrices_of_scipy_and_jax():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    from jax.experimental import sparse as jax_sparse

    dense = np.random.default_rng(0).integers(0, 2, (5, 4)).astype("float32")
    for matrix in (
        scipy_sparse.csr_matrix(dense),
        scipy_sparse.coo_array(dense),
        jax_sparse.BCOO.fromdense(dense, nse=19),
    ):
        assert np.array_equal(make_source(matrix).batch(np.array([4, 2, 2]))[0], dense[[4, 2, 2]])


# -- where arrays lie ------------------------------------------------------------------------------


def on_mesh(array, kind):
    mesh = jax.make_mesh((1,), ("data",), axis_types=(kind,))
    return jax.device_put(array, NamedSharding(mesh, PartitionSpec("data")))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("place", ["x", "x['a']", "y", "sample_weight"])
def test_rows_on_explicit_axes_are_refused_where_they_would_be_cut(place, shuffle):
    rows = np.ones((4, 2), "float32")
    there = on_mesh(rows, AxisType.Explicit)
    x = {"x": there, "x['a']": {"a": there, "b": rows}}.get(place, rows)
    y, weight = (there[:, 0] if place == name else rows[:, 0] for name in ("y", "sample_weight"))
    with pytest.raises(UserInputError, match=f"^{re.escape(place)} lies on a mesh with explicit"):
        make_source(x, y, weight, batch_size=2, shuffle=shuffle)


def test_rows_that_are_not_cut_or_on_automatic_axes_are_taken():
    rows = np.ones((4, 2), "float32")
    make_source(on_mesh(rows, AxisType.Explicit), batch_size=4)
    source = make_source(on_mesh(rows, AxisType.Auto), batch_size=2, shuffle=True)
    assert source.batch(np.array([0, 3]))[0].shape == (2, 2)
