"""Many steps as one program, against the same steps one by one in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.training import fused_loops
from fkeras.training.fused_loops import Batching

X = np.arange(22, dtype="float32").reshape(11, 2)
KEY = jax.random.key(0)


def train_step(values, counter, key, batch):
    """The weight gathers counter-weighted sums; the metric gathers rows."""
    (weight,), state, slots, (rows,) = values
    weight = weight + jnp.sum(batch) * (counter + 1)
    values = [weight], state, slots, [rows + batch.shape[0]]
    return values, counter + 1, {"weight": weight, "rows": values[3][0]}


def test_step(weights, metrics, key, counter, batch):
    _, (constant, seen) = weights
    rows = metrics[0] + batch.shape[0]
    return [constant, seen + counter], [rows], {"rows": rows, "sum": jnp.sum(batch)}


test_step.__test__ = False  # no test, for pytest


def start():
    return [jnp.float32(0)], [], [], [jnp.int32(0)]


def one_by_one(order, size, first=0, count=None, counter=0):
    weight = 0.0
    for i in range(first, first + count):
        weight += X[order[i * size : i * size + size]].sum() * (counter + i - first + 1)
    return weight


@pytest.mark.parametrize("order", [None, np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7, 10], np.int32)])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_training_takes_the_rows_of_the_order(order, count):
    run = jax.jit(functools.partial(fused_loops.train, train_step), static_argnums=(7,))
    values, counter, logs = run(
        start(), np.int32(2), KEY, X, order, np.int32(0), np.int32(count), 2
    )
    rows = np.arange(11) if order is None else order
    assert float(values[0][0]) == one_by_one(rows, 2, 0, count, counter=2)
    assert int(counter) == 2 + count and int(logs["rows"]) == 2 * count


def test_one_program_serves_every_count():
    traces = []

    def step(*args):
        traces.append(1)
        return train_step(*args)

    run = jax.jit(functools.partial(fused_loops.train, step), static_argnums=(7,))
    for count in (1, 3, 5):
        run(start(), np.int32(0), KEY, X, None, np.int32(0), np.int32(count), 2)
    assert len(traces) == 2  # for its shapes, and as the body of the loop


def test_evaluation_counts_from_its_first_batch_and_keeps_what_it_does_not_change():
    weights = [], [jnp.float32(9), jnp.int32(0)]
    run = jax.jit(functools.partial(fused_loops.test, test_step), static_argnums=(6,))
    state, metrics, logs = run(
        weights, [jnp.int32(0)], KEY, X, np.int32(2), np.int32(3), 2, np.int32(1)
    )
    assert float(state[0]) == 9 and int(state[1]) == 1 + 2 + 3
    assert int(metrics[0]) == 6 and float(logs["sum"]) == X[6:8].sum()


def test_only_what_a_step_changes_goes_round_the_loop():
    weights = [], [jnp.float32(9), jnp.int32(0)]
    for step in (test_step, jax.jit(test_step)):
        assert fused_loops._changed_in_test(step, weights, [jnp.int32(0)], KEY, X[:2]) == [1]


def test_predictions_are_joined_in_order():
    def step(weights, key, index, batch):
        return {"rows": batch * 2, "number": index}, {}

    outputs, _ = fused_loops.predict(step, ([], []), KEY, X, np.int32(2), np.int32(7), 3, 2)
    np.testing.assert_array_equal(outputs["rows"], X[2:8] * 2)
    assert outputs["number"].tolist() == [7, 8, 9]


@pytest.mark.parametrize("size", [2, 11, 16])
@pytest.mark.parametrize("validates", [True, False])
def test_whole_epochs_are_steps_with_fresh_metrics_and_validation(size, validates):
    order = np.stack([np.arange(11), np.arange(11)[::-1], np.zeros(11)]).astype(np.int32)
    values = [jnp.float32(0)], [jnp.float32(9), jnp.int32(0)], [], [jnp.int32(5)]
    values, counter, logs, test_logs = fused_loops.epochs(
        train_step,
        test_step,
        values,
        np.int32(0),
        KEY,
        [jnp.int32(0)],
        jnp.asarray(X),
        jnp.asarray(order),
        jnp.asarray(X[:5]) if validates else None,
        np.int32(2),
        np.int32(11 // size),
        np.int32(2),
        np.int32(1),
        (3, Batching(size, 11 % size), Batching(2, 1)),
    )
    steps = -(-11 // size)
    expected, number = 0.0, 0
    for epoch in range(2):
        for start in range(0, 11, size):
            number += 1
            expected += X[order[epoch][start : start + size]].sum() * number
    assert int(counter) == number == 2 * steps and float(values[0][0]) == expected
    assert logs["rows"].tolist() == [11, 11, 0]  # room for a third epoch
    if validates:
        assert test_logs["rows"].tolist() == [5, 5, 0]
        assert int(values[1][1]) == 2 * (0 + 1 + 2)
    else:
        assert test_logs == {}


def test_what_goes_round_keeps_its_dtype():
    old = {"a": jnp.zeros((), jnp.bfloat16), "b": jnp.zeros((), jnp.int32)}
    new = fused_loops.like({"a": 1.5, "b": 2.0}, old)
    assert new["a"].dtype == jnp.bfloat16 and new["b"].dtype == jnp.int32
