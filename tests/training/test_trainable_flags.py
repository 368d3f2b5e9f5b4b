"""The flags of `compile` count in traces, and are written to no object."""

import threading

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.variable_info import info_of
from fkeras.training.trainable_flags import TrainableFlags

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1]
TIMEOUT = 600.0  # seconds until a test that would wait for ever fails instead


class Meeting(layers.Layer):
    """A layer whose traced calls run `what` first."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner
        self.meet = lambda layer: None

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, x, training=False):
        self.meet(self.inner)
        return self.inner(x)


def compiled(layer, frozen):
    """A model around a layer that may be shared, compiled while the layer is frozen or not."""
    model = fkeras.Sequential([fkeras.Input((3,)), layer, layers.Dense(1)])
    layer.trainable = not frozen
    model.compile("sgd", "mse")
    model.init_state(jax.random.key(0), (X, Y))  # builds all that a step needs
    return model


def in_threads(*functions):
    """Results of functions that run at the same time."""
    results = [None] * len(functions)

    def run(i, function):
        results[i] = function()

    threads = [
        threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    return results


def inner_kernel(state):
    return np.asarray(state.params["meeting"]["inner"]["kernel"])


def test_what_is_remembered_counts_in_the_scope_and_is_told_of():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2, name="first"), layers.Dense(1)])
    flags = TrainableFlags(model)
    model.layers[0].trainable = False
    assert flags.toggled_layers(model) == ["first"]
    with flags.applied(model):
        assert model.layers[0].trainable and len(model.trainable_variables) == 4
    assert not model.layers[0].trainable and len(model.trainable_variables) == 2
    assert TrainableFlags().toggled_layers(model) == []


@pytest.mark.parametrize(("frozen_then", "trained"), [(True, 2), (False, 4)])
def test_a_weight_made_since_goes_back_with_its_layer(frozen_then, trained):
    """The layer is toggled between `compile` and the call that builds it."""
    model = fkeras.Sequential([layers.Dense(2), layers.Dense(1)])
    model.layers[0].trainable = not frozen_then
    flags = TrainableFlags(model)
    model.layers[0].trainable = frozen_then
    model.build((None, 3))
    with flags.applied(model):
        assert len(model.trainable_variables) == trained


def test_two_threads_trace_the_step_of_one_model_at_once():
    layer = Meeting(layers.Dense(4, name="inner"), name="meeting")
    model = compiled(layer, frozen=False)
    state = model.train_state()
    expected, _ = model.step(state, (X, Y))
    barrier = threading.Barrier(2)
    layer.meet = lambda inner: barrier.wait(TIMEOUT)

    def traced():
        return jax.jit(lambda *args: model.step(*args))(state, (X, Y))[0]

    for result in in_threads(traced, traced):
        for a, b in zip(jax.tree.leaves(result.params), jax.tree.leaves(expected.params)):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_models_that_share_a_layer_each_train_it_by_their_own_flags():
    layer = Meeting(layers.Dense(4, name="inner"), name="meeting")
    freezing, training = compiled(layer, frozen=True), compiled(layer, frozen=False)
    states = [model.train_state() for model in (freezing, training)]
    barrier, seen = threading.Barrier(2), {}

    def meet(inner):
        barrier.wait(TIMEOUT)  # both are in the middle of a trace
        seen[threading.current_thread()] = inner.trainable, inner.kernel.trainable
        barrier.wait(TIMEOUT)

    layer.meet = meet
    steps = [
        lambda model=model, state=state: jax.jit(lambda *args: model.step(*args))(state, (X, Y))[0]
        for model, state in zip((freezing, training), states)
    ]
    frozen, trained = in_threads(*steps)
    assert sorted(seen.values()) == [(False, False), (True, True)]
    np.testing.assert_array_equal(inner_kernel(frozen), inner_kernel(states[0]))
    assert np.any(inner_kernel(trained) != inner_kernel(states[1]))
    assert layer.trainable and layer.inner.kernel.trainable  # the user's last word


def test_another_thread_reads_the_users_flag_during_a_trace():
    layer = Meeting(layers.Dense(4, name="inner"), name="meeting")
    model = compiled(layer, frozen=False)
    layer.trainable = False  # since `compile`
    state = model.train_state()
    tracing, done, seen = threading.Event(), threading.Event(), []

    def meet(inner):
        seen.append(inner.trainable)
        tracing.set()
        done.wait(TIMEOUT)

    layer.meet = meet
    thread = threading.Thread(target=lambda: jax.eval_shape(model.step, state, (X, Y)), daemon=True)
    thread.start()
    assert tracing.wait(TIMEOUT)
    seen.append(layer.inner.trainable)
    done.set()
    thread.join(TIMEOUT)
    assert seen == [True, False]


def test_a_step_of_a_built_model_writes_nothing():
    model = fkeras.Sequential(
        [
            fkeras.Input((3,)),
            layers.Dense(4, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.layers[0].trainable = False
    model.init_state(jax.random.key(0), (X, Y))
    state = model.train_state()
    jax.eval_shape(model.step, state, (X, Y))

    def contents():
        infos = [layer._info for layer in model._flatten_layers()]
        records = [dict(vars(info)) for info in infos]
        for variable in (*model.variables, *model.optimizer.variables, *model.metrics_variables):
            info = info_of(variable)
            records.append({name: getattr(info, name, None) for name in info.__slots__})
            records[-1]["value"] = variable.value
        return records

    before = contents()
    jax.jit(model.step)(state, (X, Y))
    for old, new in zip(before, contents(), strict=True):
        changed = [name for name in old if old[name] is not new[name] and old[name] != new[name]]
        assert changed == []


def test_frozen_batch_normalization_stays_in_inference_mode_by_the_flag_of_compile():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.BatchNormalization(name="norm")])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.layers[0].trainable = True  # counts at the next `compile`
    state, _ = model.step(model.train_state(), (X, X))
    np.testing.assert_array_equal(state.state["norm"]["moving_mean"], np.zeros(3))
    model.compile("sgd", "mse")
    state, _ = model.step(model.train_state(), (X, X))
    assert np.any(state.state["norm"]["moving_mean"] != 0)
