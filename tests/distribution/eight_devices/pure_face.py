"""`step` under a hand-written `jit` over eight devices, with `state_sharding`."""

import jax
import numpy as np
import optax
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import fkeras
from fkeras import distribution, layers
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(16, 8)).astype("float32")
BATCH = X, X[:, :1]


def net(optimizer):
    fkeras.utils.set_random_seed(0)
    hidden = layers.Dense(32, activation="relu")
    model = fkeras.Sequential([fkeras.Input((8,)), hidden, layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


OPTIMIZERS = {"adam": lambda: "adam", "optax": lambda: optax.adam(1e-3)}
PLACES = {
    "mesh": lambda: jax.make_mesh((8,), ("rows",)),
    "device mesh": lambda: distribution.DeviceMesh((8,), ["rows"]),
    "fsdp": lambda: distribution.FSDP(min_size=0),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_with_shardings_by_hand_is_the_step_of_one_device(optimizer, place):
    alone = net(OPTIMIZERS[optimizer]())
    expected, expected_logs = jax.jit(alone.step)(alone.train_state(), BATCH)
    model = net(OPTIMIZERS[optimizer]())
    shardings = model.state_sharding(PLACES[place]())
    mesh = shardings.step.mesh
    rows = NamedSharding(mesh, PartitionSpec(mesh.axis_names[0]))
    step = jax.jit(
        model.step,
        in_shardings=(shardings, rows),
        out_shardings=(shardings, None),
        donate_argnums=0,
    )
    state = jax.device_put(model.train_state(), shardings)
    state, logs = step(state, jax.device_put(BATCH, rows))
    for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        if not jax.dtypes.issubdtype(one.dtype, jax.dtypes.prng_key):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert float(logs["loss"]) == pytest.approx(float(expected_logs["loss"]), rel=1e-6)
    kernels = [a for a in jax.tree.leaves((state.params, state.opt_state)) if a.shape == (8, 32)]
    parts = 8 if place == "fsdp" else 1
    assert len(kernels) == 3 and all(
        a.addressable_shards[0].data.size == a.size // parts for a in kernels
    )
    model.set_train_state(state)
    np.testing.assert_allclose(model.get_weights()[0], jax.tree.leaves(state.params)[1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_an_optimizer_keeps_for_a_weight_lies_where_the_weight_does(optimizer):
    with distribution.FSDP(min_size=0).scope():
        model = net(OPTIMIZERS[optimizer]())
        model.fit(*BATCH, verbose=0)
    kept = [v for v in model.optimizer.variables if v.shape == (8, 32)]
    kernel = model.layers[0].kernel
    assert len(kept) == 2
    assert all(v.value.sharding == kernel.value.sharding for v in kept)
    assert not kernel.value.sharding.is_fully_replicated


def test_state_sharding_asks_for_devices():
    model = net("sgd")
    with pytest.raises(UserInputError, match="Expected a `jax.sharding.Mesh`"):
        model.state_sharding()
    with distribution.DataParallel().scope():
        assert len(model.state_sharding().step.device_set) == 8
