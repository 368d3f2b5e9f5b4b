"""Arguments of layers in Keras 1 and 2."""

import warnings

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

L2 = fkeras.regularizers.L2(0.1)

# class, former arguments, today's
ROWS = [
    ("Dense", {"output_dim": 3, "init": "zeros", "bias": False}, {"units": 3, "use_bias": False}),
    ("Dense", {"units": 3, "W_regularizer": L2}, {"kernel_regularizer": L2}),
    (
        "Conv2D",
        {"nb_filter": 4, "nb_row": 3, "nb_col": 2, "border_mode": "same", "subsample": (2, 1)},
        {"filters": 4, "kernel_size": (3, 2), "padding": "same", "strides": (2, 1)},
    ),
    (
        "Conv1D",
        {"nb_filter": 4, "filter_length": 3, "subsample_length": 2},
        {"filters": 4, "kernel_size": (3,), "strides": (2,)},
    ),
    ("MaxPooling1D", {"pool_length": 3, "stride": 2}, {"pool_size": (3,), "strides": (2,)}),
    ("MaxPooling2D", {"dim_ordering": "th"}, {"data_format": "channels_first"}),
    ("UpSampling2D", {"dim_ordering": "tf"}, {"data_format": "channels_last"}),
    (
        "LSTM",
        {"output_dim": 3, "inner_activation": "tanh", "dropout_W": 0.1, "consume_less": "gpu"},
        {"units": 3, "dropout": 0.1},
    ),
    ("GRU", {"units": 3, "implementation": 1, "time_major": False}, {"units": 3}),
    ("Embedding", {"input_dim": 5, "output_dim": 2, "dropout": 0.2}, {"output_dim": 2}),
    ("BatchNormalization", {"mode": 0, "fused": True, "gamma_init": "zeros"}, {"axis": -1}),
    ("Dropout", {"p": 0.25}, {"rate": 0.25}),
    ("GaussianNoise", {"sigma": 0.5}, {"stddev": 0.5}),
]


@pytest.mark.parametrize(
    "name, former, today", ROWS, ids=[f"{r[0]}-{i}" for i, r in enumerate(ROWS)]
)
def test_they_mean_todays_with_one_warning(name, former, today):
    with pytest.warns(UserWarning, match=f"{name}: arguments of older Keras") as caught:
        layer = getattr(layers, name)(**former)
    assert len(caught) == 1
    assert {key: getattr(layer, key) for key in today} == today
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # its config has today's names
        type(layer).from_config(layer.get_config())


def test_rows_and_columns_of_keras_1_by_position():
    with pytest.warns(UserWarning, match="border_mode"):
        layer = layers.Convolution2D(4, 3, 2, border_mode="valid")
    assert layer.kernel_size == (3, 2) and layer.strides == (1, 1)
    assert layers.Conv2D(4, 3, 2).strides == (2, 2)  # as in Keras 3


def test_names_of_the_users_own_are_left_alone():
    class Mine(layers.Layer):
        def __init__(self, init, p=1, **kwargs):
            super().__init__(**kwargs)
            self.init, self.p = init, p

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = Mine(init="zeros", p=3)
    assert (layer.init, layer.p) == ("zeros", 3)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: layers.BatchNormalization(renorm=True), "renorm=True"),
        (lambda: layers.LSTM(3, time_major=True), "time_major=True"),
        (lambda: layers.Dense(3, pool_length=2), "pool_length"),
    ],
)
def test_what_would_change_results_is_an_error(make, words):
    with pytest.raises((UserInputError, TypeError), match=words):
        make()


@pytest.mark.parametrize(
    "layer, shape",
    [
        (lambda: layers.LSTM(3, input_dim=4), (None, None, 4)),
        (lambda: layers.LSTM(3, input_dim=4, input_length=7), (None, 7, 4)),
        (lambda: layers.Conv1D(3, 2, input_dim=4), (None, None, 4)),
        (lambda: layers.Dense(3, input_dim=4), (None, 4)),
        (lambda: layers.Dense(np.float64(3.0), batch_input_shape=(2, 4)), (2, 4)),
    ],
)
def test_the_shape_of_the_input(layer, shape):
    assert fkeras.Sequential([layer()]).input_shape == shape


def test_the_name_of_a_weight_may_come_first():
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.a = self.add_weight("a", shape=(2,), initializer="ones")
            self.b = self.add_weight("b", (2,), initializer="ones", trainable=False)
            self.c = self.add_variable("c", [2])

        def call(self, x):
            return x * self.a * self.b

    layer = Scale()
    with pytest.warns(UserWarning, match="name comes first"):
        layer(np.ones((1, 2)))
    assert [v.name for v in layer.trainable_variables] == ["a", "c"]
    assert [v.name for v in layer.non_trainable_variables] == ["b"]


def test_weights_that_a_layer_lists_itself():
    class Own(layers.Layer):
        def build(self, input_shape):
            kernel = fkeras.backend.ones((2, 2))
            self.trainable_weights = [kernel]

        def call(self, x):
            return x @ self.trainable_weights[0]

    layer = Own()
    with pytest.warns(UserWarning, match="`trainable_weights`"):
        outputs = layer(np.ones((1, 2)))
    assert float(outputs[0, 0]) == 2.0 and len(layer.trainable_weights) == 1
