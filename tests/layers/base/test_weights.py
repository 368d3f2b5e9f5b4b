"""What belongs to a layer, in Keras's order, and its values."""

import numpy as np
import pytest
from flax import nnx

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError


class Net(layers.Layer):
    def __init__(self):
        super().__init__(name="net")
        self.first = layers.Dense(2, name="first")
        self.norm = layers.BatchNormalization(name="norm")
        self.own = self.add_weight((1,), name="own")
        self.count = self.add_weight((), "zeros", trainable=False, name="count")
        self.accuracy = fkeras.metrics.Mean(name="accuracy")
        self.seed = fkeras.random.SeedGenerator(1)

    def call(self, x):
        return self.norm(self.first(x))


def built():
    net = Net()
    net(np.ones((2, 3), "float32"))
    return net


def names(variables):
    return [variable.path.removeprefix("net/") for variable in variables]


def test_groups_of_variables_in_order():
    net = built()
    trainable = ["own", "first/kernel", "first/bias", "norm/gamma", "norm/beta"]
    assert names(net.trainable_weights) == trainable
    assert names(net.weights) == [
        "own",
        "count",
        *("first/kernel", "first/bias"),
        *("norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance"),
    ]
    assert names(net.non_trainable_weights) == ["count", "norm/moving_mean", "norm/moving_variance"]
    assert len(net.variables) == len(net.weights) + 1  # the state of the seed generator
    assert [metric.name for metric in net.metrics] == ["accuracy"]
    assert len(net.metrics_variables) == len(net.accuracy.variables)


def test_freezing_moves_weights_to_the_other_group():
    net = built()
    net.first.trainable = False
    assert names(net.trainable_weights) == ["own", "norm/gamma", "norm/beta"]
    assert "first/kernel" in names(net.non_trainable_weights)
    net.trainable = False
    assert net.trainable_variables == [] and net.non_trainable_variables == net.variables
    assert net.non_trainable_weights == net.weights


def test_values_out_and_in():
    net = built()
    values = [np.full(w.shape, i, "float32") for i, w in enumerate(net.weights)]
    net.set_weights(values)
    for value, expected in zip(net.get_weights(), values):
        np.testing.assert_array_equal(value, expected)


def test_values_are_checked_before_any_is_set():
    net = built()
    before = net.get_weights()
    wrong = [np.full_like(value, 9.0) for value in before]
    with pytest.raises(UserInputError, match="list of length 7, but the layer was expecting 8"):
        net.set_weights(wrong[:-1])
    wrong[-1] = np.ones(5)
    with pytest.raises(UserInputError, match=r"shape \(2,\) is not compatible.*\(5,\).*moving_var"):
        net.set_weights(wrong)
    for value, expected in zip(net.get_weights(), before):
        np.testing.assert_array_equal(value, expected)


def test_the_number_of_scalars():
    net = built()
    assert net.count_params() == 1 + 1 + 3 * 2 + 2 + 4 * 2
    with pytest.raises(NotBuiltError, match=r"`count_params` on layer 'dense'.*layer.build"):
        layers.Dense(2, name="dense").count_params()


def test_weights_of_a_foreign_module_are_read_and_set():
    layer = layers.FlaxLayer(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))
    layer(np.ones((1, 2), "float32"))
    zeros = [np.zeros(w.shape, "float32") for w in layer.weights]
    layer.set_weights(zeros)
    assert len(zeros) == 2
    for value in layer.get_weights():
        np.testing.assert_array_equal(value, np.zeros_like(value))
