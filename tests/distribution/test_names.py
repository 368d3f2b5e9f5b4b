"""The classes of `fkeras.distribution` on their own: what they hold, and what they refuse."""

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import fkeras
from fkeras import distribution
from fkeras.errors import UserInputError

DEVICES = [f"cpu:{i}" for i in range(8)]  # names: looked up when first needed


def mesh(shape=(4, 2), names=("data", "model")):
    return distribution.DeviceMesh(shape, list(names), DEVICES)


def test_devices_by_name():
    assert distribution.list_devices() == [f"cpu:{i}" for i in range(len(jax.devices()))]
    assert distribution.list_devices("CPU") == distribution.list_devices("cpu")
    assert distribution.get_device_count("cpu") == len(jax.devices("cpu"))


@pytest.mark.parametrize("kind", ["quantum", 3])
def test_devices_that_are_not_there(kind):
    with pytest.raises(UserInputError, match="device"):
        distribution.list_devices(kind)


def test_a_mesh_holds_its_devices_by_axes():
    m = mesh()
    assert m.shape == (4, 2) and m.axis_names == ["data", "model"] and m.devices.shape == (4, 2)
    assert m.devices[1, 0] == "cpu:2" and m.axis_size("model") == 2


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ((4,), "", "Shape and axis_names cannot be empty"),
        ((), ["a"], "Shape and axis_names cannot be empty"),
        ((4, 2), ["batch"], "Shape and axis_names should have same size"),
        ((4, 3), ["batch", "model"], "holds 12; devices.shape=\\(8,\\)"),
    ],
)
def test_a_mesh_that_does_not_fit(shape, names, message):
    with pytest.raises(UserInputError, match=message):
        distribution.DeviceMesh(shape, names, DEVICES)


def test_a_device_that_is_not_there_is_named_when_it_is_needed():
    wanted = distribution.DeviceMesh((1,), ["batch"], ["cpu:999"])
    with pytest.raises(UserInputError, match="Device not found.*cpu:999.*There are.*cpu:0"):
        wanted.backend_mesh  # noqa: B018


def test_the_mesh_as_jax_has_it():
    m = distribution.DeviceMesh((1, 1), ["batch", "model"], jax.devices()[:1])
    assert m.backend_mesh.axis_names == ("batch", "model")
    layout = distribution.TensorLayout(("batch", None), m)
    expected = NamedSharding(m.backend_mesh, PartitionSpec("batch", None))
    assert layout.backend_layout == expected and "batch" in repr(layout)


def test_a_layout_gets_its_mesh_once():
    layout = distribution.TensorLayout(("data", None))
    with pytest.raises(UserInputError, match="device mesh is not set"):
        layout.backend_layout  # noqa: B018
    layout.device_mesh = mesh()
    with pytest.raises(UserInputError, match="Cannot override device mesh"):
        layout.device_mesh = mesh()
    with pytest.raises(UserInputError, match="Invalid axis names for Layout"):
        distribution.TensorLayout(("data", "unknown"), mesh())
    with pytest.raises(UserInputError, match="Invalid axis names for Layout"):
        distribution.TensorLayout(("unknown",)).device_mesh = mesh()


def test_rules_match_whole_paths_and_own_keys_win():
    rules = distribution.LayoutMap(mesh())
    rules["dense/kernel"] = ("data", "model")
    rules["dense.*kernel"] = distribution.TensorLayout((None, "model"))
    rules[".*bias"] = ("model",)
    assert rules["dense/kernel"].axes == ("data", "model")
    assert rules["dense_1/kernel"].axes == (None, "model")
    assert rules["net/bias"].axes == ("model",) and rules["bias_of_nothing"] is None
    assert rules["net/bias"].device_mesh is rules.device_mesh
    assert list(rules) == ["dense/kernel", "dense.*kernel", ".*bias"] and len(rules) == 3
    del rules[".*bias"]
    assert rules["net/bias"] is None and rules.get("net/bias") is None


def test_rules_that_meet_or_repeat_are_errors():
    rules = distribution.LayoutMap(mesh())
    rules[".*kernel"] = (None, "model")
    rules["dense.*"] = ("data",)
    with pytest.raises(UserInputError, match="'dense/kernel' matches multiple layout"):
        rules["dense/kernel"]
    with pytest.raises(UserInputError, match="already exist in the LayoutMap"):
        rules[".*kernel"] = ("data",)
    with pytest.raises(TypeError, match="should be a TensorLayout type"):
        rules["x"] = "data"


