"""Masks over params: by flags, layers, weights, paths and functions."""

import jax
import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError

X = np.ones((2, 4), "float32")


class Net(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = fkeras.Sequential([layers.Dense(3), layers.BatchNormalization()])
        self.heads = [layers.Dense(2), layers.Dense(1)]

    def call(self, x):
        return self.heads[1](self.heads[0](self.encoder(x)))


def _net():
    net = Net()
    net(X)
    return net


def _chosen(mask):
    leaves = jax.tree_util.tree_leaves_with_path(mask)
    paths = [jax.tree_util.keystr(p, simple=True, separator="/") for p, is_one in leaves if is_one]
    return sorted(paths)


ALL = [
    "encoder/batch_normalization/beta",
    "encoder/batch_normalization/gamma",
    "encoder/dense/bias",
    "encoder/dense/kernel",
    "heads_0/bias",
    "heads_0/kernel",
    "heads_1/bias",
    "heads_1/kernel",
]


def _freeze_nothing(net):
    pass


def _freeze_layer(net):
    net.encoder.trainable = False


def _freeze_inner(net):
    net.encoder.layers[1].trainable = False


def _freeze_weight(net):
    net.heads[0].kernel.trainable = False


def _freeze_all(net):
    net.trainable = False


@pytest.mark.parametrize(
    ("freeze", "expected"),
    [
        (_freeze_nothing, ALL),
        (_freeze_layer, ALL[4:]),
        (_freeze_inner, ALL[2:]),
        (_freeze_weight, [*ALL[:5], *ALL[6:]]),
        (_freeze_all, []),
    ],
)
def test_the_mask_follows_the_flags(freeze, expected):
    net = _net()
    freeze(net)
    mask = net.trainable_mask()
    assert jax.tree.structure(mask) == jax.tree.structure(net.get_variables()["params"])
    assert _chosen(mask) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (lambda net: net.encoder, ALL[:4]),
        (lambda net: net.encoder.layers[0], ALL[2:4]),
        (lambda net: net.heads, ALL[4:]),
        (lambda net: net, ALL),
        (lambda net: net.heads[1].kernel, ALL[7:]),
        (lambda net: "heads_?/kernel", [ALL[5], ALL[7]]),
        (lambda net: ["encoder/dense", net.heads[1]], [*ALL[2:4], *ALL[6:]]),
        (lambda net: lambda path, weight: len(weight.shape) == 2, [ALL[3], ALL[5], ALL[7]]),
    ],
)
def test_layers_weights_paths_and_functions_choose(where, expected):
    net = _net()
    assert _chosen(net.params_mask(where(net))) == expected


def test_a_mask_serves_optax_in_a_loop_of_ones_own():
    net = _net()
    net.encoder.trainable = False
    variables = net.get_variables()
    labels = jax.tree.map(lambda is_trained: "on" if is_trained else "off", net.trainable_mask())
    optimizer = optax.multi_transform({"on": optax.sgd(0.1), "off": optax.set_to_zero()}, labels)
    params = variables["params"]
    gradients = jax.grad(lambda p: net.apply({**variables, "params": p}, X)[0].sum())(params)
    updates, _ = optimizer.update(gradients, optimizer.init(params))
    moved = jax.tree.map(lambda u: bool(np.any(u != 0)), updates)
    assert _chosen(moved) == ["heads_0/bias", "heads_0/kernel", "heads_1/bias", "heads_1/kernel"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("encodr", "No path fits 'encodr'. Near it: .*encoder"),
        (3, "takes layers, weights, paths .* Received: 3"),
    ],
)
def test_what_is_not_there_is_an_error(where, message):
    with pytest.raises(UserInputError, match=message):
        _net().params_mask(where)


def test_a_layer_of_another_model_is_an_error():
    stranger = layers.Dense(1)
    stranger.build((None, 3))
    for where in (stranger, stranger.kernel):
        with pytest.raises(UserInputError, match="holds weights that 'net"):
            _net().params_mask(where)


def test_there_is_no_mask_before_there_are_params():
    with pytest.raises(NotBuiltError, match="no params yet"):
        layers.Dense(2).trainable_mask()
    with pytest.raises(NotBuiltError, match="no params yet"):
        layers.Dense(2).params_mask("kernel")
