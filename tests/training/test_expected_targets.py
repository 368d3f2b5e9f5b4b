"""A complete state right after `compile`: losses say what targets they expect."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.training import expected_targets

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
BINARY = np.array([[0], [1], [1], [0], [1], [0]], "float32")
IDS = np.array([0, 1, 2, 1, 0, 2], "int32")
ONE_HOT = np.eye(3, dtype="float32")[IDS]


def stack(units):
    return fkeras.Sequential([fkeras.Input((4,)), layers.Dense(units, activation="sigmoid")])


class Subclass(fkeras.Model):
    def __init__(self, units):
        super().__init__()
        self.head = layers.Dense(units, activation="softmax")

    def call(self, x):
        return self.head(x)


def built_subclass(units):
    model = Subclass(units)
    model.build((None, 4))
    return model


def two_outputs():
    x = fkeras.Input((4,))
    a = layers.Dense(1, name="a", activation="sigmoid")(x)
    return fkeras.Model(x, {"a": a, "b": layers.Dense(3, name="b", activation="softmax")(x)})


ROWS = {
    "loss alone": (lambda: stack(1), {"loss": "mse"}, BINARY),
    "mae": (lambda: stack(1), {"loss": "mse", "metrics": ["mae"]}, BINARY),
    "binary": (
        lambda: stack(1),
        {"loss": "binary_crossentropy", "metrics": ["accuracy", "ce", fkeras.metrics.AUC()]},
        BINARY,
    ),
    "ids": (
        lambda: stack(3),
        {"loss": "sparse_categorical_crossentropy", "metrics": ["acc", "crossentropy"]},
        IDS,
    ),
    "ids in a column": (
        lambda: stack(3),
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        IDS[:, None],
    ),
    "one hot": (
        lambda: stack(3),
        {"loss": "categorical_crossentropy", "weighted_metrics": ["accuracy"]},
        ONE_HOT,
    ),
    "state by shape": (
        lambda: stack(3),
        {"loss": "categorical_crossentropy", "metrics": [fkeras.metrics.F1Score()]},
        ONE_HOT,
    ),
    "own loss": (
        lambda: stack(1),
        {"loss": lambda y, p: abs(y - p), "metrics": ["mse"]},
        BINARY,
    ),
    "subclass": (
        lambda: built_subclass(3),
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        IDS,
    ),
    "two outputs": (
        two_outputs,
        {
            "loss": {"a": "binary_crossentropy", "b": "sparse_categorical_crossentropy"},
            "metrics": {"a": ["accuracy"], "b": ["accuracy", "ce"]},
        },
        {"a": BINARY, "b": IDS},
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_state_before_any_data_is_the_one_that_a_batch_gives(row):
    make, arguments, y = ROWS[row]
    batch = X, y
    model, other = make(), make()
    for m in (model, other):
        m.compile("sgd", **arguments)
    state = model.train_state()
    expected = other.init_state(jax.random.key(0), batch)
    assert jax.tree.structure(state) == jax.tree.structure(expected)
    _, logs = model.step(other.init_state(jax.random.key(0), batch), batch)
    _, other_logs = other.step(expected, batch)
    assert sorted(logs) == sorted(other_logs)
    for name in logs:
        np.testing.assert_allclose(logs[name], other_logs[name], rtol=1e-6, err_msg=name)


OPEN = {
    "own loss, accuracy": {"loss": lambda y, p: (y - p) ** 2, "metrics": ["accuracy"]},
    "crossentropy": {"loss": "crossentropy"},
}


@pytest.mark.parametrize("row", OPEN)
def test_what_only_targets_tell_is_added_by_a_reset(row):
    model = stack(1)
    model.compile("sgd", **OPEN[row])
    assert not expected_targets.resolve(model, model._compiled)
    state = model.train_state()
    batch = X, BINARY
    if "metrics" in OPEN[row]:
        with pytest.raises(UserInputError, match=r"reset_metrics\(state\)` adds them"):
            model.step(state, batch)
    state = model.reset_metrics(state)
    state, logs = model.step(state, batch)
    assert "loss" in logs and expected_targets.resolve(model, model._compiled)


def test_a_users_compute_loss_is_not_guessed_about():
    class Own(Subclass):
        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            return super().compute_loss(x, y["target"], y_pred, sample_weight, training)

    model = Own(3)
    model.build((None, 4))
    model.compile("sgd", "mse")
    assert not expected_targets.resolve(model, model._compiled)
    state = model.train_state()
    model.step(model.reset_metrics(state), (X, {"target": ONE_HOT}))


@pytest.mark.parametrize("method", ["train_state", "set_train_state", "reset_metrics"])
def test_a_model_without_weights_has_no_state(method):
    built = stack(1)
    built.compile("sgd", "mse")
    model = fkeras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    arguments = [] if method == "train_state" else [built.train_state()]
    with pytest.raises(NotBuiltError, match=f"`{method}`.*not built.*init_state.*model.build"):
        getattr(model, method)(*arguments)


@pytest.mark.parametrize("row", ["ids", "two outputs", "own loss"])
def test_a_state_may_be_set_before_any_data(row):
    make, arguments, y = ROWS[row]
    model, other = make(), make()
    for m in (model, other):
        m.compile("sgd", **arguments)
    state = model.init_state(jax.random.key(0), (X, y))
    other.set_train_state(state)
    assert jax.tree.structure(other.train_state()) == jax.tree.structure(state)


def test_metrics_that_are_not_known_yet_are_left_out_of_a_state_that_is_set():
    model, other = stack(1), stack(1)
    for m in (model, other):
        m.compile("sgd", OPEN["own loss, accuracy"]["loss"], metrics=["accuracy"])
    state, _ = model.step(model.init_state(jax.random.key(0), (X, BINARY)), (X, BINARY))
    other.set_train_state(state)
    other.fit(X, BINARY, verbose=0)
    for a, b in zip(jax.tree.leaves(state.params), jax.tree.leaves(other.train_state().params)):
        assert a.shape == b.shape and np.any(a != b)
