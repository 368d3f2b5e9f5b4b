"""Optimizers that a model holds beside the one it was compiled with."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, optimizers
from fkeras.saving.further_optimizers import further_optimizers

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
LEFT_OUT = "states of optimizers that .* does not have now: d_optimizer"


@fkeras.saving.register_keras_serializable("test_further_optimizers")
class Rivals(fkeras.Model):
    """Two networks with an optimizer each."""

    compiles_again = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.judge = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
        self.maker = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(3)])

    def compile(self, d_optimizer, g_optimizer):
        super().compile(None)
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer

    def call(self, inputs):
        return self.judge(self.maker(inputs))

    def get_compile_config(self):
        chosen = {"d": self.d_optimizer, "g": self.g_optimizer}
        return {name: optimizers.serialize(value) for name, value in chosen.items()}

    def compile_from_config(self, config):
        if self.compiles_again:
            self.compile(*(optimizers.deserialize(config[name]) for name in "dg"))


def rivals(trained=True, compiled=True, rate=0.5):
    model = Rivals(name="rivals")
    model.build((None, 3))
    if compiled:
        model.compile(optimizers.Adam(rate), optimizers.SGD(rate, momentum=0.9))
    if trained:
        for optimizer, net in ((model.d_optimizer, model.judge), (model.g_optimizer, model.maker)):
            weights = net.trainable_variables
            optimizer.apply([np.ones(w.shape, "float32") for w in weights], weights)
    return model


def states(model):
    return [v.numpy() for o in further_optimizers(model).values() for v in o.variables]


def assert_same_states(model, other):
    for ours, theirs in zip(states(model), states(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "save, name",
    [
        ("save", "model"),
        ("save", "model.keras"),
        ("save_weights", "model"),
        ("save_weights", "model.weights.h5"),
    ],
)
def test_load_weights_takes_their_states(tmp_path, save, name):
    model, other = rivals(), rivals(rate=0.25)
    getattr(model, save)(tmp_path / name)
    other.load_weights(tmp_path / name)
    assert_same_states(model, other)


def test_new_ones_begin_anew(tmp_path):
    model, other = rivals(), rivals(trained=False)
    model.save_weights(tmp_path / "model")
    other.load_weights(tmp_path / "model")
    assert not other.d_optimizer.built
    np.testing.assert_array_equal(other(X), model(X))


def test_load_model_builds_those_that_the_model_has(tmp_path):
    model = rivals()
    model.save(tmp_path / "model")
    again = fkeras.saving.load_model(tmp_path / "model")
    assert_same_states(model, again)
    assert again.d_optimizer.bound_variables == again.judge.trainable_variables


@pytest.mark.parametrize("name", ["model", "model.keras", "model.weights.h5"])
def test_a_model_without_them_is_loaded_and_told(tmp_path, name, monkeypatch):
    monkeypatch.setattr(Rivals, "compiles_again", False)
    model, other = rivals(), rivals(trained=False, compiled=False)
    (model.save_weights if "weights" in name else model.save)(tmp_path / name)
    with pytest.warns(UserWarning, match=LEFT_OUT):
        other.load_weights(tmp_path / name)
    if "weights" not in name:
        with pytest.warns(UserWarning, match=LEFT_OUT):
            other = fkeras.saving.load_model(tmp_path / name)
    np.testing.assert_array_equal(other(X), model(X))


def test_one_of_another_kind_stays_as_it_is(tmp_path):
    model, other = rivals(), rivals()
    model.save(tmp_path / "model")
    other.d_optimizer = optimizers.SGD(0.125)
    other.d_optimizer.build(other.judge.trainable_variables)
    with pytest.warns(UserWarning, match=LEFT_OUT):
        other.load_weights(tmp_path / "model")
    assert float(other.d_optimizer.learning_rate) == 0.125
    np.testing.assert_array_equal(other.g_optimizer.variables[2], model.g_optimizer.variables[2])
