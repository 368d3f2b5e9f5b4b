"""The Variables of a compiled model by role, and their places in a `TrainState`."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.training.state import TrainState, as_step, check_state
from fkeras.training.trainable import Trainable

X = np.ones((4, 3), "float32")


@pytest.fixture(scope="module")
def model():
    model = fkeras.Sequential(
        [
            fkeras.Input((3,)),
            layers.Dense(2, name="frozen", trainable=False),
            layers.BatchNormalization(name="norm"),
            layers.Dense(1, name="head"),
        ]
    )
    model.compile("adam", "mse", metrics=["mae", fkeras.metrics.MeanAbsoluteError(name="mae")])
    with pytest.warns(UserWarning, match="shown as 'mae_1'"):
        model.init_state(jax.random.key(0), (X, X[:, :1]))
    return model


@pytest.fixture
def groups(model):
    return model._compiled.groups(model)


def test_roles_are_those_of_the_models_lists(model, groups):
    assert groups.trainable == model.trainable_variables and len(groups.trainable) == 4
    assert groups.non_trainable == model.non_trainable_variables
    assert groups.optimizer == model.optimizer.variables
    assert groups.metrics == model.metrics_variables
    assert [len(g) for g in groups.values()] == [len(g) for g in groups.groups()]
    for values, variables in zip(groups.weights(), groups.groups()):
        assert all(a is v.value for a, v in zip(values, variables))


def test_a_state_and_back_are_the_same_values(model, groups):
    state = groups.to_state(groups.values(), model.optimizer, as_step(3), jax.random.key(1))
    assert set(state.params) == {"frozen", "norm", "head"} and set(state.state) == {"norm"}
    assert int(state.step) == 3 and state.variables == {
        "params": state.params,
        "state": state.state,
    }
    for old, new in zip(groups.values(), groups.to_groups(state, model.optimizer), strict=True):
        for a, b in zip(old, new, strict=True):
            np.testing.assert_array_equal(a, b)


def test_trees_hold_the_trainable_ones_alone(model, groups):
    tree = groups.unflatten(range(4))
    assert tree == {"norm": {"gamma": 0, "beta": 1}, "head": {"kernel": 2, "bias": 3}}
    assert groups.flatten(tree) == [0, 1, 2, 3]
    params = model.train_state().params
    assert set(groups.trainable_tree(params)) == {"norm", "head"}


def test_metrics_of_one_name_are_kept_apart(groups):
    names = groups.metric_names()
    assert len(set(names)) == len(names) == len(groups.metrics)


def test_metrics_are_reset_without_being_touched(model, groups):
    model.test_on_batch(X, X[:, :1])
    touched = [np.asarray(v) for v in groups.metrics]
    assert all(np.all(np.asarray(x) == 0) for x in groups.fresh_metrics())
    assert any(np.any(x != 0) for x in touched)
    for variable, value in zip(groups.metrics, touched):
        np.testing.assert_array_equal(variable, value)


def test_a_state_without_the_models_metrics_is_refused(model, groups):
    state = model.train_state().replace(metrics={})
    with pytest.raises(UserInputError, match=r"no values of the metrics \['loss/.*init_state"):
        model.step(state, (X, X[:, :1]))


def test_a_built_model_has_a_state_before_any_batch():
    fresh = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
    fresh.compile("adam", "mse")
    state = fresh.train_state()
    new, _ = jax.jit(fresh.step)(state, (X, X[:, :1]))
    assert jax.tree.structure(new) == jax.tree.structure(state)


def test_only_a_state_is_a_state():
    check_state(TrainState(*range(6)))
    with pytest.raises(UserInputError, match="takes a TrainState first.*Received: dict"):
        check_state({})


def test_a_model_has_all_that_training_asks_for(model):
    """Names of the protocol are public and there."""
    names = [n for n in vars(Trainable) if not n.startswith("_") and n != "abstract"]
    assert len(names) > 10 and all(hasattr(model, name) for name in names)