def test_data_parallel_by_mesh_by_devices_and_by_default():
    by_mesh = distribution.DataParallel(device_mesh=mesh((8,), ["data"]))
    assert by_mesh.batch_dim_name == "data" and by_mesh.num_model_replicas == 8
    by_devices = distribution.DataParallel(devices=DEVICES)
    assert by_devices.device_mesh.axis_names == ["batch"] and by_devices.num_model_replicas == 8
    assert distribution.DataParallel().device_mesh.devices.size == len(jax.devices())
    assert by_mesh.get_data_layout((4, 2, 2)).axes == ("data", None, None)
    variable = fkeras.Variable([1.0, 2.0, 3.0])
    assert by_mesh.get_variable_layout(variable).axes == (None,)
    assert by_mesh.get_tensor_layout("any/output") is None
    assert by_mesh.auto_shard_dataset is True and by_mesh.distribute_dataset(3) == 3
    with pytest.warns(UserWarning, match="Expect the input mesh to be 1D"):
        assert distribution.DataParallel(mesh()).num_model_replicas == 4


def test_model_parallel_lays_out_by_rules():
    rules = distribution.LayoutMap(mesh())
    rules[".*kernel"] = (None, "model")
    rules["net/output"] = ("data", None)
    parallel = distribution.ModelParallel(layout_map=rules, batch_dim_name="data")
    kernel = fkeras.Variable(np.ones((4, 2)), name="kernel")
    bias = fkeras.Variable(np.ones(2), name="bias")
    assert parallel.get_variable_layout(kernel).axes == (None, "model")
    assert parallel.get_variable_layout(bias).axes == (None,)
    assert parallel.get_tensor_layout("net/output").axes == ("data", None)
    assert parallel.get_tensor_layout("other/output") is None
    assert parallel.num_model_replicas == 4 and parallel.num_data_shards == 1
    own = distribution.TensorLayout(("model", None), rules.device_mesh)
    kernel.layout = own
    assert parallel.get_variable_layout(kernel) is own


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: distribution.DataParallel(DEVICES), "Expect `mesh` to be an instance"),
        (lambda: distribution.ModelParallel(), "You must specify a layout_map"),
        (lambda: distribution.ModelParallel(layout_map={}), "must be a `LayoutMap` instance"),
        (lambda: distribution.FSDP(devices=DEVICES, min_size=-1), "min_size"),
        (lambda: distribution.set_distribution("dp"), "takes a Distribution"),
        (lambda: distribution.initialize("a:1,b:2", 3, 0), "has 2 jobs, but num_processes is 3"),
        (lambda: distribution.initialize("a:1", 2, 2), "process_id.*in \\[0, num_processes\\)"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(UserInputError, match=message):
        make()


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((16, 64), (None, "batch")),
        ((64, 16), ("batch", None)),
        ((24, 60), ("batch", None)),  # 60 does not divide by 8
        ((3, 5), (None, None)),
        ((2, 2), (None, None)),  # too small
        ((), ()),
    ],
)
def test_fsdp_cuts_the_longest_axis_that_divides(shape, axes):
    fsdp = distribution.FSDP(devices=DEVICES, min_size=8)
    variable = fkeras.Variable("zeros", shape=shape)
    assert fsdp.get_variable_layout(variable).axes == axes


def test_scopes_nest_and_stay_on_their_thread():
    one, two = (distribution.DataParallel(devices=DEVICES[:n]) for n in (1, 2))
    assert distribution.distribution() is None
    with one.scope():
        with two.scope():
            assert distribution.distribution() is two
        assert distribution.distribution() is one
    distribution.set_distribution(one)
    try:
        assert distribution.distribution() is one
    finally:
        distribution.set_distribution(None)
    assert distribution.distribution() is None


def test_shards_of_data_by_process():
    class Four(distribution.DataParallel):
        num_processes = 4

    for replicas, expected in [(8, [0, 1, 2, 3]), (2, [0, 0, 1, 1])]:
        four = Four(devices=DEVICES[:replicas])
        found = []
        for process in range(4):
            four._process_id = process
            found.append(four.data_shard_id)
        assert found == expected


