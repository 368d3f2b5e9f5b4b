"""`lr`, `decay` and their kin of older Keras."""

import warnings

import numpy as np
import pytest

import fkeras
from fkeras import optimizers
from fkeras.errors import UserInputError

X, Y = np.ones((4, 1), "float32"), np.zeros((4, 1), "float32")


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam"]
)
def test_lr_is_the_learning_rate_with_one_warning(name):
    with pytest.warns(UserWarning, match="`lr` is called `learning_rate`") as caught:
        optimizer = getattr(optimizers, name)(lr=0.25)
    assert len(caught) == 1
    assert float(optimizer.lr) == 0.25 == optimizer.get_config()["learning_rate"]
    optimizer.lr = 0.5
    assert float(optimizer.learning_rate) == 0.5


def rates(optimizer, steps=3):
    """The factors of a gradient of 1."""
    weight, before = fkeras.Variable(np.zeros(1, "float32")), 0.0
    taken = []
    for _ in range(steps):
        optimizer.apply([np.ones(1, "float32")], [weight])
        taken.append(before - float(weight[0]))
        before = float(weight[0])
    return taken


def test_decay_divides_the_rate_and_the_rate_can_be_set():
    with pytest.warns(UserWarning, match="InverseTimeDecay"):
        optimizer = optimizers.SGD(0.5, decay=0.5)
    schedule = optimizers.schedules.InverseTimeDecay(0.5, 1, 0.5)
    expected = [0.5, 0.5 / 1.5, 0.25]
    np.testing.assert_allclose(rates(optimizer), expected, rtol=1e-6)
    np.testing.assert_allclose(rates(optimizers.SGD(schedule)), expected, rtol=1e-6)
    assert float(optimizer.lr) == 0.5  # what callbacks read and set, as in Keras 2
    optimizer.lr = 1.0
    np.testing.assert_allclose(rates(optimizer, 1), [1 / 2.5], rtol=1e-6)


def test_decay_acts_in_fit_and_in_files(tmp_path):
    with pytest.warns(UserWarning):
        optimizer = optimizers.SGD(0.5, decay=1.0)
    model = fkeras.Sequential([fkeras.Input((1,)), fkeras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((1, 1), "float32")])
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=2, verbose=0, batch_size=4)
    # w -= rate * 2 w, with rates 1/2 and 1/4
    np.testing.assert_allclose(model.get_weights()[0], [[0.0]], atol=1e-7)
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="`decay`"):
        loaded = fkeras.saving.load_model(tmp_path / "m.keras")
    assert loaded.optimizer.decay == 1.0


def test_what_has_no_effect_is_silent_at_its_default():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert optimizers.Adam(0.1, epsilon=None, decay=0.0).epsilon == 1e-7
        optimizers.Nadam(0.1, schedule_decay=0.004)
    with pytest.warns(UserWarning, match="`schedule_decay`"):
        optimizers.Nadam(0.1, schedule_decay=0.1)
    with pytest.raises(UserInputError, match="decay=-1"):
        optimizers.SGD(0.1, decay=-1)
