"""Weights and what optimizers keep are made in their parts: no device ever holds all of one."""

import sys

import jax
import numpy as np
import pytest

import fkeras
from fkeras import distribution, layers
from fkeras.core import placement
from fkeras.core.randomness import sharded_draws

SIZES = 32 * 64, 64 * 64, 2 * 64 * 64  # of the weights that are cut, and of stacks


class Watched:
    """Looks at each return from a function of fkeras for arrays that lie on one device as a whole,
    or on several as wholes.
    """

    def __init__(self):
        self.found = set()
        self.earlier = jax.live_arrays()  # of other tests
        self.ids = set(map(id, self.earlier))

    def __call__(self, frame, event, argument):
        if event == "return" and frame.f_globals.get("__name__", "").startswith("fkeras."):
            for array in jax.live_arrays():
                is_new = id(array) not in self.ids
                if is_new and array.size in SIZES and array.sharding.is_fully_replicated:
                    self.found.add((array.shape, frame.f_code.co_qualname))

    def __enter__(self):
        sys.setprofile(self)
        return self.found

    def __exit__(self, *error):
        sys.setprofile(None)


def net(optimizer="adam"):
    fkeras.utils.set_random_seed(0)
    block = layers.Dense(64, activation="tanh", name="block")
    model = fkeras.Sequential(
        [
            fkeras.Input((32,)),
            layers.Dense(64, name="first"),
            layers.Dense(64, kernel_initializer="zeros", name="second"),
            layers.Repeat(block, 2, name="repeat"),
            layers.Dense(32, kernel_initializer="truncated_normal", name="last"),
        ],
        name="net",
    )
    model.compile(optimizer, "mse")
    return model


def by_rules():
    mesh = distribution.DeviceMesh((2, 4), ["batch", "model"])
    rules = distribution.LayoutMap(mesh)
    rules["net/(first|second|block|repeat/block)/kernel"] = (None, "model")
    rules["net/last/kernel"] = ("model", None)
    return distribution.ModelParallel(layout_map=rules)


STRATEGIES = {
    "fsdp": lambda: distribution.FSDP(min_size=0),
    "model parallel": by_rules,
    "auto": lambda: distribution.AutoShard(memory=1 << 18, verbose=False),
}


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("made", ["inside", "outside"])
def test_nothing_is_made_whole(name, made):
    expected = [weight.copy() for weight in net().get_weights()]
    strategy = STRATEGIES[name]()
    with Watched() as whole:
        if made == "inside":
            with strategy.scope():
                model = net()
                model.summary(print_fn=lambda text: None)
        else:
            model = net()
        with strategy.scope():
            executables = model._compiled.executables_for(model)
            model.set_weights(expected)
    assert not whole, "nor assigned"
    values = [v.value for v in (*model.trainable_variables, *model.optimizer.variables)]
    cut = [value for value in values if value.size in SIZES]
    assert len(cut) == 12, "four weights, each with two moments"
    assert not any(value.sharding.is_fully_replicated for value in cut)
    assert executables.distribution is strategy


@pytest.mark.parametrize("name", STRATEGIES)
def test_first_values_are_those_of_one_device(name):
    expected = net().get_weights()
    with STRATEGIES[name]().scope():
        model = net()
        model._compiled.executables_for(model)
    for found, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, value)


INITIALIZERS = [
    "glorot_uniform",
    "he_normal",
    fkeras.initializers.RandomNormal(1.0, 0.3),
    fkeras.initializers.TruncatedNormal(0.5, seed=3),
    fkeras.initializers.RandomUniform(-0.25, 0.5),
]


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=str)
@pytest.mark.parametrize("blocks", [None, 3])
@pytest.mark.parametrize(
    ("spec", "shape"), [((None, "x"), (264, 304)), (("x", None), (1024, 96)), (("x",), (8,))]
)
def test_devices_draw_their_parts_themselves(initializer, blocks, spec, shape, monkeypatch):
    """As accelerators do, with the numbers that the host would draw."""
    mesh = distribution.DeviceMesh((8,), ["x"])
    layout = distribution.TensorLayout(spec, mesh)

    class Own(layers.Layer):
        def build(self, _):
            given = fkeras.initializers.get(initializer)
            self.w = self.add_weight(shape, given, name="w", dtype="float32", layout=layout)

        def call(self, x):
            return x

    def drawn():
        fkeras.utils.set_random_seed(0)
        layer = Own(name="own") if blocks is None else layers.Repeat(Own(name="own"), blocks)
        layer.build((2, 2))
        (variable,) = layer.trainable_variables
        return variable.value

    expected = drawn()
    monkeypatch.setattr(placement, "are_accelerators", lambda sharding: True)
    programs = sharded_draws._compiled.cache_info().currsize
    found = drawn()
    assert sharded_draws._compiled.cache_info().currsize == programs + 1
    assert found.sharding == expected.sharding and not found.sharding.is_fully_replicated
    np.testing.assert_array_equal(found, expected)


def test_a_device_that_draws_needs_no_room_for_the_others_parts():
    mesh = distribution.DeviceMesh((8,), ["x"])
    used = {}
    for spec in [(None, None), (None, "x"), ("x", None)]:
        sharding = distribution.TensorLayout(spec, mesh).backend_layout
        given = sharded_draws._Same(fkeras.initializers.get("he_normal"), "")
        program = sharded_draws._compiled(given, (1024, 1024), (), "float32", sharding)
        compiled = program.lower(np.zeros(2, np.uint32), np.zeros(1, np.uint32)).compile()
        memory = compiled.memory_analysis()
        used[spec] = memory.output_size_in_bytes + memory.temp_size_in_bytes
        assert "all-" not in compiled.as_text()
    whole = used.pop((None, None))
    assert all(part < whole / 7 for part in used.values())
