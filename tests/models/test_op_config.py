"""Functions of `ops` in configs, as Keras has them."""

import inspect
import pkgutil

import numpy as np
import pytest

import fkeras
from fkeras import ops
from fkeras.models.keras_operations import OPERATIONS
from fkeras.models.op_config import describe_op, revive_op


def test_the_table_says_what_keras_has(keras):
    """Classes, their modules, and what their constructors take."""
    import keras.src.ops as folder
    from keras.src.ops.operation import Operation

    theirs = {}
    for module in pkgutil.iter_modules(folder.__path__):
        if not module.name.endswith("_test"):
            home = f"keras.src.ops.{module.name}"
            for name, cls in vars(__import__(home, fromlist=["*"])).items():
                if inspect.isclass(cls) and issubclass(cls, Operation) and cls.__module__ == home:
                    options = set(inspect.signature(cls.__init__).parameters) - {"self", "name"}
                    theirs[home, name] = options
    for row in OPERATIONS:
        assert theirs[row.module, row.class_name] == set(row.options), row
    # What takes functions, and what is no function of `ops`.
    left_out = {name for _, name in set(theirs) - {(r.module, r.class_name) for r in OPERATIONS}}
    assert left_out <= {
        "AssociativeScan", "Cond", "ForiLoop", "Function", "Map", "Operation", "SSIM", "Scan",
        "SegmentReduction", "SobelEdges", "Switch", "VectorizedMap", "WhileLoop",
    }  # fmt: skip


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.class_name)
def test_options_are_arguments_of_the_function(row):
    function = ops
    for name in row.function.split("."):
        function = getattr(function, name)
    parameters = inspect.signature(function).parameters
    assert set(row.options) <= set(parameters) or "kwargs" in parameters


X = np.arange(24, dtype="float32").reshape(2, 3, 4)
CALLS = [
    (ops.mean, (X,), {"axis": 1, "keepdims": True}, ["x"]),
    (ops.mean, (X, 1), {}, ["x"]),
    (ops.clip, (X, 1.0, 5.0), {}, ["x"]),
    (ops.where, (X > 3, X, -X), {}, ["c", "x", "y"]),
    (ops.get_item, (X, (slice(None), 1)), {}, ["x", "key"]),
    (ops.einsum, ("bij,bkj->bik", X, X), {}, ["x", "y"]),
    (ops.take, (X, np.array([0, 2])), {"axis": 2}, ["x", "indices"]),
    (ops.softmax, (X,), {"axis": -1}, ["x"]),
    (ops.image.resize, (X[..., None], (6, 8)), {"interpolation": "nearest"}, ["x"]),
    (ops.top_k, (X, 2), {}, ["x"]),
    (ops.pad, (X, ((0, 0), (1, 1), (0, 0))), {"constant_values": 2.0}, ["x", "value"]),
]


@pytest.mark.parametrize("function, args, kwargs, called", CALLS)
def test_a_call_comes_back(function, args, kwargs, called):
    config, positional, named = describe_op(function, "name", args, kwargs)
    assert config["config"]["name"] == "name"
    assert len(positional) + len(named) == len(called)
    # As JSON has them, the key of `get_item` is a list.
    positional = [list(p) if isinstance(p, tuple) else p for p in positional]
    found = revive_op(config)(*positional, **named)
    for a, b in zip(fkeras.tree.flatten(found), fkeras.tree.flatten(function(*args, **kwargs))):
        np.testing.assert_array_equal(a, b)


def test_what_keras_has_no_class_for_is_left_to_the_caller():
    def own(x):
        return x

    assert describe_op(own, "own", (X,), {}) is None
    assert describe_op(ops.cond, "cond", (True, own, own), {}) is None
    assert revive_op({"module": "keras.layers", "class_name": "Add", "config": {}}) is None


def test_of_configs_without_modules_layers_are_told_by_what_all_layers_have():
    layer = {"class_name": "Add", "config": {"name": "add", "trainable": True}}
    assert revive_op(layer) is None
    assert revive_op({"class_name": "Add", "config": {"name": "add"}})(1, 2) == 3
