"""Parts of trees of arrays by path."""

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from fkeras import tree
from fkeras.errors import UserInputError

PARAMS = {
    "encoder": {
        "blocks_0": {"kernel": np.ones((2, 2)), "bias": np.ones(2)},
        "blocks_1": {"kernel": np.ones((2, 2)), "bias": np.ones(2)},
    },
    "head": {"kernel": np.ones((2, 1)), "bias": np.ones(1)},
}
PATHS = [
    "encoder/blocks_0/bias",
    "encoder/blocks_0/kernel",
    "encoder/blocks_1/bias",
    "encoder/blocks_1/kernel",
    "head/bias",
    "head/kernel",
]


def _chosen(mask):
    leaves = jax.tree_util.tree_leaves_with_path(mask)
    return [jax.tree_util.keystr(p, simple=True, separator="/") for p, meant in leaves if meant]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("head", PATHS[4:]),
        ("head/*", PATHS[4:]),
        ("head/bias", PATHS[4:5]),
        ("*", PATHS),
        ("*/bias", PATHS[::2]),
        ("encoder/blocks_?", PATHS[:4]),
        ("encoder/blocks_[!0]/kernel", PATHS[3:4]),
        (["head", "*/blocks_0/*"], [*PATHS[:2], *PATHS[4:]]),
        (lambda path, leaf: leaf.ndim == 2, PATHS[1::2]),
        (["head/kernel", lambda path, leaf: path.endswith("_1/bias")], [PATHS[2], PATHS[5]]),
        (lambda path, leaf: False, []),
        ({"encoder": False, "head": True}, PATHS[4:]),
        ({"encoder": {"blocks_0": True, "blocks_1": False}, "head": False}, PATHS[:2]),
        (True, PATHS),
    ],
)
@pytest.mark.parametrize("form", [dict, flax.core.freeze, nnx.State], ids=lambda f: f.__name__)
def test_leaves_are_chosen_and_parts_put_together_again(form, where, expected):
    params = form(PARAMS)
    if form is not dict and isinstance(where, dict):
        where = form(where)
    mask = tree.path_mask(params, where)
    assert jax.tree.structure(mask) == jax.tree.structure(params)
    assert [p.removesuffix("/value") for p in _chosen(mask)] == expected
    chosen, others = tree.partition(params, where)
    assert len(jax.tree.leaves(chosen)) == len(expected)
    assert len(jax.tree.leaves(others)) == 6 - len(expected)
    for whole in (tree.combine(chosen, others), tree.combine(others, chosen)):
        assert jax.tree.structure(whole) == jax.tree.structure(params)
        assert all(map(lambda a, b: a is b, jax.tree.leaves(whole), jax.tree.leaves(params)))


def test_lists_and_tuples_have_their_positions_as_names():
    params = [(1.0, 2.0), {"a": 3.0}]
    assert tree.path_mask(params, ["0/1", "1"]) == [(False, True), {"a": True}]
    assert tree.combine(*tree.partition(params, "0")) == params


def test_the_first_part_with_a_leaf_counts():
    assert tree.combine({"a": None, "b": 1}, {"a": 2, "b": 3}) == {"a": 2, "b": 1}
    assert tree.combine({"a": None}, {"a": None}) == {"a": None}


def test_only_the_chosen_part_has_gradients_and_moves():
    params = jax.tree.map(jnp.asarray, PARAMS)
    free, fixed = tree.partition(params, "head")
    loss = lambda free: sum(jnp.sum(x**2) for x in jax.tree.leaves(tree.combine(free, fixed)))
    optimizer = optax.adam(0.1)

    @jax.jit
    def step(free, state):
        updates, state = optimizer.update(jax.grad(loss)(free), state)
        return optax.apply_updates(free, updates), state

    moved, _ = step(free, optimizer.init(free))
    new = tree.combine(moved, fixed)
    for path, before, after in zip(PATHS, jax.tree.leaves(params), jax.tree.leaves(new)):
        assert bool(jnp.all(before == after)) != path.startswith("head")


def test_masks_and_labels_serve_optax():
    params = jax.tree.map(jnp.asarray, PARAMS)
    labels = tree.path_labels(params, {"still": "encoder", "fast": "*/kernel"}, default="slow")
    assert labels["encoder"]["blocks_0"]["kernel"] == "still"  # the first that holds
    assert labels["head"] == {"kernel": "fast", "bias": "slow"}
    optimizer = optax.multi_transform(
        {"still": optax.set_to_zero(), "fast": optax.sgd(1.0), "slow": optax.sgd(0.1)}, labels
    )
    updates, _ = optimizer.update(params, optimizer.init(params), params)
    assert float(jnp.sum(jnp.abs(updates["encoder"]["blocks_0"]["kernel"]))) == 0
    np.testing.assert_allclose(updates["head"]["kernel"], [[-1.0], [-1.0]])
    np.testing.assert_allclose(updates["head"]["bias"], [-0.1])
    decayed = optax.masked(optax.add_decayed_weights(0.5), tree.path_mask(params, "*/kernel"))
    zeros = jax.tree.map(jnp.zeros_like, params)
    updates, _ = decayed.update(zeros, decayed.init(params), params)
    np.testing.assert_allclose(updates["head"]["kernel"], [[0.5], [0.5]])
    np.testing.assert_allclose(updates["head"]["bias"], [0.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tree.path_mask(PARAMS, "encodr/*"), r"No path fits 'encodr/\*'. Near.*encoder"),
        (lambda: tree.partition(PARAMS, ["head", "kernels"]), "No path fits 'kernels'"),
        (lambda: tree.path_mask(PARAMS, 3), "must be a path such as .* Received: 3"),
        (lambda: tree.path_mask(PARAMS, {"head": True}), "tree of bools does not fit"),
        (lambda: tree.path_labels(PARAMS, {"a": "head"}), "'encoder/blocks_0/bias' is none of"),
        (lambda: tree.combine({"a": 1}, {"b": 1}), "must have one structure"),
        (lambda: tree.combine(), "there is no tree"),
    ],
)
def test_what_cannot_be_meant_is_an_error(call, message):
    with pytest.raises(UserInputError, match=message):
        call()
