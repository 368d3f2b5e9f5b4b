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


def test_its_text_shows_shapes_and_reads_nothing():
    text = repr(state())
    assert text == (
        "TrainState(\n"
        "  step=int32[],\n"
        "  params={'kernel': float32[3]},\n"
        "  state={},\n"
        "  opt_state={'count': int32[]},\n"
        "  metrics={},\n"
        "  key=key<fry>[],\n"
        ")"
    )
    deleted = state()
    deleted.params["kernel"].delete()
    assert repr(deleted) == text == str(deleted)


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, jax.grad])
def test_its_text_inside_of_transformations(transform):
    texts = []

    def look(params):
        texts.append(repr(state().replace(params=params)))
        return params.sum()

    transform(look)(jnp.ones((2, 3)))
    assert "float32[3]" in texts[0] or "float32[2,3]" in texts[0]


def test_its_text_holds_whatever_stands_for_arrays():
    abstract = jax.eval_shape(state)
    assert repr(abstract) == repr(state())
    assert "params=None" in repr(state().replace(params=None))
    deep = {f"block_{i}": {"kernel": jnp.ones((3, 4)), "bias": jnp.ones(4)} for i in range(9)}
    assert all(len(line) <= 100 for line in repr(state().replace(params=deep)).splitlines())


@pytest.mark.parametrize("step", [jnp.float32(1), jnp.arange(2), None])
def test_steps_that_are_no_count_are_refused(step):
    with pytest.raises(UserInputError, match="int32 scalar.*vmap"):
        check_state(state().replace(step=step))
