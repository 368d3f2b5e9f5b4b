"""A model that one thread trains and others read: no deleted arrays, no half of a step."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.training.loan import Loan

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def run_in_thread(function):
    """What a function returns, or raises, in a thread of its own."""
    results = []

    def run():
        try:
            results.append(function())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(600)
    assert results, "the thread has not come back"
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


def twins(optimizer="sgd"):
    """A model whose two layers are equal after each step: y = (x a + x b) / 2."""
    x = fkeras.Input((4,))
    heads = [layers.Dense(1, kernel_initializer="zeros", name=name)(x) for name in "ab"]
    model = fkeras.Model(x, layers.Average()(heads))
    model.compile(optimizer, "mse", metrics=["mae"], fuse=False)
    return model


READS = {
    "get_weights": lambda m: m.get_weights(),
    "values": lambda m: [v.value for v in m.weights],
    "train_state": lambda m: jax.tree.leaves(m.train_state().params),
    "predict": lambda m: m.predict(X[:2], verbose=0),
    "predict_on_batch": lambda m: m.predict_on_batch(X[:2]),
    "call": lambda m: m(X[:2]),
    "evaluate": lambda m: m.evaluate(X, Y, verbose=0),
}


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("read", READS)
def test_what_another_thread_reads_between_steps_is_what_this_one_reads(read, fuse):
    model = twins()
    model.compile("sgd", "mse", fuse=fuse)
    there, here = [], []

    def read_twice(epoch, logs):
        there.append(run_in_thread(lambda: READS[read](model)))
        here.append(READS[read](model))

    callback = fkeras.callbacks.LambdaCallback(on_epoch_end=read_twice)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    assert len(there) == 2
    for a, b in zip(jax.tree.leaves(there), jax.tree.leaves(here)):
        np.testing.assert_array_equal(a, b)


def test_training_is_the_same_with_and_without_readers():
    read, alone = twins("adam"), twins("adam")
    for model in (read, alone):
        model.set_train_state(model.init_state(jax.random.key(0), (X, Y)))
    stop = threading.Event()
    seen, errors = [], []

    def keep_reading():
        try:
            while not stop.is_set():
                weights = read.get_weights()
                seen.append(weights)
                read.predict(X[:2], verbose=0)
                jax.block_until_ready(read.train_state())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=keep_reading)
    thread.start()
    try:
        read.fit(X, Y, batch_size=4, epochs=4, verbose=0)
    finally:
        stop.set()
        thread.join(600)
    alone.fit(X, Y, batch_size=4, epochs=4, verbose=0)
    assert not errors and seen
    for kernel_a, bias_a, kernel_b, bias_b in seen:  # never from two steps
        np.testing.assert_array_equal(kernel_a, kernel_b)
        np.testing.assert_array_equal(bias_a, bias_b)
    for a, b in zip(read.get_weights(), alone.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_what_was_read_is_never_deleted():
    model = twins()
    kept = []
    callback = fkeras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: kept.append(model.weights[0].value),
        on_test_begin=lambda logs: kept.append(model.weights[0].value),
    )
    model.fit(
        X, Y, epochs=2, batch_size=16, verbose=0, validation_data=(X, Y), callbacks=[callback]
    )
    assert len(kept) == 10 and not any(array.is_deleted() for array in kept)


def test_a_reader_waits_for_the_results_of_a_call_that_has_consumed_the_values():
    variable = fkeras.Variable(jnp.zeros(3))
    loan = Loan(([variable],))
    loan.take_over()
    read = []
    with loan.lock:
        loan.values_to_donate()[0][0].delete()
        reader = threading.Thread(target=lambda: read.append(variable.value))
        reader.start()
        reader.join(0.05)  # it cannot come back before the call does
        assert not read
        loan.values = ([jnp.full(3, 7.0)],)
    reader.join(600)
    np.testing.assert_array_equal(read[0], [7, 7, 7])
    loan.finish()


def test_a_writer_in_another_thread_is_heard():
    variable = fkeras.Variable(jnp.zeros(3))
    loan = Loan(([variable],))
    loan.take_over()
    run_in_thread(lambda: variable.assign([1.0, 2.0, 3.0]))
    assert loan.values_to_donate()[0][0].tolist() == [1, 2, 3]
    loan.finish()
    assert variable.value.tolist() == [1, 2, 3]


def test_values_that_no_call_consumed_stay_readable_when_others_take_their_place():
    variable = fkeras.Variable(jnp.zeros(3))
    loan = Loan(([variable],))
    loan.take_over()
    read = variable.value
    loan.exchange(([loan.values[0][0]],))
    loan.values_to_donate()[0][0].delete()
    np.testing.assert_array_equal(read, [0, 0, 0])
    loan.values = ([jnp.ones(3)],)
    loan.finish()
    np.testing.assert_array_equal(variable.value, [1, 1, 1])


class OwnStep(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.dropout, self.head = layers.Dropout(0.5), layers.Dense(1)

    def call(self, x, training=False):
        return self.head(self.dropout(x, training=training))

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return {**logs, "twice": 2 * logs["loss"]}, state


PURE = {
    "step": lambda m, s: m.step(s, (X, Y)),
    "jit of step": lambda m, s: jax.jit(lambda s: m.step(s, (X, Y)))(s),
    "test": lambda m, s: m.test(s, (X, Y)),
    "predict": lambda m, s: m.predict(s, X),
    "init_state": lambda m, s: m.init_state(jax.random.key(0), (X, Y)),
    "reset_metrics": lambda m, s: m.reset_metrics(s),
    "running_logs": lambda m, s: m.running_logs(s),
}


@pytest.mark.parametrize("call", PURE)
def test_pure_calls_know_nothing_of_a_fit_that_is_running(call):
    model = OwnStep()
    model.compile("sgd", "mse", metrics=["mae"])
    state = model.init_state(jax.random.key(0), (X, Y))
    before = PURE[call](model, state)
    during = []
    callback = fkeras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: during.append(
            run_in_thread(lambda: PURE[call](model, state))
        )
    )
    model.fit(X, Y, verbose=0, callbacks=[callback])
    for result in during:
        assert jax.tree.structure(result) == jax.tree.structure(before)
        for a, b in zip(jax.tree.leaves(result), jax.tree.leaves(before)):
            if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
                a, b = jax.random.key_data(a), jax.random.key_data(b)
            np.testing.assert_allclose(a, b, rtol=1e-6)
