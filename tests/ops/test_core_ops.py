"""Conversion, casting, control flow, blocks and scattered writes; what every op says when it is
called wrongly.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

# -- conversion ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ([1, 2], None, "int32"),
        ([1.0, 2.0], None, "float32"),
        (np.arange(3.0), None, "float32"),
        (np.arange(3), None, "int32"),
        ([True, False], None, "bool"),
        ([1, 2], "bfloat16", "bfloat16"),
        ((1, jnp.array(2), 3), None, "int32"),
        ([], None, "float32"),
    ],
)
def test_convert_to_tensor_gives_an_array_of_the_right_dtype(value, dtype, expected):
    x = ops.convert_to_tensor(value, dtype=dtype)
    assert ops.is_tensor(x)
    assert ops.dtype(x) == expected
    np.testing.assert_array_equal(
        ops.convert_to_numpy(x).astype("float32"), np.asarray(value, "float32")
    )


def test_integers_that_jax_would_cut_are_an_error_not_another_number():
    ids = np.array([1, 2**40])
    for call in (
        lambda: ops.convert_to_tensor(ids),
        lambda: ops.cast(ids, "int32"),
        lambda: ops.add(ids, 1),
        lambda: ops.sum(ids),
    ):
        with pytest.raises(
            UserInputError, match="from 1 to 1099511627776 do not fit into int32.*jax_enable_x64"
        ):
            call()
    assert ops.cast(ids, "float32")[1] == 2.0**40
    assert ops.add(np.array([2**31 - 1]), 0)[0] == 2**31 - 1


def test_narrow_integers_wrap_around_as_the_docstring_of_add_says():  # B079
    a, b = np.array([200], "uint8"), np.array([100], "uint8")
    assert ops.add(a, b).tolist() == (a + b).tolist() == [44] and ops.subtract(b, a).tolist() == [
        156
    ]
    assert "wrap around" in ops.add.__doc__


def test_variables_are_read_wherever_they_stand():
    variable = fkeras.Variable(np.array([1.0, 2.0], "float32"))
    np.testing.assert_array_equal(ops.add(variable, 1.0), [2, 3])
    np.testing.assert_array_equal(ops.stack([variable, [3.0, 4.0]]), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(ops.scan(lambda c, x: (c + x, c), 0.0, variable)[1], [0, 1])
    np.testing.assert_array_equal(ops.convert_to_numpy(variable), [1, 2])
    assert ops.cast(variable, "int32").dtype == "int32"


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ([-1, 256, 7], "float32", "uint8", [0, 255, 7]),
        ([np.inf, -np.inf], "float32", "int8", [127, -128]),
        ([3e9, -3e9, 2147483520], "float32", "int32", [2147483647, -2147483648, 2147483520]),
        ([1e9], "float32", "float16", [65504]),
        ([-3, 300], "int32", "uint8", [0, 255]),
        ([2, 0, -1], "int32", "bool", [1, 0, 0]),
    ],
)
def test_saturate_cast_stops_at_the_range_of_the_target(value, source, target, expected):
    out = ops.saturate_cast(np.array(value, source), target)
    assert out.dtype == target
    np.testing.assert_array_equal(np.asarray(out).astype("float64"), expected)


def test_stop_gradient_is_a_constant_for_gradients():
    assert jax.grad(lambda x: x * ops.stop_gradient(x))(3.0) == 3.0


def test_result_type_follows_keras(keras):
    dtypes = [
        int,
        float,
        None,
        "bool",
        "uint8",
        "int8",
        "uint16",
        "int32",
        "uint32",
        "float16",
        "bfloat16",
        "float32",
        "complex64",
    ]
    for a in dtypes:
        for b in dtypes:
            if "complex64" in (a, b) and (int in (a, b) or float in (a, b)):
                continue
            assert fkeras.backend.result_type(a, b) == keras.backend.result_type(a, b), (a, b)
    with pytest.raises(UserInputError, match="float8"):
        fkeras.backend.result_type("float8_e4m3fn", "float32")


def test_integers_in_float_functions_become_floatx():
    fkeras.config.set_floatx("bfloat16")
    assert ops.sin(np.array([1, 2])).dtype == "bfloat16"
    assert ops.mean([1, 2]).dtype == "bfloat16"
    assert ops.ones(2).dtype == "bfloat16"


# -- control flow --------------------------------------------------------------


def test_branches():
    assert ops.cond(True, lambda: 1, lambda: 2) == 1
    assert ops.cond(False, lambda: None, lambda: None) is None
    assert jax.jit(lambda p: ops.cond(p, lambda: 1.0, lambda: 2.0))(False) == 2.0
    branches = [lambda x, y: x + y, lambda x, y: x - y]
    assert [float(ops.switch(i, branches, 2.0, 0.5)) for i in (-1, 0, 1, 9)] == [2.5, 2.5, 1.5, 1.5]


def test_loops():
    assert ops.while_loop(lambda i: i < 10, lambda i: i + 3, 0) == 12
    assert ops.while_loop(lambda i: i < 10, lambda i: i + 3, 0, maximum_iterations=2) == 6
    assert ops.while_loop(lambda x, y: x < 10, lambda x, y: (x + 1, y + 1), [0, 1]) == (10, 11)
    assert ops.fori_loop(0, 10, lambda i, s: s + i, 0) == 45
    carry, ys = ops.scan(
        lambda c, x: (c + x["a"], c * x["b"]), 1.0, {"a": np.ones(3), "b": np.arange(3.0)}
    )
    assert carry == 4.0
    np.testing.assert_array_equal(ys, [0, 2, 6])
    np.testing.assert_array_equal(ops.scan(lambda c, _: (c + 1, c), 0, length=3)[1], [0, 1, 2])
    np.testing.assert_array_equal(
        ops.scan(lambda c, x: (c + x, c + x), 0, np.arange(4), reverse=True)[1], [6, 6, 5, 3]
    )
    np.testing.assert_array_equal(
        ops.associative_scan(lambda a, b: a + b, np.arange(5), reverse=True), [10, 10, 9, 7, 4]
    )


def test_mapping_over_axis_0():
    xs = (np.arange(3.0), np.ones(3))
    for mapping in (ops.map, ops.vectorized_map):
        out = mapping(lambda p: {"sum": p[0] + p[1], "double": p[0] * 2}, xs)
        np.testing.assert_array_equal(out["sum"], [1, 2, 3])
        np.testing.assert_array_equal(out["double"], [0, 2, 4])
    outer = ops.vectorize(lambda a, b: a @ b, signature="(n),(n)->()")
    np.testing.assert_array_equal(outer(np.ones((4, 2)), np.ones(2)), [2, 2, 2, 2])


def test_symbolic_control_flow_knows_its_shapes():
    x = KerasTensor((None, 5))
    assert ops.map(lambda r: {"a": r**2, "b": r[:2]}, x)["b"].shape == (None, 2)
    assert ops.vectorized_map(lambda r: ops.sum(r), x).shape == (None,)
    carry, ys = ops.scan(lambda c, r: (c + r, ops.sum(c)), KerasTensor((5,)), KerasTensor((7, 5)))
    assert (carry.shape, ys.shape) == ((5,), (7,))
    assert ops.while_loop(lambda x: False, lambda x: x, x).shape == (None, 5)
    assert ops.switch(KerasTensor((), "int32"), [lambda a: a[:, 0]], x).shape == (None,)
    assert ops.associative_scan(lambda a, b: a + b, x, axis=1).shape == (None, 5)
    with pytest.raises(UserInputError, match="outputs of the same kind"):
        ops.cond(KerasTensor((), "bool"), lambda: ops.ones(3), lambda: ops.ones(4))


def test_errors_of_the_users_own_function_pass_unchanged():
    class MineError(ValueError):
        pass

    def fails(*args):
        raise MineError("mine")

    for call in (
        lambda: ops.map(fails, np.ones(3)),
        lambda: ops.scan(fails, 0.0, np.ones(3)),
        lambda: ops.cond(True, fails, fails),
        lambda: ops.vectorized_map(fails, np.ones(3)),
        lambda: ops.map(fails, KerasTensor((3,))),
    ):
        with pytest.raises(MineError, match="^mine"):
            call()


# -- blocks and scattered writes -----------------------------------------------


def test_scatter_adds_and_scatter_update_replaces():
    np.testing.assert_array_equal(
        ops.scatter([[0, 1], [1, 1], [0, 1]], [1.0, 2.0, 5.0], (2, 2)), [[0, 6], [0, 2]]
    )
    base = np.full((2, 3), 2.0)
    np.testing.assert_array_equal(
        ops.scatter_update(base, [[0, -1]], [9.0]), [[2, 2, 9], [2, 2, 2]]
    )
    np.testing.assert_array_equal(
        ops.scatter_update(base, [[1]], [[1.0, 2.0, 3.0]]), [[2, 2, 2], [1, 2, 3]]
    )
    expected = {"add": [6, 2], "mul": [6, 2], "max": [3, 2], "min": [1, 2]}
    for reduction, values in expected.items():
        np.testing.assert_array_equal(
            ops.scatter_update([2.0, 2.0], [[0], [0]], [1.0, 3.0], reduction), values
        )
    assert ops.scatter(KerasTensor((5, 2), "int32"), KerasTensor((5,)), (4, 4)).shape == (4, 4)


def test_blocks_are_read_and_written_at_traced_starts():
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(ops.slice(x, [1, 1], (2, 2)), x[1:, 1:3])
    np.testing.assert_array_equal(ops.slice(x, [-2, 1], (-1, -1)), x[1:, 1:])
    np.testing.assert_array_equal(jax.jit(lambda i: ops.slice(x, (i, 0), (1, 2)))(2), x[2:, :2])
    np.testing.assert_array_equal(ops.slice_update(x, [2, 2], [[7.0, 8.0]])[2], [8, 9, 7, 8])
    assert ops.slice(KerasTensor((None, 3)), (1, 1), (-1, -1)).shape == (None, 2)


OUT_OF_RANGE = [
    (
        lambda: ops.take(np.ones((2, 3)), [[0, 5]], axis=1),
        r"take: index 5 \(at position \(0, 1\).*axis 1 of size 3: expected -3 to 2",
    ),
    (lambda: ops.take(np.ones(3), -4), "index -4"),
    (lambda: ops.take_along_axis(np.ones((2, 3)), [[3]], axis=1), "take_along_axis: index 3"),
    (lambda: ops.get_item(np.ones((2, 3)), (0, 3)), "get_item: index 3"),
    (lambda: ops.get_item(np.ones((2, 3)), np.array([0, 2])), "get_item: index 2"),
    (lambda: ops.scatter([[2]], [1.0], (2,)), "scatter: index 2"),
    (lambda: ops.scatter_update(np.zeros((2, 2)), [[0, 2]], [1.0]), "scatter_update: index 2"),
    (
        lambda: ops.slice(np.ones(4), [3], (2,)),
        "slice: 2 values from 3 do not fit into axis 0 of size 4",
    ),
    (lambda: ops.slice_update(np.ones(4), [-5], [1.0]), "slice_update: 1 values from -5"),
    (lambda: ops.unravel_index([6], (2, 3)), "unravel_index: index 6"),
]


@pytest.mark.parametrize(("call", "words"), OUT_OF_RANGE)
def test_an_index_out_of_range_is_an_error_where_it_is_known(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_negative_indices_count_from_the_end():
    np.testing.assert_array_equal(ops.take(np.arange(4), [-1, -4]), [3, 0])
    np.testing.assert_array_equal(ops.get_item(np.arange(4), -1), 3)


# -- wrong calls ---------------------------------------------------------------

WRONG = [
    (
        lambda: ops.add(np.ones((2, 3)), np.ones((2, 4))),
        r"add: shapes \(2, 3\) \(x1\) and \(2, 4\) \(x2\).*axis -1: 3 against 4",
    ),
    (
        lambda: ops.multiply(KerasTensor((None, 3)), KerasTensor((5, 2))),
        r"multiply: shapes \(None, 3\).*axis -1: 3 against 2",
    ),
    (
        lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 4))),
        r"matmul: inner dimensions.*\(2, 3\).*\(2, 4\): 3 against 2",
    ),
    (
        lambda: ops.concatenate([np.ones((2, 3)), np.ones((3, 3))], axis=1),
        r"concatenate: .*axis=1.*\(2, 3\).*axis 0 has 2 against 3",
    ),
    (lambda: ops.stack([np.ones(2), np.ones(3)]), "stack: shapes must be equal"),
    (lambda: ops.reshape(np.ones((2, 3)), (4, -1)), r"reshape: shape \(2, 3\)"),
    (
        lambda: ops.sum(np.ones((2, 3)), axis=2),
        r"sum: axis 2 is out of bounds.*\n.*x=float64 \(2, 3\), axis=2",
    ),
    (lambda: ops.swapaxes(np.ones((2, 3)), 5, 0), "axis 5 is out of bounds"),
    (lambda: ops.squeeze(np.ones((2, 3)), axis=0), r"squeeze: .*\n.*x=float64 \(2, 3\)"),
    (lambda: ops.where(np.ones(2) > 0, 1.0, None), "either both should be `None`"),
    (lambda: ops.cast(np.ones(2), "float31"), "Invalid dtype: 'float31'"),
]


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_a_wrong_call_names_the_op_the_shapes_and_the_axis(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: ops.bitwise_and(np.ones(2, "float32"), np.ones(2, "int32")),
            r"(?s)bitwise_and: .*x=float32 \(2,\), y=int32 \(2,\)",
        ),
        (lambda: ops.ldexp(1.0, 0.5), "exponent must be an integer"),
        (lambda: ops.fabs(1j), "complex"),
        (lambda: ops.eye(2.0), "`N` must be an integer"),
        (lambda: ops.sin(np.array(["a"])), "(?s)sin: .*x=<U1"),
        (
            lambda: ops.scatter_update(np.zeros(2, "int32"), [[0]], [0.5]),
            "float32 updates would lose their fraction in int32",
        ),
    ],
)
def test_a_wrong_dtype_is_a_type_error_that_names_the_dtypes(call, words):
    with pytest.raises(UserTypeError, match=words):
        call()


def test_the_error_of_jax_stays_the_cause():
    with pytest.raises(UserInputError) as caught:
        ops.add(np.ones(2), np.ones(3))
    assert isinstance(caught.value.__cause__, (TypeError, ValueError))


def test_numpy_functions_on_a_symbolic_tensor_say_what_to_use():
    with pytest.raises(UserInputError, match="symbolic.*fkeras.ops"):
        ops.convert_to_numpy(KerasTensor((2,)))


# -- recording -----------------------------------------------------------------


def test_operators_of_symbolic_tensors_are_those_of_arrays():
    x, y = KerasTensor((None, 3)), KerasTensor((2, None))
    assert (x + y).shape == (2, 3)
    assert (1 - x).shape == (None, 3)
    assert (x @ KerasTensor((None, 4))).shape == (None, 4)
    assert (x > 0).dtype == "bool"
    assert (KerasTensor((2,), "int32") & 3).dtype == "int32"
    assert x[:, 0].shape == (None,)
    assert x[:5].shape == (None, 3)
    assert x[..., None].shape == (None, 3, 1)
    assert x[[0, 2]].shape == (2, 3)
    assert (x.T.shape, x.reshape(-1, 6).shape, abs(-x).shape, round(x).shape) == (
        (3, None),
        (None, 6),
        (None, 3),
        (None, 3),
    )


def test_shapes_that_depend_on_values_are_unknown():
    x = KerasTensor((None, 3), "int32")
    assert [t.shape for t in ops.nonzero(x)] == [(None,), (None,)]
    assert [t.shape for t in ops.where(x > 0)] == [(None,), (None,)]
    assert ops.where(x > 0, x, KerasTensor((2, 1))).shape == (2, 3)
    assert ops.unique(x, axis=1).shape == (None, None)
    assert ops.bincount(x).shape == (None, None)
    assert ops.bincount(x, weights=KerasTensor((None, 3))).dtype == "float32"
    assert ops.repeat(x, [1, 2], axis=0).shape == (3, 3)
    assert ops.repeat(x, KerasTensor((3,), "int32"), axis=1).shape == (None, None)
    assert ops.get_item(x, (KerasTensor((5,), "int32"), 0)).shape == (5,)
    assert (ops.diag(x).shape, ops.diagonal(x).shape, ops.split(x, 2)[0].shape) == (
        (None,),
        (None,),
        (None, 3),
    )


def test_repeat_takes_a_list_of_counts():
    np.testing.assert_array_equal(
        ops.repeat(np.array([[1, 2], [3, 4]]), [1, 2], axis=0), [[1, 2], [3, 4], [3, 4]]
    )
    with pytest.raises(UserInputError, match="3 repeats for 2 values"):
        ops.repeat(KerasTensor((2, 3)), [1, 1, 1], axis=0)


def test_an_op_remembers_what_it_was_called_on():
    x = KerasTensor((2, 3))
    y = ops.add(x, 1.0)
    operation, index, _ = y._keras_history
    node = operation._inbound_nodes[index]
    assert node.inputs == [x] and node.args[1] == 1.0
    np.testing.assert_array_equal(operation(np.zeros((2, 3)), 1.0), np.ones((2, 3)))


def test_every_op_says_what_it_does():
    for name in sorted(ops.numpy.__dict__):
        function = getattr(ops.numpy, name)
        if callable(function) and not name.startswith("_"):
            assert function.__doc__, name
            assert function.__name__ == name


# -- rearrange -----------------------------------------------------------------


def test_rearrange_is_reshape_and_transpose():
    x = np.arange(48.0).reshape(2, 6, 4)
    expected = x.reshape(2, 2, 3, 4).transpose(3, 0, 2, 1).reshape(4, 2, 6)
    np.testing.assert_array_equal(ops.rearrange(x, "b (h w) c -> c b (w h)", h=2), expected)
    assert ops.rearrange(KerasTensor((None, 6, 4)), "b (h w) c -> b h w c", w=3).shape == (
        None,
        2,
        3,
        4,
    )


@pytest.mark.parametrize(
    ("pattern", "lengths", "words"),
    [
        ("b c -> c b", {}, r"names 2 axes.*\(2, 6, 4\)"),
        ("b h c -> b c", {}, "each name must stand once on both sides"),
        ("b (h w) c -> b h w c", {}, r"leaves the sizes of \['h', 'w'\] open"),
        ("b (h w) c -> b h w c", {"h": 4}, "size 6 cannot be split"),
        ("b (h w) c -> b h w c", {"h": 2, "w": 2}, "size 6 cannot be split"),
        ("b h c", {}, "expected a pattern such as"),
    ],
)
def test_rearrange_says_what_does_not_fit(pattern, lengths, words):
    with pytest.raises(UserInputError, match=words):
        ops.rearrange(np.ones((2, 6, 4)), pattern, **lengths)


def test_shapes_are_made_of_known_sizes_inside_of_a_program():
    def f(x):
        rows, columns = ops.shape(x)
        one = ops.convert_to_tensor([1])
        size = ops.concatenate([ops.expand_dims(rows, -1), one], axis=0)
        shape = ops.stack([rows, ops.cast(columns, "int32")])
        ones = (
            ops.ones(shape) + ops.zeros(size) + ops.full(size, 0) + ops.broadcast_to(x[:1], shape)
        )
        return ops.tile(ops.reshape(x, shape), size) * 0 + ops.tile(ones, size)

    x = jnp.ones((2, 3))
    np.testing.assert_array_equal(jax.jit(f)(x), np.full((4, 3), 2))
    np.testing.assert_array_equal(f(x), np.full((4, 3), 2))
    with pytest.raises(UserTypeError, match="tile: `repeats` must be plain integers"):
        jax.jit(ops.tile)(x, jnp.asarray([2, 1]))
