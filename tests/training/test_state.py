"""`TrainState`, a pytree."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from fkeras.errors import UserInputError
from fkeras.training.state import TrainState, as_step, check_state


def state():
    return TrainState(
        step=as_step(2),
        params={"kernel": jnp.ones(3)},
        state={},
        opt_state={"count": jnp.int32(0)},
        metrics={},
        key=jax.random.key(0),
    )


def test_it_goes_through_transformations_with_the_names_of_its_fields():
    doubled = jax.jit(lambda s: s.replace(params=jax.tree.map(lambda x: 2 * x, s.params)))(state())
    assert isinstance(doubled, TrainState) and doubled.params["kernel"].tolist() == [2, 2, 2]
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state())]
    assert paths == [".step", ".params['kernel']", ".opt_state['count']", ".key"]


def test_a_copy_leaves_the_state_as_it_was():
    first = state()
    assert int(first.replace(step=as_step(5)).step) == 5 and int(first.step) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.step = as_step(7)


def test_steps_are_int32():
    assert as_step(2).dtype == jnp.int32 and as_step(2).shape == ()


def test_only_a_state_is_a_state():
    check_state(state())
    with pytest.raises(UserInputError, match="takes a TrainState first.*Received: dict"):
        check_state({})
