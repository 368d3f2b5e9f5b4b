"""Who is measured. A contender is a function (workload, x, y) -> (first, again).

`first()` builds the model and does all that stands before the first step's result, that step
included. `again(n)` then does n epochs of training, or n calls of predict or evaluate, and returns
when the results are there.
"""

import importlib
import itertools
import os

import numpy as np

from benchmarks.workloads import batches


def touched(keras):
    """The library with all loaded that a script uses: some load their parts when they are named."""
    for name in ("layers", "models", "optimizers", "losses", "callbacks"):
        getattr(keras, name)
    return keras


def keras_like(module):
    """A contender that offers Keras's `fit`, `predict` and `evaluate`."""

    def contender(workload, x, y):
        os.environ["KERAS_BACKEND"] = "jax"
        keras = importlib.import_module(module)
        from benchmarks import networks

        touched(keras)
        missing = [name for name in workload.needs if not hasattr(keras.layers, name)]
        if missing:
            raise NotImplementedError(f"{module} has no {', '.join(missing)}")
        made = {}
        size = workload.batch_size
        given = {"batch_size": size, "verbose": 0}
        cut = len(x) * 4 // 5 if workload.validate else len(x)
        validation = {"validation_data": (x[cut:], y[cut:])} if workload.validate else {}

        class ReadLoss(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                self.last = float(logs["loss"])

        hooks = {"callbacks": [ReadLoss()]} if workload.reads_loss else {}

        def fit(rows, **options):
            if workload.generated:
                made["model"].fit(
                    batches(x[:rows], y[:rows], size),
                    steps_per_epoch=-(-rows // size),
                    verbose=0,
                    **hooks,
                    **options,
                )
            else:
                made["model"].fit(x[:rows], y[:rows], **given, **hooks, **options)

        def first():
            model = made["model"] = networks.NETWORKS[workload.network](keras, x)
            model.compile(
                "adam",
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                metrics=["accuracy"],
            )
            if workload.kind == "fit":
                fit(min(size, cut))
            elif workload.kind == "predict":
                model.predict(x[:size], **given)
            else:
                model.evaluate(x[:size], y[:size], **given)

        def again(n):
            if workload.kind == "fit":
                fit(cut, epochs=n, **validation)
                return
            for _ in range(n):
                made["model"].predict(x, **given) if workload.kind == "predict" else made[
                    "model"
                ].evaluate(x, y, **given)

        return first, again

    return contender


def hand_written(scanned):
    """Plain JAX and Optax: one donated jitted step a batch from NumPy, or a whole epoch as one scan
    over data on the device.
    """

    def contender(workload, x, y):
        import jax
        import jax.numpy as jnp
        import optax

        from benchmarks import by_hand

        if scanned and (workload.reads_loss or workload.generated):
            raise NotImplementedError(
                "left out: inside of a scan nobody can look, and its data is there beforehand"
            )

        make, forward = by_hand.NETWORKS[workload.network]
        optimizer = optax.adam(1e-3, eps=1e-7)
        size = workload.batch_size
        cut = len(x) * 4 // 5 if workload.validate else len(x)
        state = {}
        rng = np.random.default_rng(0)

        def loss_fn(params, x, y):
            logits, statistics = forward(params, x, True)
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), (
                logits,
                statistics,
            )

        def measures(loss, logits, y):
            return jnp.stack([loss * len(y), (logits.argmax(-1) == y).sum()])

        def step(carry, batch):
            params, opt_state, moving, sums = carry
            x, y = batch
            (loss, (logits, statistics)), gradients = jax.value_and_grad(loss_fn, has_aux=True)(
                params, x, y
            )
            updates, opt_state = optimizer.update(gradients, opt_state)
            moving = jax.tree.map(lambda m, s: 0.99 * m + 0.01 * s, moving, statistics)
            return (
                optax.apply_updates(params, updates),
                opt_state,
                moving,
                sums + measures(loss, logits, y),
            ), None

        def test(params, sums, batch):
            loss, (logits, _) = loss_fn(params, *batch)
            return sums + measures(loss, logits, batch[1])

        train_one = jax.jit(lambda carry, batch: step(carry, batch)[0], donate_argnums=0)
        test_one = jax.jit(test, donate_argnums=1)
        predict_one = jax.jit(lambda params, x: forward(params, x, False)[0])

        @jax.jit
        def gathered(x, y, order):
            whole = len(order) // size * size
            take = lambda a: a[order[:whole]].reshape(-1, size, *a.shape[1:])
            return take(x), take(y)

        scan_train = jax.jit(
            lambda carry, data: jax.lax.scan(step, carry, data)[0], donate_argnums=0
        )
        scan_test = jax.jit(
            lambda params, data: jax.lax.scan(
                lambda s, b: (test(params, s, b), None), jnp.zeros(2), data
            )[0]
        )
        scan_predict = jax.jit(
            lambda params, data: jax.lax.map(lambda x: forward(params, x, False)[0], data)
        )

        def start():
            params = jax.jit(lambda key: make(key, x))(jax.random.key(0))
            moving = jax.tree.map(
                jnp.zeros_like, jax.eval_shape(lambda: forward(params, x[:size], True)[1])
            )
            state["carry"] = (params, optimizer.init(params), moving, jnp.zeros(2))
            if scanned:
                state["data"] = jax.device_put((x, y))

        def first():
            start()
            if workload.kind == "fit":
                state["carry"] = train_one(state["carry"], (x[:size], y[:size]))
            elif workload.kind == "predict":
                state["last"] = predict_one(state["carry"][0], x[:size])
            else:
                state["last"] = test_one(state["carry"][0], jnp.zeros(2), (x[:size], y[:size]))
            jax.block_until_ready(state)

        endless = batches(x, y, size)

        def given(order):
            if workload.generated:
                return itertools.islice(endless, -(-len(x) // size))
            return (
                (x[order[at : at + size]], y[order[at : at + size]])
                for at in range(0, len(order), size)
            )

        def epoch(order):
            carry = (*state["carry"][:3], jnp.zeros(2))
            if scanned:
                carry = scan_train(carry, gathered(*state["data"], order))
                rest = order[len(order) // size * size :]
                if len(rest):
                    carry = train_one(carry, (x[rest], y[rest]))
            else:
                for batch in given(order):
                    carry = train_one(carry, batch)
                    if workload.reads_loss:
                        float(np.asarray(carry[3])[0])
            state["carry"] = carry
            return np.asarray(carry[3]) / len(
                order
            )  # loss and accuracy are read each epoch, as fit does

        def evaluate(begin, end):
            params, sums = state["carry"][0], jnp.zeros(2)
            whole = (end - begin) // size * size
            if scanned and whole:
                sums = sums + scan_test(
                    params, gathered(*(a[begin:end] for a in state["data"]), np.arange(end - begin))
                )
                begin += whole
            for at in range(begin, end, size):
                sums = test_one(
                    params, sums, (x[at : min(at + size, end)], y[at : min(at + size, end)])
                )
            return np.asarray(sums)

        def predict():
            params = state["carry"][0]
            whole = len(x) // size * size if scanned else 0
            outputs = []
            if whole:
                outputs.append(
                    np.asarray(
                        scan_predict(params, x[:whole].reshape(-1, size, *x.shape[1:]))
                    ).reshape(whole, -1)
                )
            outputs += jax.device_get(
                [predict_one(params, x[at : at + size]) for at in range(whole, len(x), size)]
            )
            return np.concatenate(outputs)

        def again(n):
            for _ in range(n):
                if workload.kind == "fit":
                    epoch(rng.permutation(cut))
                    if workload.validate:
                        evaluate(cut, len(x))
                elif workload.kind == "predict":
                    predict()
                else:
                    evaluate(0, len(x))

        return first, again

    return contender


CONTENDERS = {
    "fkeras": keras_like("fkeras"),
    "Keras 3 (JAX)": keras_like("keras"),
    "JAX + Optax loop": hand_written(scanned=False),
    "JAX + Optax scan": hand_written(scanned=True),
}
NEEDED = {
    "fkeras": "fkeras",
    "Keras 3 (JAX)": "keras",
    "JAX + Optax loop": "jax",
    "JAX + Optax scan": "jax",
}
