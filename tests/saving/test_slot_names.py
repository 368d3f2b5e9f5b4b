"""Readable names for what optimizers keep."""

import optax
import pytest

import fkeras
from fkeras import layers, optimizers
from fkeras.saving.record import optimizer_states
from tests.saving.models import dense

ROWS = [
    (optimizers.SGD(), {"iteration", "learning_rate"}),
    (optimizers.SGD(momentum=0.9), {"momentum/dense/kernel"}),
    (optimizers.LossScaleOptimizer("adam"), {"dynamic_scale", "inner_optimizer/iteration"}),
    (optax.adam(0.1), {"iteration", "transformation/0/mu/dense_1/bias"}),
    (optax.chain(optax.add_noise(0.1, 0.1, seed=0), optax.sgd(0.1)), {"transformation/0/count"}),
]


@pytest.mark.parametrize("optimizer, expected", ROWS)
def test_each_state_has_a_name_of_its_own(optimizer, expected):
    model = dense()
    model.compile(optimizer, "mse")
    model.train_state()  # builds the optimizer
    names = list(optimizer_states(model))
    assert expected <= set(names)
    assert len(names) == len(model.optimizer.variables)
    assert not [a for a in names for b in names if b.startswith(f"{a}/")]


def test_blocks_of_a_repeat_have_names_as_separate_blocks_would():
    stack = layers.Repeat(layers.Dense(3), 2, name="stack")
    model = fkeras.Sequential([fkeras.Input((3,)), stack])
    model.compile("adam", "mse")
    model.train_state()
    names = [name for name in optimizer_states(model) if name.startswith("momentum/")]
    assert sorted(names) == [
        f"momentum/stack/block_{i}/{weight}" for i in range(2) for weight in ("bias", "kernel")
    ]