def test_initialize_reads_the_environment(monkeypatch):
    calls = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda **kwargs: calls.append(kwargs))
    distribution.initialize("10.0.0.1:1234,10.0.0.2:2345", 2, 0)
    monkeypatch.setenv("KERAS_DISTRIBUTION_JOB_ADDRESSES", "10.0.0.9:1")
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "3")
    monkeypatch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "2")
    distribution.initialize()
    assert [list(call.values())[:3] for call in calls] == [
        ["10.0.0.1:1234", 2, 0],
        ["10.0.0.9:1", 3, 2],
    ]
    monkeypatch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "two")
    with pytest.raises(UserInputError, match="KERAS_DISTRIBUTION_PROCESS_ID.*'two'"):
        distribution.initialize()


def test_one_device_is_as_good_as_none():
    x = np.ones((8, 3), "float32")

    def trained():
        fkeras.utils.set_random_seed(0)
        model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, x[:, :1], verbose=0)
        return model.get_weights()

    alone = trained()
    with distribution.DataParallel(devices=["cpu:0"]).scope():
        for found, expected in zip(trained(), alone, strict=True):
            np.testing.assert_array_equal(found, expected)


def transformer():
    inputs = fkeras.Input((6,), dtype="int32")
    hidden = fkeras.layers.Embedding(10, 8, name="tokens")(inputs)
    attention = fkeras.layers.MultiHeadAttention(4, 2, name="attention")
    hidden = fkeras.layers.LayerNormalization()(hidden + attention(hidden, hidden))
    widened = fkeras.layers.Dense(16, activation="relu", name="up")(hidden)
    narrowed = fkeras.layers.Dense(8, name="down")(widened)
    outputs = fkeras.layers.Dense(3, name="head")(hidden + narrowed)
    return fkeras.Model(inputs, outputs, name="net")


def test_tensor_parallel_cuts_attention_by_heads_and_dense_layers_in_pairs():
    rules = distribution.tensor_parallel(transformer(), mesh((2, 4), ["batch", "model"]))
    axes = {path: layout.axes for path, layout in rules.items()}
    assert axes == {
        "tokens/embeddings": (None, "model"),
        "attention/query/kernel": (None, "model", None),
        "attention/query/bias": ("model", None),
        "attention/key/kernel": (None, "model", None),
        "attention/key/bias": ("model", None),
        "attention/value/kernel": (None, "model", None),
        "attention/value/bias": ("model", None),
        "attention/attention_output/kernel": ("model", None, None),
        "up/kernel": (None, "model"),
        "up/bias": ("model",),
        "down/kernel": ("model", None),
        "head/kernel": ("model", None),
    }


@pytest.mark.parametrize(
    ("model", "axis", "message"),
    [
        (transformer, "rows", "has no axis 'rows'"),
        (lambda: fkeras.Sequential([fkeras.layers.Dense(4)]), None, "not built yet"),
        (lambda: fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(5)]), None, "divides"),
    ],
)
def test_tensor_parallel_that_cuts_nothing(model, axis, message):
    with pytest.raises(UserInputError, match=message):
        distribution.tensor_parallel(model(), mesh((2, 4), ["batch", "model"]), axis)


@pytest.mark.parametrize(
    ("memory", "plan"), [(1 << 20, "replicate"), (1 << 17, "fsdp"), (1 << 12, None)]
)
def test_auto_shard_chooses_by_memory_and_says_why(memory, plan, capsys):
    auto = distribution.AutoShard(devices=DEVICES, memory=memory)
    kernel = fkeras.Variable("zeros", shape=(64, 256), name="kernel")  # 64 KiB, times 4
    auto.variable_sharding = lambda v: FakeSharding(auto.plan == "replicate")
    if plan is None:
        with pytest.raises(UserInputError, match="does not fit: weights 64 KiB.*in parts"):
            auto.adopt([kernel], [])
        return
    auto.adopt([kernel], [])
    assert auto.plan == plan
    shown = capsys.readouterr().out
    assert f"AutoShard: {plan}: weights 64 KiB" in shown and "256 KiB whole" in shown
    expected = (None, "batch") if plan == "fsdp" else (None, None)
    assert auto.get_variable_layout(kernel).axes == expected


class FakeSharding:
    """Stands for one of eight devices that are not there."""

    def __init__(self, is_fully_replicated):
        self.is_fully_replicated = is_fully_replicated
