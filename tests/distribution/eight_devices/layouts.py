"""Where weights, slots, batches and outputs lie on eight devices, and what does not fit."""

import collections
import re

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

import fkeras
from fkeras import distribution, layers
from fkeras.core import placement
from fkeras.errors import UserInputError


def parallel(rules):
    mesh = distribution.DeviceMesh((2, 4), ["batch", "model"])
    layout_map = distribution.LayoutMap(mesh)
    for path, axes in rules.items():
        layout_map[path] = axes
    return distribution.ModelParallel(layout_map=layout_map)


RULES = {
    "net/up/kernel": (None, "model"),
    "net/up/bias": ("model",),
    "net/up/output": (None, "model"),
}


def net(width=32, **options):
    up = layers.Dense(width, name="up", **options)
    model = fkeras.Sequential([fkeras.Input((8,)), up, layers.Dense(1, name="down")], name="net")
    model.compile("adam", "mse")
    return model


def spec(variable):
    return variable.value.sharding.spec


X, Y = np.ones((24, 8), "float32"), np.ones((24, 1), "float32")


def test_weights_and_their_slots_lie_as_the_rules_say():
    with parallel(RULES).scope():
        model = net()
        model.fit(X, Y, batch_size=8, verbose=0)
    up, down = model.layers
    assert spec(up.kernel) == PartitionSpec(None, "model") and spec(up.bias) == PartitionSpec(
        "model"
    )
    assert spec(down.kernel) == PartitionSpec()
    by_shape = {tuple(v.shape): spec(v) for v in model.optimizer.variables}
    assert by_shape[8, 32] == PartitionSpec(None, "model") and by_shape[32,] == PartitionSpec(
        "model"
    )
    shard = up.kernel.value.addressable_shards[0].data
    assert shard.shape == (8, 8), "each device holds its columns alone"


def test_an_assigned_value_goes_where_the_old_one_lay_outside_of_the_scope_too():
    with parallel(RULES).scope():
        model = net()
    model.layers[0].kernel.assign(np.ones((8, 32)))
    assert spec(model.layers[0].kernel) == PartitionSpec(None, "model")
    model.set_weights([w * 0 + 2 for w in model.get_weights()])
    assert spec(model.layers[0].kernel) == PartitionSpec(None, "model")
    assert model.layers[0].kernel.numpy().mean() == 2


def test_fsdp_holds_a_part_of_weights_and_slots_on_each_device():
    with distribution.FSDP(min_size=64).scope():
        model = net()
        model.fit(X, Y, batch_size=8, verbose=0)
    kernel, bias = model.layers[0].kernel, model.layers[0].bias
    assert kernel.value.addressable_shards[0].data.size == kernel.size // 8
    assert spec(bias) == PartitionSpec(), "too small to be cut"
    slots = [v for v in model.optimizer.variables if v.shape == (8, 32)]
    assert slots and all(v.value.addressable_shards[0].data.size == 32 for v in slots)


