"""Compiled steps of a model: what they compute, when they may be fused, what they remember."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.data import make_source
from fkeras.training import executables as executables_module
from fkeras.training.executables import Executables

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X[:, :1]
KEY = jax.random.key(0)


def model_of(*middle, **arguments):
    model = fkeras.Sequential([fkeras.Input((3,)), *middle, layers.Dense(1)])
    model.compile("sgd", "mse", **arguments)
    model.init_state(KEY, (X, Y))
    return model


@pytest.fixture(scope="module")
def executables():
    model = model_of()
    return Executables(model, model._compiled.groups(model))


def test_a_step_takes_values_and_counter_forward(executables):
    values = executables.groups.values()
    new, counter, logs = executables.train_one_kept(values, np.int32(4), KEY, (X, Y))
    kernel = np.asarray(values[0][0])
    error = X @ kernel - Y  # the bias is 0
    np.testing.assert_allclose(logs["loss"], np.mean(error**2), rtol=1e-5)
    np.testing.assert_allclose(
        new[0][0], kernel - 0.01 * 2 * X.T @ error / len(X), rtol=1e-4, atol=1e-7
    )
    assert int(counter) == 5 and not values[0][0].is_deleted()


def test_predictions_are_products(executables):
    weights = executables.groups.weights()
    outputs, changed = executables.predict_one(weights, KEY, np.int32(0), (X,))
    np.testing.assert_allclose(outputs, X @ np.asarray(weights[0][0]), rtol=1e-5, atol=1e-6)
    assert not changed


def test_shapes_are_remembered_by_kind(executables):
    assert executables.register_shapes("train", (X, Y)) == []
    assert executables.register_shapes("train", (X[::-1], Y)) is None
    assert len(executables.register_shapes("train", (X[:2], Y[:2]))) == 1
    assert executables.register_shapes("test", (X, Y)) == []
    assert executables.compilations == 3


def arguments_of(executables):
    return executables.groups.values(), np.int32(0), KEY


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ((X, Y), True),
        (((X[i : i + 1], Y[i : i + 1]) for i in range(3)), False),  # a stream
    ],
)
def test_only_numbers_in_memory_are_fused(executables, data, expected):
    source = make_source(*data, batch_size=4) if expected else make_source(data)
    assert executables.may_fuse("train", source, *arguments_of(executables)) is expected


def test_what_is_slow_in_a_loop_is_not_fused():
    model = fkeras.Sequential([fkeras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    model.compile("sgd", loss=lambda y_true, y_pred: y_pred)
    x = np.zeros((4, 8, 8, 1), "float32")
    model.init_state(KEY, (x, x[:, 0, 0]))
    made = Executables(model, model._compiled.groups(model))
    source = make_source(x, x[:, 0, 0], batch_size=2)
    assert jax.default_backend() != "cpu" or not made.may_fuse("train", source, *arguments_of(made))


def test_sizes_that_come_and_go_are_not_worth_a_program_each():
    model = model_of()
    made = Executables(model, model._compiled.groups(model))

    def may_fuse(rows, times=1):
        source = make_source(X[:rows], Y[:rows], batch_size=2)
        return made.may_fuse("train", source, *arguments_of(made), times=times)

    assert [may_fuse(rows) for rows in (12, 11, 10, 9, 8)] == [True] * 4 + [False]
    assert may_fuse(12) and may_fuse(8, times=1000)


def test_short_epochs_are_taken_whole_by_their_work(monkeypatch, executables):
    source = make_source(X, Y, batch_size=2)
    executables.may_fuse("train", source, *arguments_of(executables))
    first, most = executables.epochs_a_call(source, None)
    assert 1 <= first <= most == 64
    monkeypatch.setattr(executables_module, "_SHORT_EPOCH", 5)
    assert executables.epochs_a_call(source, None) == (0, 0)
    monkeypatch.undo()
    monkeypatch.setattr(executables_module, "_CALL_WORK", {"cpu": 1.0})
    monkeypatch.setattr(executables_module, "_CALL_WORK_ELSEWHERE", 1.0)
    assert executables.epochs_a_call(source, None) == (0, 0)


def test_plain_python_runs_real_values_and_fuses_nothing():
    seen = []

    class Looking(layers.Layer):
        def call(self, x):
            seen.append(isinstance(x, jax.core.Tracer))
            return x

    model = model_of(Looking())
    seen.clear()
    made = Executables(model, model._compiled.groups(model), eager=True)
    made.predict_one(made.groups.weights(), KEY, np.int32(0), (X,))
    assert seen == [False]
    assert not made.may_fuse("train", make_source(X, Y), *arguments_of(made))


class Resetting(fkeras.metrics.Mean):
    """A user's metric that begins at 1."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_pred - y_true, sample_weight)

    def reset_state(self):
        super().reset_state()
        self.total.assign(1.0)


def test_metrics_of_users_reset_in_their_own_way():
    model = model_of(metrics=[Resetting(name="mine")])
    made = Executables(model, model._compiled.groups(model))
    assert made.metrics_reset_themselves
    values = [np.float32(7) for _ in made.groups.metrics]
    totals = [float(v) for v in made.fresh_metrics(values)]
    assert sorted(totals) == [0.0, 0.0, 0.0, 1.0]
    assert [float(v) for v in made.fresh_metrics()] == totals
