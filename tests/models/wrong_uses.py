"""Models and data for the tests of wrong and doubtful uses."""

import numpy as np
import pytest

import fkeras
from fkeras import layers

N = 16


X = np.random.default_rng(0).normal(size=(N, 4)).astype("float32")


IDS = np.arange(N) % 3


ONE_HOT = np.eye(3, dtype="float32")[IDS]


Y = X[:, :1] * 2


BITS = (IDS > 0).astype("float32")[:, None]


def softmax(loss="sparse_categorical_crossentropy", **kwargs):
    return compiled(layers.Dense(3, activation="softmax"), loss, **kwargs)


def linear(loss="mse", units=1, **kwargs):
    return compiled(layers.Dense(units), loss, **kwargs)


def sigmoid(loss="binary_crossentropy", units=1, **kwargs):
    return compiled(layers.Dense(units, activation="sigmoid"), loss, **kwargs)


def compiled(layer, loss, optimizer="sgd", **kwargs):
    model = fkeras.Sequential([fkeras.Input((4,)), layer])
    model.compile(optimizer, loss, **kwargs)
    return model


def with_nan(a, value=np.nan):
    a = np.array(a, "float32")
    a[3, 0] = value
    return a


def changing():
    yield X[:4], Y[:4]
    yield X[:4, :3], Y[:4]


def fit(x, y=None, **kwargs):
    return lambda model: model.fit(x, y, verbose=0, **kwargs)


def nothing(y_true, y_pred):
    return None


def frame(index=None, **columns):
    pandas = pytest.importorskip("pandas")
    given = {**{name: X[:, i] for i, name in enumerate("abcd")}, **columns}
    return pandas.DataFrame(given, index=index)


NAMES = [f"row {i}" for i in range(N)]


def named(values):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(values[:, 0], index=NAMES)


def nullable():
    pandas = pytest.importorskip("pandas")
    return frame(c=pandas.array([None, None, *X[2:, 2]], "Float32"))


def trained_on_a_frame():
    model = linear()
    model.fit(frame(), Y, verbose=0)
    return model


def in_numpy(y_true, y_pred):
    return np.square(y_true - y_pred).mean()


def embedding():
    model = fkeras.Sequential(
        [
            fkeras.Input((2,), dtype="int32"),
            layers.Embedding(5, 4),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    return model


class Lookup(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.inner = [layers.Embedding(5, 4), layers.Flatten(), layers.Dense(1)]

    def call(self, ids):
        for layer in self.inner:
            ids = layer(ids)
        return ids


def subclassed_embedding():
    model = Lookup()
    model.build((None, 2))
    model.compile("sgd", "mse")
    return model


def one(*batch):
    yield batch


# What `fit` refuses, everywhere else.
USES = {
    "evaluate": lambda x, y: lambda m: m.evaluate(x, y, verbose=0),
    "validation": lambda x, y: (
        lambda m: m.fit(x[:1] * 0, y[:1] * 0, validation_data=(x, y), verbose=0)
    ),
    "a generator": lambda x, y: lambda m: m.fit(one(x, y), verbose=0),
    "a generator in evaluate": lambda x, y: lambda m: m.evaluate(one(x, y), verbose=0),
    "train_on_batch": lambda x, y: lambda m: m.train_on_batch(x, y),
    "test_on_batch": lambda x, y: lambda m: m.test_on_batch(x, y),
}


class Broken(fkeras.Model):
    def __init__(self, function):
        super().__init__()
        self.dense, self.function = layers.Dense(1), function

    def call(self, x):
        return self.function(self.dense(x))


def broken(function):
    model = Broken(function)
    model.compile("sgd", "mse")
    return model


def on_schedule():
    model = linear()
    model.compile(
        fkeras.optimizers.SGD(fkeras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "mse"
    )
    return model


def of_any_length():
    model = fkeras.Sequential([fkeras.Input((None, 4)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class NoArguments(fkeras.callbacks.Callback):
    def on_epoch_end(self):
        pass


# (id, model, use, what the message says)