def test_a_layout_of_a_weights_own_counts_with_and_without_a_distribution():
    mesh = distribution.DeviceMesh((8,), ["x"])
    layout = distribution.TensorLayout((None, "x"), mesh)

    class Own(layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight((shape[-1], 16), "ones", layout=layout, name="kernel")

        def call(self, inputs):
            return inputs @ self.kernel

    alone = Own()
    alone(X)
    assert spec(alone.kernel) == PartitionSpec(None, "x")
    with distribution.DataParallel().scope():
        inside = Own()
        inside(X)
    assert spec(inside.kernel) == PartitionSpec(None, "x")
    assert fkeras.Variable(np.ones((2, 16)), layout=layout).value.sharding.spec == spec(
        alone.kernel
    )


def test_one_reduction_of_the_gradients_a_step_and_the_others_by_name():
    def collectives(strategy):
        with strategy.scope():
            model = net()
            model.fit(X, Y, batch_size=8, verbose=0)
        executables = model._compiled.executables
        batch = placement.place_batch((X[:8], Y[:8]), strategy)
        step = jax.jit(executables._train)
        arguments = executables.groups.values(), np.int32(0), model.build_key, batch
        text = step.lower(*arguments).compile().as_text()
        found = re.findall(r"(all-\w+|reduce-scatter|collective-\w+)(?:-start)?\(", text)
        return collections.Counter(found)

    assert collectives(distribution.DataParallel()) == {"all-reduce": 1}
    gathered = collectives(distribution.FSDP(min_size=64))
    assert gathered["all-reduce"] + gathered["reduce-scatter"] >= 1
    assert gathered["all-gather"] <= 4, "a weight for each use, and no batch"


def test_a_model_saved_on_many_devices_is_loaded_on_one_and_back(tmp_path):
    with distribution.FSDP(min_size=0).scope():
        model = net()
        save = fkeras.callbacks.OrbaxCheckpoint(tmp_path / "many")
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[save])
    parts = list((tmp_path / "many" / "0" / "state" / "params.up.kernel").glob("[0-9]*"))
    assert len(parts) == 8, "each device's part by itself"
    alone = fkeras.saving.load_model(tmp_path / "many")
    assert len(alone.weights[0].value.sharding.device_set) == 1
    with distribution.DataParallel().scope():
        again = fkeras.saving.load_model(tmp_path / "many")
    assert len(again.weights[0].value.sharding.device_set) == 8
    alone.save(tmp_path / "one")
    with distribution.FSDP(min_size=0).scope():
        spread = fkeras.saving.load_model(tmp_path / "one")
    assert spread.weights[0].value.sharding == model.weights[0].value.sharding
    for one in (alone, again, spread):
        for found, expected in zip(one.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(
        alone.fit(X, Y, verbose=0).history["loss"],
        again.fit(X, Y, verbose=0).history["loss"],
        rtol=1e-5,
    )


def test_a_batch_smaller_than_the_devices_is_told_once():
    with distribution.DataParallel().scope():
        model = net()
        with pytest.warns(UserWarning, match="5 rows.*8 devices.*batch_size=8"):
            model.fit(X, Y, batch_size=5, verbose=0)
        model.fit(X, Y, batch_size=5, verbose=0)
        assert model.predict(X[:5], verbose=0).shape == (5, 1)


def test_a_rule_for_nothing_and_a_layout_that_does_not_divide_are_errors_before_any_step():
    with parallel({"net/upp/kernel": (None, "model")}).scope():
        with pytest.raises(UserInputError, match="match no weight.*net/upp/kernel.*net/up/kernel"):
            net().fit(X, Y, verbose=0)
    with parallel(RULES).scope():
        with pytest.raises(UserInputError, match="31 is not divisible by the 4"):
            net(31)
    with parallel({"net/up/bias": (None, "model")}).scope():
        with pytest.raises(UserInputError, match="names 2 axes.*shape is \\(32,\\)"):
            net()


def test_distribute_tensor_inside_and_outside_of_a_trace():
    mesh = distribution.DeviceMesh((2, 4), ["batch", "model"])
    layout = distribution.TensorLayout(("batch", None), mesh)
    x = np.arange(32.0).reshape(8, 4)
    for function in (
        lambda x: distribution.distribute_tensor(x, layout),
        jax.jit(lambda x: distribution.distribute_tensor(x, layout) * 1),
        jax.jit(lambda x: distribution.distribute_tensor(x, layout.backend_layout) * 1),
    ):
        placed = function(x)
        assert placed.sharding.is_equivalent_to(layout.backend_layout, 2)
        np.testing.assert_array_equal(placed, x)


def repeated(**options):
    fkeras.utils.set_random_seed(0)
    pair = [layers.Dense(16, name="up", **options), layers.Dense(8, name="down")]
    block = fkeras.Sequential(pair, name="block")
    stack = layers.Repeat(block, 3, name="stack")
    return fkeras.Sequential([fkeras.Input((8,)), stack], name="net"), block


# Rules for the stack, for any block, for each block by itself.
RULES_OF_BLOCKS = [
    {"net/stack/block/up/kernel": (None, "model"), "net/stack/block/up/output": (None, "model")},
    {r"net/stack/block_\d+/up/kernel": (None, "model")},
    {".*up/kernel": (None, "model")},
    {f"net/stack/block_{i}/up/kernel": (None, "model") for i in range(3)},
]


@pytest.mark.parametrize("rules", RULES_OF_BLOCKS, ids=lambda rules: next(iter(rules)))
def test_rules_for_blocks_that_repeat_name_the_axes_of_one(rules):
    with parallel(rules).scope():
        model, block = repeated()
        model.compile("adam", "mse")
        model.train_state()  # makes the state of the optimizer
        kernel = block.layers[0].kernel
        layout = distribution.distribution().get_variable_layout(kernel)
    assert spec(kernel) == PartitionSpec(None, None, "model")
    assert layout.axes == (None, None, "model")
    slots = [spec(v) for v in model.optimizer.variables if v.shape == (3, 8, 16)]
    assert slots == [PartitionSpec(None, None, "model")] * 2
    assert spec(block.layers[1].kernel) == PartitionSpec()
    assert model.weights[0].path == "net/stack/block_0/up/kernel"


def test_blocks_of_blocks_and_a_layout_of_a_weights_own():
    mesh = distribution.DeviceMesh((8,), ["x"])
    layout = distribution.TensorLayout((None, "x"), mesh)

    class Own(layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight((8, 8), "ones", layout=layout, name="kernel")

        def call(self, inputs):
            return inputs @ self.kernel

    alone = Own()
    layers.Repeat(layers.Repeat(alone, 2), 3).build((4, 8))
    assert alone.kernel.shape == (3, 2, 8, 8)
    assert spec(alone.kernel) == PartitionSpec(None, None, None, "x")
    with distribution.FSDP(min_size=0).scope():
        dense = layers.Dense(8)
        layers.Repeat(layers.Repeat(dense, 2), 8).build((4, 8))
    assert spec(dense.kernel) == PartitionSpec(None, None, "batch", None)
    assert spec(dense.bias) == PartitionSpec(None, None, "batch")


def test_blocks_of_one_stack_lie_alike():
    rules = {"net/stack/block_0/up/kernel": (None, "model"), ".*block_[12]/up/kernel": ("model",)}
    with parallel(rules).scope():
        with pytest.raises(UserInputError, match="in different ways.*net/stack/block/up/kernel"):
            repeated()
    with parallel({"net/stack/block/up/kernel": (None, None, "model")}).scope():
        with pytest.raises(UserInputError, match=r"names 3 axes. Its shape is \(8, 16\)"):
            repeated()


def test_tensor_parallel_cuts_blocks_that_repeat():
    model, _ = repeated()
    rules = distribution.tensor_parallel(model, distribution.DeviceMesh((2, 4), ["batch", "model"]))
    assert {path: layout.axes for path, layout in rules.items()} == {
        "net/stack/block/up/kernel": (None, "model"),
        "net/stack/block/up/bias": ("model",),
        "net/stack/block/down/kernel": ("model", None),
    }


def test_a_list_of_built_blocks_is_stacked_where_it_belongs():
    with distribution.FSDP(min_size=0).scope():
        blocks = [layers.Dense(8, name=f"d{i}") for i in range(2)]
        for block in blocks:
            block.build((None, 8))
        expected = [block.kernel.numpy() for block in blocks]
        repeat = layers.Repeat(blocks)
    assert spec(repeat.block.kernel) == PartitionSpec(None, "batch", None)
    for found, value in zip(repeat.block.kernel.numpy(), expected, strict=True):
        np.testing.assert_array_equal(found, value)
