"""`DataParallel(strategy="pmap")`: the numbers of one device, or a refusal that says why."""

import numpy as np
import pytest

import fkeras
from fkeras import distribution, layers
from fkeras.errors import UserInputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(70, 8)).astype("float32"), RNG.integers(0, 3, 70)


class Watcher(fkeras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def net(*more, loss="sparse_categorical_crossentropy", metrics=("accuracy",)):
    fkeras.utils.set_random_seed(1)
    model = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.LayerNormalization(),
            *more,
            layers.Dense(3, activation="softmax"),
        ]
    )
    optimizer = fkeras.optimizers.Adam(1e-2, global_clipnorm=0.5)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def trained(form, make=net):
    model = make()
    callbacks = [Watcher()] if form == "step by step" else None
    options = {"batch_size": 16, "epochs": 2, "verbose": 0, "callbacks": callbacks}
    weights = np.linspace(0.5, 2, 70) if form == "weighted" else None
    history = model.fit(X, Y, sample_weight=weights, validation_data=(X, Y), **options)
    values = [history.history[name] for name in sorted(history.history)]
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables), *values]


@pytest.mark.parametrize("form", ["whole epochs", "step by step", "weighted"])
def test_the_numbers_of_one_device(form):
    alone = trained(form)
    with distribution.DataParallel(strategy="pmap").scope():
        mapped = trained(form)
    for found, expected in zip(mapped, alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


def test_each_device_draws_its_own_numbers():
    def loss(strategy):
        with distribution.DataParallel(strategy=strategy).scope():
            model = net(layers.Dropout(0.5))
            return model.fit(X, Y, batch_size=16, verbose=0).history["loss"]

    mapped = loss("pmap")
    assert mapped == loss("pmap"), "the same at each run"
    assert mapped != loss("jit"), "which draws one mask for the whole batch"


def summed():
    return net(loss=fkeras.losses.SparseCategoricalCrossentropy(reduction="sum"))


class Counting(layers.Layer):
    def build(self, shape):
        self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

    def call(self, inputs):
        self.seen.assign_add(1.0)
        return inputs


class Adding(layers.Layer):
    def call(self, inputs):
        self.add_loss(fkeras.ops.sum(inputs) * 1e-3)
        return inputs


class OwnMetric(fkeras.metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return 0.0


class OwnStep(fkeras.Sequential):
    def train_step(self, state, data):
        return super().train_step(state, data)


def with_own_step():
    model = OwnStep([fkeras.Input((8,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: net(layers.BatchNormalization()),
            r"of the whole batch.*`DataParallel\(\)`",
        ),
        (summed, "reduces by 'sum'"),
        (lambda: net(layers.Masking()), "makes masks"),
        (lambda: net(metrics=[OwnMetric()]), "not known to add up"),
        (with_own_step, "overrides train_step"),
        (lambda: net(Counting()), "writes the state.*seen"),
        (lambda: net(Adding()), "add losses"),
    ],
)
def test_what_would_give_other_numbers_is_refused(make, message):
    with distribution.DataParallel(strategy="pmap").scope():
        model = make()
        weights = model.get_weights()
        with pytest.raises(UserInputError, match=message):
            model.fit(X, Y, batch_size=16, verbose=0)
        for found, expected in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_an_unknown_strategy():
    with pytest.raises(UserInputError, match="strategy.*'jit', 'pmap'.*'xmap'"):
        distribution.DataParallel(strategy="xmap")
