"""Wrong uses that are legal calls: one warning, or an error that names the fix, where Keras trains on without a word."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import PureCallError, UserInputError

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
IDS = np.random.default_rng(1).integers(0, 3, 32)


def classifier(units, activation, loss):
    model = fkeras.Sequential([layers.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile("sgd", loss)
    return model


def test_a_loss_on_probabilities_behind_a_linear_layer_warns():
    with pytest.warns(UserWarning, match="expects probabilities, but the model ends with a linear layer"):
        classifier(1, None, "binary_crossentropy").fit(X, (IDS > 1).astype("float32"), verbose=0)


def test_a_loss_on_logits_behind_a_softmax_warns():
    loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.warns(UserWarning, match="from_logits=True, but the model ends with activation='softmax'"):
        classifier(3, "softmax", loss).fit(X, IDS, verbose=0)


def test_a_loss_dict_that_leaves_an_output_out_is_an_error_unless_it_says_so():
    inputs = layers.Input((4,))
    model = fkeras.Model(inputs, [layers.Dense(1, name="a")(inputs), layers.Dense(1, name="b")(inputs)])
    targets = {"a": X[:, :1], "b": X[:, 1:2]}
    model.compile("sgd", {"a": "mse"})
    with pytest.raises(UserInputError, match=r"no entry for the outputs \['b'\]"):
        model.fit(X, targets, verbose=0)
    model.compile("sgd", {"a": "mse", "b": None})
    assert "loss" in model.fit(X, targets, verbose=0).history


def test_a_layer_made_in_call_is_an_error():
    class Careless(fkeras.Model):
        def call(self, x):
            return layers.Dense(3)(x)

    model = Careless()
    model.compile("sgd", "mse")
    with pytest.raises(PureCallError, match="is not among the variables it was given"):
        model.fit(X, X[:, :3], verbose=0)


def test_batch_normalization_over_one_example_warns():
    model = fkeras.Sequential([layers.Input((4,)), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="BatchNormalization"):
        model.fit(X[:2], X[:2, :1], batch_size=1, verbose=0)


def test_steps_that_loss_scaling_skips_are_reported():
    fkeras.config.set_dtype_policy("mixed_float16")
    model = fkeras.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.warns(UserWarning, match="Loss scaling has skipped the last 4 steps in a row"):
        model.fit(X[:, :4] * 1e4, X[:, :1] * 1e6, batch_size=8, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_ids_outside_of_an_embedding_are_named_before_anything_is_trained():
    model = fkeras.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(UserInputError, match=r"input_dim=5.*id 7 at position \(0, 1\)"):
        model.fit(np.array([[1, 7]]), np.array([1.0]), verbose=0)
