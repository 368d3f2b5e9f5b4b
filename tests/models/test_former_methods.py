"""What a model says of methods that it does not have."""

import copy

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.models import former_methods


def message_of(name, model=None):
    with pytest.raises(AttributeError) as caught:
        getattr(model or fkeras.Sequential([layers.Dense(1)]), name)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(former_methods.INSTEAD))
def test_former_names_say_what_to_do_instead(name):
    assert former_methods.INSTEAD[name] in message_of(name)


@pytest.mark.parametrize(
    "name, known", [("fitt", "fit"), ("sumary", "summary"), ("get_weight", "get_weights")]
)
def test_misspelt_methods_are_told_the_nearest_one(name, known):
    assert f"Did you mean '{known}'?" in message_of(name)


def test_unknown_and_private_names_are_told_plainly():
    assert message_of("qwxyz") == "'Sequential' object has no attribute 'qwxyz'"
    assert message_of("_fitt") == "'Sequential' object has no attribute '_fitt'"
    assert not hasattr(fkeras.Sequential(), "predict_klasses")


def test_what_a_property_says_is_kept():
    class Net(fkeras.Model):
        @property
        def head(self):
            return self.hidden.kernl

    net = Net()
    net.hidden = layers.Dense(1)
    assert "kernl" in message_of("head", net)


def test_functional_models_and_copies_are_models_too():
    inputs = fkeras.Input((4,))
    model = fkeras.Model(inputs, layers.Dense(1)(inputs))
    assert "override" in message_of("total_loss", model)
    same = copy.deepcopy(model)
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(same(x), model(x))


def test_what_load_weights_returns_can_be_asked_as_in_older_scripts(tmp_path):
    model = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(1)])
    model.save_weights(tmp_path / "kept")
    model.load_weights(tmp_path / "kept").expect_partial()
    model.load_weights(tmp_path / "kept").assert_consumed().assert_existing_objects_matched()
