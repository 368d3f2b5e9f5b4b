"""Loops and branches: values and gradients against plain Python loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 3)).astype("float32")


def tanh_loop(x, steps):
    for _ in range(steps):
        x = jnp.tanh(x) * 1.5
    return x


def cell(carry, row):
    carry = jnp.tanh(carry + row)
    return carry, carry * row


def loop_of_cells(rows):
    carry, outputs = jnp.zeros(3), []
    for row in rows:
        carry, output = cell(carry, row)
        outputs.append(output)
    return carry, jnp.stack(outputs)


# With the op, and without: both functions of X, differentiable
PAIRS = {
    "cond": (
        lambda x: ops.cond(x[0, 0] > 9, lambda: x * 2, lambda: x**2),
        lambda x: x**2,
    ),
    "switch": (
        lambda x: ops.switch(2, [jnp.sin, jnp.cos, jnp.exp], x),
        jnp.exp,
    ),
    "fori_loop": (
        lambda x: ops.fori_loop(0, 3, lambda i, v: jnp.tanh(v) * 1.5, x),
        lambda x: tanh_loop(x, 3),
    ),
    "scan": (
        lambda x: ops.scan(cell, jnp.zeros(3), x),
        loop_of_cells,
    ),
    "unrolled scan": (
        lambda x: ops.scan(cell, jnp.zeros(3), x, unroll=True),
        loop_of_cells,
    ),
    "reversed scan": (
        lambda x: ops.scan(cell, jnp.zeros(3), x, reverse=True)[0],
        lambda x: loop_of_cells(x[::-1])[0],
    ),
    "associative_scan": (
        lambda x: ops.associative_scan(lambda a, b: a * b, x, axis=1),
        lambda x: jnp.cumprod(x, axis=1),
    ),
    "map": (
        lambda x: ops.map(lambda row: row / jnp.sum(row**2), x),
        lambda x: x / jnp.sum(x**2, axis=1, keepdims=True),
    ),
    "vectorized_map": (
        lambda x: ops.vectorized_map(lambda row: row / jnp.sum(row**2), x),
        lambda x: x / jnp.sum(x**2, axis=1, keepdims=True),
    ),
    "vectorize": (
        lambda x: ops.vectorize(lambda a, b: jnp.outer(a, b), signature="(n),(m)->(n,m)")(x, x[0]),
        lambda x: x[:, :, None] * x[0],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_values_and_gradients_are_those_of_plain_code(name):
    def scored(function, x):
        leaves = jax.tree.leaves(function(x))
        return sum(
            jnp.sum(leaf * jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape)) for leaf in leaves
        )

    results = [jax.jit(jax.value_and_grad(lambda x, f=f: scored(f, x)))(X) for f in PAIRS[name]]
    for mine, expected in zip(*(jax.tree.leaves(r) for r in results), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


def test_forward_gradients_go_through_a_while_loop():
    def grown(x):
        return ops.while_loop(lambda v: v < 100.0, lambda v: v * x, (x,))[0]

    value, tangent = jax.jvp(grown, (3.0,), (1.0,))  # 3**5 = 243
    np.testing.assert_allclose([value, tangent], [243.0, 5 * 81.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, (0, 1)), (1, (1, 2)), (5, (5, 32)), (None, (10, 1024))]
)
def test_a_while_loop_stops_at_its_limit(limit, expected):
    out = ops.while_loop(
        lambda i, v: i < 10, lambda i, v: (i + 1, v * 2), (0, 1), maximum_iterations=limit
    )
    assert tuple(int(v) for v in out) == expected


def test_a_while_loop_takes_structures():
    out = ops.while_loop(
        lambda s: s["n"] < 3, lambda s: {"n": s["n"] + 1, "x": s["x"] + s["n"]}, {"n": 0, "x": 10}
    )
    assert {k: int(v) for k, v in out.items()} == {"n": 3, "x": 13}


def test_an_empty_loop_returns_its_start():
    assert ops.fori_loop(3, 3, lambda i, v: v + 1, 7) == 7
    carry, ys = ops.scan(lambda c, x: (c + x, x), 1.0, np.zeros((0,), "float32"))
    assert carry == 1.0 and ys.shape == (0,)
    assert ops.map(lambda x: x + 1, np.zeros((0, 2))).shape == (0, 2)


def test_branches_see_what_they_close_over_under_jit():
    @jax.jit
    def choose(p, x):
        return ops.cond(p, lambda: {"a": x + 1}, lambda: {"a": x - 1})

    assert choose(True, 1.0)["a"] == 2 and choose(False, 1.0)["a"] == 0


def test_associative_scans_of_structures_and_from_the_end():
    def compose(first, second):
        return {"a": first["a"] * second["a"], "b": second["a"] * first["b"] + second["b"]}

    # x -> a x + b, composed: a linear recurrence
    elems = {"a": np.full(4, 2.0, "float32"), "b": np.arange(4, dtype="float32")}
    x, expected = 0.0, []
    for a, b in zip(elems["a"], elems["b"], strict=True):
        x = a * x + b
        expected.append(x)
    np.testing.assert_allclose(ops.associative_scan(compose, elems)["b"], expected)
    np.testing.assert_array_equal(
        ops.associative_scan(jnp.maximum, np.array([3, 1, 2]), reverse=True), [3, 2, 2]
    )


ERRORS = [
    (lambda: ops.scan(cell, jnp.zeros(3), X, unroll=0), "`unroll` must be an positive integer"),
    (lambda: ops.scan(cell, KerasTensor((3,))), "pass `length`"),
    (lambda: ops.associative_scan("sum", X), "`f` must be a function"),
    (lambda: ops.associative_scan(jnp.add, [X, X[:2]]), "must have the same first dimension"),
    (lambda: ops.vectorize(3), "`pyfunc` to be a callable"),
    (
        lambda: ops.cond(KerasTensor((), "bool"), lambda: X, lambda: X[0]),
        "outputs of the same kind",
    ),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_a_custom_gradient_of_several_arguments_replaces_that_of_the_function():
    @ops.custom_gradient
    def clipped_product(a, b):
        def grad(upstream):
            return upstream * 10.0, upstream * 20.0

        return a * b, grad

    assert clipped_product(2.0, 3.0) == 6.0
    gradients = jax.grad(lambda a, b: clipped_product(a, b) * 2, argnums=(0, 1))(2.0, 3.0)
    assert [float(g) for g in gradients] == [20.0, 40.0]
