"""Many steps as one program: loops of a dynamic trip count around a pure step, over data that lies
on the device.

One compilation serves every number of steps, and the numbers are those of single steps: each step
is the body of a loop, which XLA compiles by itself. What would be a loop of one known trip is given
its count at run time, or XLA would melt the step into its surroundings.
"""

import jax
import jax.numpy as jnp


def like(new, old):
    """New values in the dtypes of the old: what goes round a loop keeps its type."""
    return jax.tree.map(lambda n, o: jnp.asarray(n, o.dtype), new, old)


def rows(data, order, first, count):
    """`count` rows from row `first` on: by the permutation, or as they lie where there is none."""
    if order is None:
        return jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, first, count), data)
    at = jax.lax.dynamic_slice_in_dim(order, first, count)
    return jax.tree.map(lambda a: a.at[at].get(mode="promise_in_bounds"), data)


def _zeros(structs):
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), structs)


def train(step, values, counter, key, data, order, first, count, size):
    """(values, counter, logs of the last step) after `count` training steps of `size` rows each,
    from row `first` of the order on.
    """
    batch = jax.eval_shape(lambda: rows(data, order, 0, size))
    logs = _zeros(jax.eval_shape(step, values, counter, key, batch)[2])

    def body(i, carry):
        values, counter, _ = carry
        values, counter, new = step(values, counter, key, rows(data, order, first + i * size, size))
        return values, counter, like(new, logs)

    return jax.lax.fori_loop(0, count, body, (values, counter, logs))


def test(step, fixed, metrics, key, data, first, count, size, index):
    """(non-trainable values, metric values, logs of the last step) after `count` evaluation steps;
    `index` is the number of the first one.

    Only what a step changes goes round the loop: weights stay where they are.
    """
    batch = jax.eval_shape(lambda: rows(data, None, 0, size))
    counter = jax.ShapeDtypeStruct((), jnp.int32)
    logs = _zeros(jax.eval_shape(step, fixed, metrics, key, counter, batch)[2])
    changed = _changed_in_test(step, fixed, metrics, key, batch)
    rest = list(fixed[1])

    def placed(moving):
        out = list(rest)
        for at, value in zip(changed, moving):
            out[at] = value
        return out

    def body(i, carry):
        moving, metrics, _ = carry
        after, metrics, new = step(
            (fixed[0], placed(moving)),
            metrics,
            key,
            index + i,
            rows(data, None, first + i * size, size),
        )
        return [after[at] for at in changed], metrics, like(new, logs)

    moving, metrics, logs = jax.lax.fori_loop(
        0, count, body, ([rest[at] for at in changed], metrics, logs)
    )
    return placed(moving), metrics, logs


def _changed_in_test(step, fixed, metrics, key, batch):
    """Which non-trainable values an evaluation step changes."""
    jaxpr = jax.make_jaxpr(step)(
        fixed, metrics, key, jax.ShapeDtypeStruct((), jnp.int32), batch
    ).jaxpr
    inner = (
        jaxpr.eqns[-1].params["jaxpr"].jaxpr
        if len(jaxpr.eqns) == 1 and "jaxpr" in jaxpr.eqns[-1].params
        else None
    )
    given = {id(v) for v in jaxpr.invars}

    def forwarded(i):
        return (
            id(jaxpr.outvars[i]) in given or inner is not None and inner.outvars[i] in inner.invars
        )

    return [i for i in range(len(fixed[1])) if not forwarded(i)]


def predict(step, fixed, key, data, first, index, count, size):
    """Outputs of `count` batches from row `first` on, joined along the first axis; `index` is the
    number of the first one.
    """

    def one(i):
        return step(fixed, key, index + i, rows(data, None, first + i * size, size))

    outputs = jax.lax.map(one, jnp.arange(count, dtype=jnp.int32))
    return jax.tree.map(lambda a: a.reshape((-1, *a.shape[2:])) if a.ndim > 1 else a, outputs)


def epochs(
    train_step,
    test_step,
    values,
    counter,
    key,
    fresh,
    data,
    orders,
    held_out,
    count,
    full,
    held_out_full,
    one,
    sizes,
):
    """Whole epochs with their validation. Each begins with fresh metrics and takes the full
    batches, the smaller last one, then validates.

    Args:
        fresh: metric values after a reset.
        orders: (most epochs, rows) permutations, or None for rows as they lie; held_out: validation
            data or None.
        count: epochs to take. full, held_out_full: numbers of full batches. one: 1. All are only
            known at run time.
        sizes: static: most epochs, then (batch size, size of the last batch or 0) of the data and
            of the validation data.

    Returns:
        `(values, counter, logs, logs of validation)`, logs with one entry an epoch.
    """
    most, (size, last), (test_size, test_last) = sizes
    number = jax.tree.leaves(data)[0].shape[0]

    def trained(values, counter, order):
        if number >= size:
            values, counter, logs = train(
                train_step, values, counter, key, data, order, 0, full, size
            )
        if last:
            values, counter, logs = train(
                train_step, values, counter, key, data, order, number - last, one, last
            )
        return values, counter, logs

    def validated(values):
        fixed, metrics, logs = values[:2], fresh, {}
        held = jax.tree.leaves(held_out)[0].shape[0]
        if held >= test_size:
            rest, metrics, logs = test(
                test_step, fixed, metrics, key, held_out, 0, held_out_full, test_size, 0
            )
            fixed = (fixed[0], rest)
        if test_last:
            rest, metrics, logs = test(
                test_step,
                fixed,
                metrics,
                key,
                held_out,
                held - test_last,
                one,
                test_last,
                held_out_full,
            )
            fixed = (fixed[0], rest)
        return (*fixed, *values[2:]), logs

    def epoch(values, counter, order):
        values, counter, logs = trained((*values[:3], like(fresh, values[3])), counter, order)
        values, test_logs = validated(values) if held_out is not None else (values, {})
        return values, counter, (logs, test_logs)

    def body(i, carry):
        values, counter, kept = carry
        new, counter, logs = epoch(values, counter, None if orders is None else orders[i])
        return like(new, values), counter, jax.tree.map(lambda k, v: k.at[i].set(v), kept, logs)

    shapes = jax.eval_shape(epoch, values, counter, None if orders is None else orders[0])[2]
    kept = jax.tree.map(lambda s: jnp.zeros((most, *s.shape), s.dtype), shapes)
    values, counter, (logs, test_logs) = jax.lax.fori_loop(0, count, body, (values, counter, kept))
    return values, counter, logs, test_logs
