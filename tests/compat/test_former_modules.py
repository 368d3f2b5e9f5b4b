"""Modules of older Keras: where scripts look for names that are elsewhere today."""

import warnings

import pytest

import fkeras
from fkeras.compat import former_modules, standins
from fkeras.core import former_names


@pytest.fixture(autouse=True)
def silent():
    with former_names.silently():
        yield


@pytest.mark.parametrize("name", sorted(former_modules.FORMER))
def test_every_former_module_has_the_names_of_todays(name):
    module = standins.find(f"keras.{name}")
    for home in former_modules.FORMER[name]:
        namespace = fkeras
        for part in home.split("."):
            namespace = getattr(namespace, part)
        known = [n for n in dir(namespace) if n[0] != "_"]
        assert known and set(known) <= set(module.__all__)
        assert getattr(module, known[0]) is not None


def test_the_names_are_the_same_objects():
    assert standins.find("keras.layers.core").Dense is fkeras.layers.Dense
    assert standins.find("keras.engine.training").Model is fkeras.Model
    assert standins.find("keras.layers").core.Dense is fkeras.layers.Dense
    assert standins.find("tensorflow.python.keras.layers.recurrent").LSTM is fkeras.layers.LSTM
    assert standins.find("keras.optimizers").adam is fkeras.optimizers.Adam
    assert standins.find("keras.objectives").mse is fkeras.losses.mean_squared_error
    assert "Dense" in dir(standins.find("keras.layers.core"))


def test_a_module_that_was_a_function_too_can_be_called():
    x = fkeras.Input((2,))
    assert standins.find("keras.layers.merge")([x, x], mode="concat").shape == (None, 4)
    with pytest.raises(TypeError, match="not callable"):
        standins.find("keras.layers.core")(x)


def test_what_is_nowhere_is_said_as_today():
    with pytest.raises(AttributeError, match="Did you mean 'Dense'"):
        _ = standins.find("keras.layers.core").Dens
    with pytest.raises(ModuleNotFoundError, match="keras.layers.cores"):
        standins.find("keras.layers.cores")


def test_a_module_is_told_once(monkeypatch):
    monkeypatch.setattr(former_modules, "_told", set())
    monkeypatch.setattr(former_names, "_silent", former_names.Scoped(False))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            standins.find("keras.layers.embeddings")
    assert len(caught) == 1 and "`keras.layers.embeddings`" in str(caught[0].message)
