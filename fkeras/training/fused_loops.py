"""Many steps as one program: loops of a dynamic trip count around a pure step, over data that lies
on the device.

One compilation serves every number of steps, and the numbers are those of single steps: each step
is the body of a loop, which XLA compiles by itself. What would be a loop of one known trip is given
its count at run time, or XLA would melt the step into its surroundings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from fkeras.training.trainable import Logs
    from fkeras.training.variable_groups import GroupValues, WeightValues
    from fkeras.types import PyTree

    Count = jax.Array | np.int32 | int  # an int32 scalar
    Order = jax.Array | None  # int32 (rows,): a permutation


class Batching(NamedTuple):
    """How rows are cut into batches. Static: each one is a program of its own.

    Attributes:
        size: rows of a full batch.
        last: rows of the smaller last batch, or 0 where there is none.
    """

    size: int
    last: int


def like(new: PyTree, old: PyTree) -> PyTree:
    """New values in the dtypes of the old: what goes round a loop keeps its type."""
    return jax.tree.map(lambda n, o: jnp.asarray(n, o.dtype), new, old)


def rows(data: PyTree, order: Order, first: Count, count: int) -> PyTree:
    """`count` rows from row `first` on: by the permutation, or as they lie where there is none."""
    if order is None:
        return jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, first, count), data)
    indices = jax.lax.dynamic_slice_in_dim(order, first, count)
    return jax.tree.map(lambda a: a.at[indices].get(mode="promise_in_bounds"), data)


def _zeros(structs):
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), structs)


def train(
    step: Callable,
    values: GroupValues,
    counter: Count,
    key: jax.Array,
    data: PyTree,
    order: Order,
    first: Count,
    count: Count,
    size: int,
) -> tuple[GroupValues, Count, Logs]:
    """`count` training steps of `size` rows each, from row `first` of the order on.

    Returns:
        (values, counter, logs of the last step).
    """
    batch = jax.eval_shape(lambda: rows(data, order, 0, size))
    logs = _zeros(jax.eval_shape(step, values, counter, key, batch)[2])

    def body(i, carry):
        values, counter, _ = carry
        values, counter, new = step(values, counter, key, rows(data, order, first + i * size, size))
        return values, counter, like(new, logs)

    return jax.lax.fori_loop(0, count, body, (values, counter, logs))


def test(
    step: Callable,
    weights: WeightValues,
    metrics: list[jax.Array],
    key: jax.Array,
    data: PyTree,
    first: Count,
    count: Count,
    size: int,
    index: Count,
) -> tuple[list[jax.Array], list[jax.Array], Logs]:
    """`count` evaluation steps of `size` rows each from row `first` on.

    Only what a step changes goes round the loop: weights stay where they are.

    Args:
        index: number of the first step, for its key.

    Returns:
        (non-trainable values, metric values, logs of the last step).
    """
    batch = jax.eval_shape(lambda: rows(data, None, 0, size))
    counter = jax.ShapeDtypeStruct((), jnp.int32)
    logs = _zeros(jax.eval_shape(step, weights, metrics, key, counter, batch)[2])
    trainable, non_trainable = weights
    changed = _changed_in_test(step, weights, metrics, key, batch)

    def with_changed(moving):
        after = list(non_trainable)
        for i, value in zip(changed, moving):
            after[i] = value
        return after

    def body(i, carry):
        moving, metrics, _ = carry
        batch = rows(data, None, first + i * size, size)
        after, metrics, new = step(
            (trainable, with_changed(moving)), metrics, key, index + i, batch
        )
        return [after[i] for i in changed], metrics, like(new, logs)

    start = [non_trainable[i] for i in changed], metrics, logs
    moving, metrics, logs = jax.lax.fori_loop(0, count, body, start)
    return with_changed(moving), metrics, logs


def _changed_in_test(step, weights, metrics, key, batch):
    """Which non-trainable values an evaluation step changes.

    The others leave its jaxpr as they came in: straight through, or through the one inner program
    that a jitted step is.
    """
    counter = jax.ShapeDtypeStruct((), jnp.int32)
    jaxpr = jax.make_jaxpr(step)(weights, metrics, key, counter, batch).jaxpr
    inner = None
    if len(jaxpr.eqns) == 1 and "jaxpr" in jaxpr.eqns[-1].params:
        inner = jaxpr.eqns[-1].params["jaxpr"].jaxpr
    inputs = {id(v) for v in jaxpr.invars}

    def is_passed_on(i):
        if id(jaxpr.outvars[i]) in inputs:
            return True
        return inner is not None and inner.outvars[i] in inner.invars

    return [i for i in range(len(weights[1])) if not is_passed_on(i)]


def predict(
    step: Callable,
    state: WeightValues,
    key: jax.Array,
    data: PyTree,
    first: Count,
    index: Count,
    count: int,
    size: int,
) -> tuple[PyTree, dict[int, jax.Array]]:
    """Outputs of `count` batches from row `first` on, joined along the first axis.

    Args:
        step: function (state, key, index, batch) -> (outputs, what it changes of the state's second
            part, by position).
        index: number of the first batch, for its key.

    Returns:
        (outputs, what has changed).
    """
    trainable, others = state
    batch = jax.eval_shape(lambda: rows(data, None, 0, size))
    counter = jax.ShapeDtypeStruct((), jnp.int32)
    changing = jax.eval_shape(step, state, key, counter, batch)[1]

    def one(changed, i):
        present = [changed.get(position, value) for position, value in enumerate(others)]
        batch = rows(data, None, first + i * size, size)
        outputs, changed = step((trainable, present), key, index + i, batch)
        return changed, outputs

    start = {position: others[position] for position in changing}
    changed, outputs = jax.lax.scan(one, start, jnp.arange(count, dtype=jnp.int32))
    joined = jax.tree.map(lambda a: a.reshape((-1, *a.shape[2:])) if a.ndim > 1 else a, outputs)
    return joined, changed


def epochs(
    train_step: Callable,
    test_step: Callable,
    values: GroupValues,
    counter: Count,
    key: jax.Array,
    fresh: list[jax.Array],
    data: PyTree,
    orders: jax.Array | None,
    validation: PyTree | None,
    count: Count,
    full: Count,
    validation_full: Count,
    one: Count,
    static: tuple[int, Batching, Batching],
) -> tuple[GroupValues, Count, Logs, Logs]:
    """Whole epochs with their validation. Each begins with fresh metrics and takes the full
    batches, the smaller last one, then validates.

    Args:
        fresh: metric values after a reset.
        orders: permutations (most epochs, rows); None for rows as they lie.
        validation: data, or None.
        count: epochs to take.
        full, validation_full: numbers of full batches.
        one: 1, like the other counts only known at run time.
        static: (most epochs, batching of the data, batching of the validation data).

    Returns:
        `(values, counter, logs, logs of validation)`, logs with one entry an epoch.
    """
    most, batching, validation_batching = static

    def epoch(values, counter, order):
        values = (*values[:3], like(fresh, values[3]))
        values, counter, logs = _train_epoch(
            train_step, values, counter, key, data, order, full, one, batching
        )
        if validation is None:
            return values, counter, (logs, {})
        non_trainable, metrics, test_logs = _validate(
            test_step, values, fresh, key, validation, validation_full, one, validation_batching
        )
        values = (values[0], non_trainable, *values[2:])
        return values, counter, (logs, test_logs)

    def body(i, carry):
        values, counter, earlier = carry
        new, counter, logs = epoch(values, counter, None if orders is None else orders[i])
        all_logs = jax.tree.map(lambda k, v: k.at[i].set(v), earlier, logs)
        return like(new, values), counter, all_logs

    shapes = jax.eval_shape(epoch, values, counter, None if orders is None else orders[0])[2]
    logs = jax.tree.map(lambda s: jnp.zeros((most, *s.shape), s.dtype), shapes)
    values, counter, logs = jax.lax.fori_loop(0, count, body, (values, counter, logs))
    return values, counter, *logs


def _train_epoch(step, values, counter, key, data, order, full, one, batching):
    number, logs = _num_rows(data), {}
    size, last = batching
    if number >= size:
        values, counter, logs = train(step, values, counter, key, data, order, 0, full, size)
    if last:
        values, counter, logs = train(
            step, values, counter, key, data, order, number - last, one, last
        )
    return values, counter, logs


def _validate(step, values, metrics, key, data, full, one, batching):
    """(non-trainable values, metric values, logs) after evaluation of all rows."""
    trainable, non_trainable = values[:2]
    number, logs = _num_rows(data), {}
    size, last = batching
    if number >= size:
        non_trainable, metrics, logs = test(
            step, (trainable, non_trainable), metrics, key, data, 0, full, size, 0
        )
    if last:
        non_trainable, metrics, logs = test(
            step, (trainable, non_trainable), metrics, key, data, number - last, one, last, full
        )
    return non_trainable, metrics, logs


def _num_rows(data) -> int:
    return jax.tree.leaves(data)[0].shape[0]
